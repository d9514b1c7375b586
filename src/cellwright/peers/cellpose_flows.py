"""Cellpose's flows as a codec: cells to flows and back, both by Cellpose's own dynamics.

Paper: Stringer, Wang, Michaelos & Pachitariu 2021 (Cellpose), methods, "Model training" and
"Gradient tracking". The simulated diffusion of `dynamics.labels_to_flows` and the tracking of
`dynamics.compute_masks` are the package's (BSD-3-Clause), of version 3 or 4; this file is our own.

Deviations: classes are encoded each for itself, as if by a network of their own; overlapping
cells become a label map for the flows, where the later cell has the shared pixels.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import torch
from torch import Tensor

from cellwright.codecs.instances import RAGGED, cell_targets, kept
from cellwright.geometry import from_label_map, to_label_map
from cellwright.peers import packages
from cellwright.peers.cellpose import cell_scores
from cellwright.types import Instances


@dataclass(frozen=True, slots=True)
class FlowCodec:
    """Flows and cell probability to cells that do not overlap.

    Parameters
    ----------
    class_names
        Classes of the network, in its order.
    score
        Least mean probability of a cell's pixels.
    min_area
        Least pixels of a cell.
    flow_threshold
        Largest mean squared difference of a cell's flows from those of its mask; 0 keeps all.
    cellprob_threshold
        Least logit of a pixel of a cell.
    steps
        Steps that pixels follow the flows.
    capacity
        Most cells in a crop; None, for flows hold any number.
    """

    class_names: tuple[str, ...] = ("cell",)
    score: float = 0.5
    min_area: int = 15
    flow_threshold: float = 0.4
    cellprob_threshold: float = 0.0
    steps: int = 200
    capacity: int | None = None

    #: settings tried on the tuning fold, by field
    grid: ClassVar[dict[str, tuple[float, ...]]] = {
        "score": (0.5, 0.6, 0.7, 0.8, 0.9),
        "min_area": (5, 15, 30, 60),
    }
    #: targets with one entry per cell; they also make that each crop is encoded for itself,
    #: for a flow has a direction and cannot be warped as a map
    ragged: ClassVar[tuple[str, ...]] = RAGGED
    #: outputs of the network that `candidates` takes
    reads: ClassVar[tuple[str, ...]] = ("flows", "inside")

    def encode(self, instances: Instances) -> dict[str, Tensor]:
        """The cells as of `cell_targets`, and ``flows`` and ``inside``.

        Returns
        -------
        ``flows`` is (class, 2, row, column), unit vectors (row, column) towards the middle of
        the cell, 0 outside; ``inside`` is (class, row, column), 1 in a cell.
        """
        flows, inside = [], []
        for number in range(len(self.class_names)):
            labels = to_label_map(instances[instances.classes == number])
            flows.append(flows_of(labels))
            inside.append(labels > 0)
        return {
            **cell_targets(instances),
            "flows": torch.from_numpy(np.stack(flows)),
            "inside": torch.from_numpy(np.stack(inside).astype(np.float32)),
        }

    def candidates(
        self,
        outputs: Mapping[str, Tensor],
        *,
        shape: tuple[int, int],
        padded: tuple[int, int],
        least: float = 0.0,
    ) -> Instances:
        """All cells of a score of `least` or more that the flows lead to; see `cell_scores`.

        Parameters
        ----------
        outputs
            ``flows`` (class, 2, row, column) five times those of `encode`; ``inside`` (class,
            row, column) logits; both over the padded image.
        shape, padded
            Rows and columns of the image before and after padding.
        """
        rows, cols = shape
        flows = outputs["flows"].detach().float().cpu().numpy()[..., :rows, :cols]
        inside = outputs["inside"].detach().float().cpu().numpy()[..., :rows, :cols]
        parts = []
        for number, (flow, logit) in enumerate(zip(flows, inside, strict=True)):
            labels = self._followed(np.ascontiguousarray(flow), np.ascontiguousarray(logit))
            found = from_label_map(labels, scores=cell_scores(labels, logit))
            found = found[found.scores >= least]
            parts.append(
                Instances(
                    shape,
                    found.boxes,
                    found.masks,
                    found.scores,
                    np.full(len(found), number),
                    self.class_names,
                )
            )
        return Instances.concatenate(parts)

    def select(self, candidates: Instances) -> Instances:
        """The candidates taken for cells."""
        return kept(candidates, score=self.score, nms=1.0, min_area=self.min_area)

    def decode(self, outputs: Mapping[str, Tensor]) -> Instances:
        """Cells of an image that was not padded."""
        rows, cols = outputs["inside"].shape[-2:]
        shape = (int(rows), int(cols))
        return self.select(self.candidates(outputs, shape=shape, padded=shape))

    def _followed(self, flow: np.ndarray, logit: np.ndarray) -> np.ndarray:
        """int32 label map of the pixels that end at one place."""
        packages.cellpose()
        from cellpose import dynamics

        labels = dynamics.compute_masks(
            flow,
            logit,
            niter=self.steps,
            cellprob_threshold=self.cellprob_threshold,
            flow_threshold=self.flow_threshold,
            max_size_fraction=1.0,  # a window may be filled by one cell
            device=torch.device("cpu"),
        )
        return np.asarray(labels).astype(np.int32)


def flows_of(labels: np.ndarray) -> np.ndarray:
    """(2, row, column) float32 flows of a label map; 0 where it is 0."""
    if not labels.any():
        return np.zeros((2, *labels.shape), dtype=np.float32)
    packages.cellpose()
    from cellpose import dynamics

    found = dynamics.labels_to_flows([labels.astype(np.int32)], device=torch.device("cpu"))[0]
    return np.asarray(found[2:4], dtype=np.float32)
