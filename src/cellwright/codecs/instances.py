"""What the codecs of single cells share: targets as crops, and the choice among candidates.

Methods that draw each cell by itself (queries, boxes) learn from the cells of a crop and
give candidates with scores; overlapping masks stay as they are.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from cellwright.overlap import iou
from cellwright.types import Instances

#: targets with one entry per cell: a batch holds a list of them, one for each image
RAGGED = ("boxes", "classes", "crops")
#: candidates of a lower score are never looked at
FLOOR = 0.05


def cell_targets(instances: Instances) -> dict[str, Tensor]:
    """The cells of a crop as tensors that are no larger than the largest cell.

    Returns
    -------
    ``boxes``
        (cell, 4) float32, half-open (row0, col0, row1, col1) in pixels of the crop.
    ``classes``
        (cell,) int64.
    ``crops``
        (cell, rows, columns) bool of the largest box; each mask lies in the upper left
        corner of its entry, so that entry ``[k, r, c]`` is pixel ``(row0 + r, col0 + c)``.

    Examples
    --------
    >>> cell_targets(Instances.empty((8, 8)))["crops"].shape
    torch.Size([0, 0, 0])
    """
    sizes = instances.boxes[:, 2:] - instances.boxes[:, :2]
    rows, cols = sizes.max(axis=0, initial=0)
    crops = np.zeros((len(instances), rows, cols), dtype=bool)
    for entry, mask in zip(crops, instances.masks, strict=True):
        entry[: mask.shape[0], : mask.shape[1]] = mask
    return {
        "boxes": torch.from_numpy(instances.boxes.astype(np.float32)),
        "classes": torch.from_numpy(instances.classes.copy()),
        "crops": torch.from_numpy(crops),
    }


def kept(candidates: Instances, *, score: float, nms: float, min_area: int) -> Instances:
    """The candidates that are taken for cells.

    Parameters
    ----------
    score
        Candidates of a lower score are left out.
    nms
        Of two candidates of one class whose masks have a larger IoU than this, the one of
        the lower score is left out; 1 keeps both.
    min_area
        Masks of fewer pixels are left out.
    """
    large = (candidates.scores >= score) & (candidates.areas >= max(min_area, 1))
    some = candidates[large]
    return some if nms >= 1 or len(some) < 2 else some[_unsuppressed(some, nms)]


def _unsuppressed(some: Instances, nms: float) -> np.ndarray:
    """Indices of those not suppressed by one of higher score that stays, in their order."""
    pairs = iou(some, some).tocoo()
    alike = (pairs.row != pairs.col) & (pairs.data > nms)
    alike &= some.classes[pairs.row] == some.classes[pairs.col]
    rank = np.empty(len(some), dtype=np.int64)
    rank[np.argsort(-some.scores, kind="stable")] = np.arange(len(some))
    first, second = pairs.row[alike], pairs.col[alike]
    worse = rank[first] < rank[second]
    order = np.lexsort((rank[second[worse]], rank[first[worse]]))
    gone = np.zeros(len(some), dtype=bool)
    for better, other in zip(
        first[worse][order].tolist(), second[worse][order].tolist(), strict=True
    ):
        if not gone[better]:
            gone[other] = True
    return np.flatnonzero(~gone)
