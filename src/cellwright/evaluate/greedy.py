"""COCO's matching of one image: predictions in the order of their scores take the best truth left.

The rules are those of Lin et al. 2014 and of the evaluation code that goes with it
(cocodataset.org/#detection-eval). A prediction takes the free true cell of its class with the
largest IoU that reaches the threshold (of equal ones the last); only if there is none, one that
is ignored: a crowd, which any number may take, or a cell outside the area bin. What took an
ignored cell is ignored, and so is a prediction without a match outside the area bin.

Predictions that compete for no common cell cannot disturb each other: in each round the next
prediction of every group of competitors is matched, at all thresholds and area bins at once.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

#: COCO's IoU thresholds 0.50:0.05:0.95, computed as COCO's own code does, to the last bit.
COCO_THRESHOLDS = np.linspace(0.5, 0.95, 10)
_ALMOST_ONE = 1 - 1e-10


@dataclass(frozen=True, slots=True, eq=False)
class Overlaps:
    """What COCO's matching needs to know of one image and class.

    Parameters
    ----------
    i, j, iou
        (P,) number of the true cell, number of the prediction, and their IoU, for the pairs
        that share anything; for a crowd, shared pixels over pixels of the prediction.
    true_areas, crowd
        (N,) area in square pixels, and whether it is a crowd.
    pred_areas, scores
        (M,) area in square pixels, and score.
    """

    i: np.ndarray
    j: np.ndarray
    iou: np.ndarray
    true_areas: np.ndarray
    crowd: np.ndarray
    pred_areas: np.ndarray
    scores: np.ndarray


@dataclass(frozen=True, slots=True, eq=False)
class Detections:
    """Predictions of one image and class after matching, the best score first.

    Parameters
    ----------
    scores
        (D,) float64.
    right, wrong
        (D, T, A) bool: a true and a false positive at each IoU threshold and in each area bin;
        neither where the prediction is ignored.
    cells
        (A,) int64, true cells that count in each bin.
    """

    scores: np.ndarray
    right: np.ndarray
    wrong: np.ndarray
    cells: np.ndarray


def detections(
    found: Overlaps,
    *,
    bins: Sequence[tuple[float, float]],
    max_detections: int,
    thresholds: np.ndarray = COCO_THRESHOLDS,
) -> Detections:
    """Match the predictions of one image and class as COCO does.

    Parameters
    ----------
    found
        See `Overlaps`.
    bins
        A area bins (smallest, largest), both ends included.
    max_detections
        How many predictions count, best scores first, of equal ones the first.
    thresholds
        T thresholds of IoU; a pair counts if its IoU is equal or larger.

    Examples
    --------
    Two predictions want one cell; the one with the better score takes it:

    >>> two = Overlaps(np.array([0, 0]), np.array([0, 1]), np.array([0.6, 0.9]), np.array([50]),
    ...     np.array([False]), np.array([40, 50]), np.array([0.9, 0.8]))
    >>> done = detections(two, bins=[(0, 1e10)], max_detections=100, thresholds=np.array([0.5]))
    >>> done.right[:, 0, 0].tolist(), done.wrong[:, 0, 0].tolist(), done.cells.tolist()
    ([True, False], [False, True], [1])
    """
    low, high = np.array(bins, dtype=float).T
    ignored_cell = _outside(found.true_areas, low, high) | found.crowd[:, None]
    order = np.argsort(-found.scores, kind="stable")[:max_detections]
    hit, hit_ignored = _match(found, order, ignored_cell, np.minimum(thresholds, _ALMOST_ONE))
    outside = _outside(found.pred_areas[order], low, high)[:, None, :]
    return Detections(
        np.asarray(found.scores[order], dtype=float),
        hit & ~hit_ignored,
        ~hit & ~outside,
        np.count_nonzero(~ignored_cell, axis=0),
    )


def _outside(areas: np.ndarray, low: np.ndarray, high: np.ndarray) -> np.ndarray:
    """(N, A) bool: the area is not in the bin."""
    return (areas[:, None] < low) | (areas[:, None] > high)


def _match(
    found: Overlaps, order: np.ndarray, ignored_cell: np.ndarray, thresholds: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """(D, T, A) bool each: the prediction took a cell, and the cell it took is ignored."""
    shape = (len(order), len(thresholds), ignored_cell.shape[1])
    hit, hit_ignored = np.zeros(shape, dtype=bool), np.zeros(shape, dtype=bool)
    rank = np.full(len(found.scores), -1)
    rank[order] = np.arange(len(order))
    near = np.flatnonzero((found.iou >= thresholds.min()) & (rank[found.j] >= 0))
    if not len(near):
        return hit, hit_ignored
    i, d, iou = found.i[near], rank[found.j[near]], found.iou[near]
    turn = _turns(i, d, found.crowd, len(order))
    # candidates of each prediction side by side, the most wanted last
    by = np.lexsort((i, iou, d))
    i, d, iou = i[by], d[by], iou[by]
    wanting, first, many = np.unique(d, return_index=True, return_counts=True)
    widest = int(many.max())
    column = np.arange(len(d)) - np.repeat(first, many) + np.repeat(widest - many, many)
    row = np.repeat(np.arange(len(wanting)), many)
    cell, fit = np.zeros((len(wanting), widest), np.int64), np.full((len(wanting), widest), -1.0)
    cell[row, column], fit[row, column] = i, iou

    free = np.ones((len(ignored_cell), *shape[1:]), dtype=bool)
    for one_turn in _by_value(turn[wanting]):
        who, what = wanting[one_turn], cell[one_turn]
        open_ = (fit[one_turn][..., None] >= thresholds)[..., None] & free[what]
        ignored = ignored_cell[what][:, :, None, :]
        regular, regular_at = _last(open_ & ~ignored)
        other, other_at = _last(open_ & ignored)
        hit[who], hit_ignored[who] = regular | other, other & ~regular
        taken = np.take_along_axis(
            what[..., None, None], np.where(regular, regular_at, other_at)[:, None], axis=1
        )[:, 0]
        use = (regular | other) & ~found.crowd[taken]
        _, t, a = np.nonzero(use)
        free[taken[use], t, a] = False
    return hit, hit_ignored


def _turns(i: np.ndarray, d: np.ndarray, crowd: np.ndarray, count: int) -> np.ndarray:
    """(D,) place of each prediction among those it competes with; a crowd is no competition."""
    real = ~crowd[i]
    size = count + len(crowd)
    graph = coo_array((np.ones(int(real.sum()), bool), (d[real], count + i[real])), (size, size))
    group = connected_components(graph, directed=False)[1][:count]
    order = np.argsort(group, kind="stable")
    starts = np.flatnonzero(np.diff(group[order], prepend=-1))
    turn = np.empty(count, dtype=np.int64)
    turn[order] = np.arange(count) - np.repeat(starts, np.diff(starts, append=count))
    return turn


def _by_value(values: np.ndarray) -> list[np.ndarray]:
    """Indices of each distinct value, ascending."""
    order = np.argsort(values, kind="stable")
    return np.split(order, np.flatnonzero(np.diff(values[order])) + 1)


def _last(flags: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Whether any flag along axis 1 is set, and the index of the last one."""
    return flags.any(axis=1), flags.shape[1] - 1 - np.argmax(flags[:, ::-1], axis=1)
