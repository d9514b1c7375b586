"""Matching of true and predicted cells: one to one, at given IoU thresholds.

The definition is that of StarDist (Weigert et al. 2020, `stardist.matching`), Cellpose and
the 2018 Data Science Bowl: the largest number of one-to-one pairs with IoU >= threshold are
true positives. Masks may overlap on either side.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from cellwright.evaluate import ratios
from cellwright.evaluate.comparison import Comparison
from cellwright.evaluate.metric import Metric, Sums
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
        return _figures(self.tp, self.fp, self.fn)


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
    seen = Comparison(truth, pred)
    return tuple(match_counts(seen, threshold) for threshold in thresholds)


def match_counts(seen: Comparison, threshold: float) -> MatchCounts:
    """Counts of one image at one IoU threshold."""
    return MatchCounts(
        len(seen.matched(threshold)),
        int(np.count_nonzero(seen.spurious(threshold))),
        int(np.count_nonzero(seen.missed(threshold))),
    )


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
    found = Comparison(truth, pred).matched(threshold)
    return found.i, found.j, found.iou


def _count(seen: Comparison) -> dict[str, float]:
    sums: dict[str, float] = {}
    for threshold in THRESHOLDS:
        counts = match_counts(seen, threshold)
        sums |= {f"{k}@{threshold:.2f}": getattr(counts, k) for k in ("tp", "fp", "fn")}
    return sums


def _divide(sums: Sums) -> dict[str, Any]:
    figures: dict[str, Any] = {}
    for threshold in THRESHOLDS:
        tp, fp, fn = (sums.get(f"{k}@{threshold:.2f}", 0) for k in ("tp", "fp", "fn"))
        figures[f"{threshold:.2f}"] = _figures(tp, fp, fn)
    rows = list(figures.values())
    names = ("accuracy", "precision", "recall", "f1", "fnr")
    figures["mean"] = {name: sum(row[name] for row in rows) / len(rows) for name in names}
    return figures


def _figures(tp: Any, fp: Any, fn: Any) -> dict[str, Any]:
    return {
        "tp": tp,
        "fp": fp,
        "fn": fn,
        "accuracy": ratios.jaccard(tp, fp, fn),
        "precision": ratios.precision(tp, fp),
        "recall": ratios.recall(tp, fn),
        "f1": ratios.f1(tp, fp, fn),
        "fnr": ratios.ratio(fn, tp + fn),
    }


#: "0.50" ... "0.95" -> tp, fp, fn, accuracy = TP / (TP + FP + FN), precision, recall, f1 and
#: fnr = FN / (TP + FN); "mean" -> their means over the thresholds, of which fnr is the AFNR
#: (Kim, Song, Zheng 2022, Eq. 4) of a one-to-one matching.
MATCHING = Metric("matching", "Cells found, by how well they must fit", _count, _divide)


def _check_thresholds(thresholds: Sequence[float]) -> None:
    wrong = [t for t in thresholds if not 0 < t <= 1]
    if wrong:
        raise InputError(f"an IoU threshold of {wrong[0]} came; wanted is one in (0, 1]")
