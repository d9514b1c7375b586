"""Cells as boxes with coefficients over shared prototype maps.

Source: Bolya et al. 2019 (YOLACT), section 3: a mask is the logistic function of the
prototypes weighted by the cell's coefficients, cut at its box. Our own code (BSD-3-Clause),
written from the paper. Deviation, as YOLOv8 does: maps are enlarged before the cut.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from torch import Tensor

from cellwright.codecs.instances import FLOOR, RAGGED, cell_targets, kept
from cellwright.geometry import tighten
from cellwright.types import Instances


@dataclass(frozen=True, slots=True)
class PrototypeCodec:
    """Boxes and mask coefficients over prototypes to cells, which may overlap.

    Parameters
    ----------
    class_names
        Classes of the network, in its order.
    score
        Least score of a cell.
    nms
        Of two masks of one class with a larger IoU the one of the lower score goes; 1 keeps
        both.
    min_area
        Least pixels of a cell.
    capacity
        Most cells that the network finds in an image; None for no limit.
    """

    class_names: tuple[str, ...] = ("cell",)
    score: float = 0.25
    nms: float = 0.6
    min_area: int = 5
    capacity: int | None = None

    #: settings tried on the tuning fold, by field
    grid: ClassVar[dict[str, tuple[float, ...]]] = {
        "score": (0.1, 0.2, 0.3, 0.4, 0.5, 0.6),
        "nms": (0.3, 0.5, 0.7),
        "min_area": (5, 15, 30),
    }
    #: targets with one entry per cell
    ragged: ClassVar[tuple[str, ...]] = RAGGED
    #: outputs of the network that `candidates` takes
    reads: ClassVar[tuple[str, ...]] = (
        "boxes",
        "scores",
        "classes",
        "coefficients",
        "prototypes",
    )

    def encode(self, instances: Instances) -> dict[str, Tensor]:
        """``boxes``, ``classes`` and ``crops`` of the cells; see `cell_targets`."""
        return cell_targets(instances)

    def candidates(
        self,
        outputs: Mapping[str, Tensor],
        *,
        shape: tuple[int, int],
        padded: tuple[int, int],
        least: float = FLOOR,
    ) -> Instances:
        """All cells of a score of `least` or more.

        Parameters
        ----------
        outputs
            ``boxes`` (cell, 4) half-open (row0, col0, row1, col1) in pixels of the padded
            image; ``scores`` (cell,); ``classes`` (cell,); ``coefficients`` (cell,
            prototype); ``prototypes`` (prototype, row, column) over the padded image.
        shape, padded
            Rows and columns of the image before and after padding.
        """
        found = {name: outputs[name].detach().float().cpu().numpy() for name in self.reads}
        prototypes = found["prototypes"]
        steps = [size / count for size, count in zip(padded, prototypes.shape[1:], strict=True)]
        boxes, masks, whose = [], [], []
        for number in np.flatnonzero(found["scores"] >= least).tolist():
            corners = found["boxes"][number]
            low = np.floor(np.clip(corners[:2], 0, shape)).astype(np.int64)
            high = np.ceil(np.clip(corners[2:], 0, shape)).astype(np.int64)
            if (high <= low).any():
                continue
            places = [
                places_between(low[axis], high[axis], steps[axis], prototypes.shape[axis + 1])
                for axis in (0, 1)
            ]
            mask = drawn(found["coefficients"][number], prototypes, *places)
            if mask.any():
                boxes.append([*low, *high])
                masks.append(mask)
                whose.append(number)
        cells = Instances(
            shape,
            np.array(boxes, dtype=np.int64).reshape(-1, 4),
            tuple(masks),
            np.clip(found["scores"][whose], 0, 1),
            found["classes"][whose].astype(np.int64),
            self.class_names,
        )
        return tighten(cells)

    def select(self, candidates: Instances) -> Instances:
        """The candidates taken for cells."""
        return kept(candidates, score=self.score, nms=self.nms, min_area=self.min_area)

    def decode(self, outputs: Mapping[str, Tensor], *, shape: tuple[int, int]) -> Instances:
        """Cells of an image of `shape` that was not padded."""
        return self.select(self.candidates(outputs, shape=shape, padded=shape))


def places_between(start: int, stop: int, step: float, count: int) -> tuple[int, np.ndarray]:
    """Where the middles of pixels lie between the samples of a map that is `step` coarser.

    Parameters
    ----------
    start, stop
        Pixels, the last not included.
    step
        Pixels per sample.
    count
        Samples of the map; beyond its ends the last sample goes on.

    Returns
    -------
    The first sample needed, and (pixel, sample) float32 weights of it and those after it.

    Examples
    --------
    >>> places_between(1, 3, 2, 4)[1].tolist()
    [[0.75, 0.25], [0.25, 0.75]]
    """
    at = np.clip((np.arange(start, stop) + 0.5) / step - 0.5, 0, count - 1)
    below = np.floor(at).astype(np.int64)
    above = np.minimum(below + 1, count - 1)
    first = int(below[0])
    weights = np.zeros((len(at), int(above[-1]) + 1 - first), dtype=np.float32)
    pixel = np.arange(len(at))
    weights[pixel, below - first] = 1 - (at - below)
    weights[pixel, above - first] += at - below
    return first, weights


def drawn(
    coefficients: np.ndarray,
    prototypes: np.ndarray,
    rows: tuple[int, np.ndarray],
    cols: tuple[int, np.ndarray],
) -> np.ndarray:
    """The mask of one cell in its box: its part of the maps, enlarged, where it is above 0.

    Parameters
    ----------
    coefficients, prototypes
        (prototype,) and (prototype, row, column).
    rows, cols
        Of `places_between`.
    """
    (row, by_row), (col, by_col) = rows, cols
    part = prototypes[:, row : row + by_row.shape[1], col : col + by_col.shape[1]]
    return by_row @ np.tensordot(coefficients, part, axes=1) @ by_col.T > 0
