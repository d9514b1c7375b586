"""Query codec: a fixed number of masks with scores, which may overlap, to cells.

Source: P4 4.5.3 (Prytula 2023); maskness after Wang et al. 2020 (SOLO), which P4 cites.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import interpolate

from cellwright.codecs.instances import FLOOR, RAGGED, cell_targets, kept
from cellwright.geometry import mask_box
from cellwright.types import Instances

# Pixels of full-size masks drawn up in one go; bounds the memory to some 32 MB.
_CHUNK = 1 << 23


@dataclass(frozen=True, slots=True)
class QueryCodec:
    """Masks of queries, each with the scores of its classes.

    The score of a cell is that of its class times its maskness, the mean probability of the
    pixels of its mask (P4 4.5.3: ``s = c m``; the mean is over the pixels the mask has, for
    over the whole frame it would be the cell's size).

    Parameters
    ----------
    class_names
        Names of the classes; a query is of the class of its largest score.
    score
        Cells of a lower score are left out.
    nms
        Of two cells of one class whose masks have a larger IoU, the one of the lower score is
        left out; 1 keeps both. P4 keeps both and reports duplicates (6.2).
    min_area
        Cells of fewer pixels are left out.
    threshold
        Probability from which a pixel is of the mask (P4 5.7: 0.5).
    capacity
        Cells that the network can give in one window, or None if that is not bounded.
    """

    class_names: tuple[str, ...] = ("cell",)
    score: float = 0.4
    nms: float = 0.6
    min_area: int = 15
    threshold: float = 0.5
    capacity: int | None = 100

    #: settings tried on the tuning fold, by field
    grid: ClassVar[dict[str, tuple[float, ...]]] = {
        "score": (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7),
        "nms": (0.4, 0.5, 0.6, 0.7, 0.8, 1.0),
        "min_area": (5, 15, 30, 60),
    }
    #: targets that are lists in a batch
    ragged: ClassVar[tuple[str, ...]] = RAGGED
    #: outputs that `candidates` wants
    reads: ClassVar[tuple[str, ...]] = ("scores", "masks")

    def encode(self, instances: Instances) -> dict[str, Tensor]:
        """The cells as of `codecs.instances.cell_targets`."""
        return cell_targets(instances)

    def candidates(
        self,
        outputs: Mapping[str, Tensor],
        *,
        shape: tuple[int, int],
        padded: tuple[int, int],
        least: float = FLOOR,
    ) -> Instances:
        """Every query that might be a cell, in the order of the queries.

        Parameters
        ----------
        outputs
            Of one image: ``scores`` (query, class) in [0, 1], ``masks`` (query, row, column)
            logits over the padded window, at any resolution; they are drawn up bilinearly.
        shape, padded
            Rows and columns of the image and of the padded window.
        least
            Queries of a lower score are not drawn.
        """
        scores, kinds = outputs["scores"].float().max(dim=1)
        some = torch.nonzero(scores >= least)[:, 0]
        boxes, masks, found, kind = [], [], [], []
        size = max(_CHUNK // max(padded[0] * padded[1], 1), 1)
        for part in some.split(size) if len(some) else ():
            logits = outputs["masks"][part].float()[None]
            frames = interpolate(logits, size=padded, mode="bilinear", align_corners=False)
            frames = frames[0, :, : shape[0], : shape[1]].sigmoid()
            inside = (frames >= self.threshold).cpu().numpy()
            maskness = torch.where(frames >= self.threshold, frames, 0.0).sum((1, 2)).cpu().numpy()
            for query, frame, total in zip(part.tolist(), inside, maskness, strict=True):
                box = mask_box(frame)
                if box is None:
                    continue
                crop = frame[box[0] : box[2], box[1] : box[3]].copy()
                score = float(scores[query]) * float(total) / np.count_nonzero(crop)
                if score >= least:
                    boxes.append(box)
                    masks.append(crop)
                    found.append(min(score, 1.0))
                    kind.append(int(kinds[query]))
        return Instances(
            shape,
            np.array(boxes, dtype=np.int64).reshape(-1, 4),
            tuple(masks),
            np.array(found, dtype=np.float32),
            np.array(kind, dtype=np.int64),
            self.class_names,
        )

    def select(self, candidates: Instances) -> Instances:
        """The candidates that are taken for cells."""
        return kept(candidates, score=self.score, nms=self.nms, min_area=self.min_area)

    def decode(self, outputs: Mapping[str, Tensor]) -> Instances:
        """The cells of one image whose masks have its own size."""
        rows, cols = outputs["masks"].shape[-2:]
        return self.select(self.candidates(outputs, shape=(rows, cols), padded=(rows, cols)))


def duplicate_rate(cells: Instances, *, iou_from: float = 0.5) -> float:
    """Share of the cells that draw another one a second time; 0 where there are none.

    Needs no truth, unlike the duplicates of `evaluate.errors`: a cell is a duplicate if its
    mask has an IoU of `iou_from` or more with one of the same class and a higher score (of
    equal scores, the earlier) that is no duplicate itself: what suppression would leave out.

    Examples
    --------
    >>> cell = Instances((1, 4), [[0, 0, 1, 4]], [np.ones((1, 4))])
    >>> duplicate_rate(cell), duplicate_rate(cell[[0, 0]])
    (0.0, 0.5)
    """
    left = kept(cells, score=0.0, nms=float(np.nextafter(iou_from, 0)), min_area=1)
    return 1 - len(left) / len(cells) if len(cells) else 0.0
