"""Matching of true and predicted cells: one to one, at given IoU thresholds.

The definition is that of StarDist (Weigert et al. 2020, `stardist.matching`), Cellpose and
the 2018 Data Science Bowl: the largest number of one-to-one pairs with IoU >= threshold are
true positives. Masks may overlap on either side.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.optimize import linear_sum_assignment
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from cellwright.evaluate import ratios
from cellwright.evaluate.classes import check_same_frame, class_labels, crowds
from cellwright.overlap import intersections
from cellwright.types import InputError, Instances

#: 0.50:0.05:0.95, each the float nearest to its two decimals, so that an IoU of 3/5 meets 0.6.
THRESHOLDS: tuple[float, ...] = tuple(k / 100 for k in range(50, 100, 5))


@dataclass(frozen=True, slots=True)
class MatchCounts:
    """Matched cells (tp), predictions without truth (fp), truth without prediction (fn).

    >>> counts = MatchCounts(2, 1, 0) + MatchCounts(0, 0, 1)
    >>> counts, counts.accuracy
    (MatchCounts(tp=2, fp=1, fn=1), 0.5)
    """

    tp: int = 0
    fp: int = 0
    fn: int = 0

    def __add__(self, other: MatchCounts) -> MatchCounts:
        return MatchCounts(self.tp + other.tp, self.fp + other.fp, self.fn + other.fn)

    @property
    def accuracy(self) -> float:
        """TP / (TP + FP + FN)."""
        return ratios.jaccard(self.tp, self.fp, self.fn)

    def figures(self) -> dict[str, float]:
        """Counts and what follows from them, by name."""
        return {
            "tp": self.tp,
            "fp": self.fp,
            "fn": self.fn,
            "accuracy": self.accuracy,
            "precision": ratios.precision(self.tp, self.fp),
            "recall": ratios.recall(self.tp, self.fn),
            "f1": ratios.f1(self.tp, self.fp, self.fn),
        }


def match(
    truth: Instances, pred: Instances, thresholds: Sequence[float] = THRESHOLDS
) -> tuple[MatchCounts, ...]:
    """Count matched and unmatched cells of one image at each IoU threshold.

    Cells meet only within their class (see `classes.class_labels`). True cells tagged
    ``iscrowd`` are not counted; a prediction that matches nothing and lies in such a region
    with at least the threshold's share of its own area is not counted either (COCO's rule).

    Parameters
    ----------
    truth, pred
        Cells of the same image; masks may overlap.
    thresholds
        IoU in (0, 1]; a pair counts if its IoU is equal or larger.

    Returns
    -------
    tuple of MatchCounts
        One per threshold.

    Raises
    ------
    InputError
        If the frames differ, a class is unknown to the truth, or a threshold is not in (0, 1].

    Examples
    --------
    Two pixels of three are shared (IoU 2/3), and a second prediction finds nothing:

    >>> truth = Instances((1, 8), [[0, 0, 1, 3]], [np.ones((1, 3))])
    >>> pred = Instances((1, 8), [[0, 0, 1, 2], [0, 6, 1, 8]], [np.ones((1, 2))] * 2)
    >>> match(truth, pred, [0.5, 0.7])
    (MatchCounts(tp=1, fp=1, fn=0), MatchCounts(tp=0, fp=2, fn=1))
    """
    _check_thresholds(thresholds)
    i, j, iou, within = _overlaps(truth, pred)
    crowd = crowds(truth)
    inside = np.zeros(len(pred))
    at_crowd = crowd[i]
    np.maximum.at(inside, j[at_crowd], within[at_crowd])
    i, j, iou = i[~at_crowd], j[~at_crowd], iou[~at_crowd]
    true_cells = len(truth) - int(np.count_nonzero(crowd))
    counts = []
    for threshold in thresholds:
        _, found, _ = assign(i, j, iou, threshold)
        lost = np.ones(len(pred), dtype=bool)
        lost[found] = False
        fp = int(np.count_nonzero(lost & (inside < threshold)))
        counts.append(MatchCounts(len(found), fp, true_cells - len(found)))
    return tuple(counts)


def pairs(
    truth: Instances, pred: Instances, threshold: float = 0.5
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Which true cell is matched with which predicted cell at one IoU threshold.

    Among the matchings with most pairs, the one with the largest sum of IoU is taken. Crowd
    regions are not matched.

    Returns
    -------
    truth_index, pred_index, iou
        Arrays of one entry per pair, in the order of the truth.

    Examples
    --------
    >>> cells = Instances((1, 4), [[0, 0, 1, 2], [0, 2, 1, 4]], [np.ones((1, 2))] * 2)
    >>> i, j, iou = pairs(cells, cells[::-1])
    >>> i.tolist(), j.tolist(), iou.tolist()
    ([0, 1], [1, 0], [1.0, 1.0])
    """
    _check_thresholds([threshold])
    i, j, iou, _ = _overlaps(truth, pred)
    real = ~crowds(truth)[i]
    return assign(i[real], j[real], iou[real], threshold)


def assign(
    i: np.ndarray, j: np.ndarray, iou: np.ndarray, threshold: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Most one-to-one pairs with IoU >= threshold, then the largest sum of IoU.

    The graph of pairs falls into small components; one of a single row or column is solved
    by its best pair, each other one by the Hungarian method on its own dense matrix.

    Parameters
    ----------
    i, j, iou
        Pairs that share pixels: (P,) row index, column index and IoU.
    threshold
        IoU in (0, 1].

    Returns
    -------
    i, j, iou
        The chosen pairs, sorted by `i`.

    Examples
    --------
    Row 0 likes column 0 best, but two pairs are more than one:

    >>> i, j, _ = assign(np.array([0, 0, 1]), np.array([0, 1, 0]), np.array([0.9, 0.6, 0.6]), 0.5)
    >>> i.tolist(), j.tolist()
    ([0, 1], [1, 0])
    """
    enough = iou >= threshold
    i, j, iou = i[enough], j[enough], iou[enough]
    if not len(i):
        return i, j, iou
    rows, row = np.unique(i, return_inverse=True)
    columns, column = np.unique(j, return_inverse=True)
    size = len(rows) + len(columns)
    graph = coo_array((np.ones(len(i), bool), (row, len(rows) + column)), shape=(size, size))
    count, labels = connected_components(graph, directed=False)
    component = labels[row]
    tall = np.bincount(labels[: len(rows)], minlength=count)
    wide = np.bincount(labels[len(rows) :], minlength=count)

    order = np.lexsort((-iou, component))
    first = np.unique(component[order], return_index=True)[1]
    star = np.minimum(tall, wide) == 1
    chosen = [order[first[star]]]

    starts = np.append(first, len(order))
    for c in np.flatnonzero(~star):
        edges = order[starts[c] : starts[c + 1]]
        chosen.append(edges[_solve(row[edges], column[edges], iou[edges])])
    picked = np.sort(np.concatenate(chosen))
    picked = picked[np.argsort(i[picked], kind="stable")]
    return i[picked], j[picked], iou[picked]


def _solve(row: np.ndarray, column: np.ndarray, iou: np.ndarray) -> np.ndarray:
    """Edges of the best assignment of one component: number of pairs first, IoU second."""
    rows, r = np.unique(row, return_inverse=True)
    columns, c = np.unique(column, return_inverse=True)
    edge = np.full((len(rows), len(columns)), -1)
    edge[r, c] = np.arange(len(row))
    gain = np.zeros(edge.shape)
    gain[r, c] = 1.0 + iou / (2 * min(edge.shape))
    best = edge[linear_sum_assignment(gain, maximize=True)]
    return best[best >= 0]


def _overlaps(
    truth: Instances, pred: Instances
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Pairs of one class that share pixels: i, j, IoU, share of the prediction that lies in i."""
    check_same_frame(truth, pred)
    true_names, pred_names = class_labels(truth, pred)
    i, j, shared = (np.asarray(part) for part in intersections(truth, pred))
    same = np.asarray(true_names[i] == pred_names[j], dtype=bool)
    i, j, shared = i[same], j[same], shared[same]
    size = pred.areas[j]
    return i, j, shared / (truth.areas[i] + size - shared), shared / size


def _check_thresholds(thresholds: Sequence[float]) -> None:
    wrong = [t for t in thresholds if not 0 < t <= 1]
    if wrong:
        raise InputError(f"an IoU threshold of {wrong[0]} came; wanted is one in (0, 1]")
