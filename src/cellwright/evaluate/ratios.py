"""Ratios of counts. 0 / 0 is 0 everywhere, as in StarDist and scikit-learn."""

from __future__ import annotations


def ratio(part: float, whole: float) -> float:
    """`part` / `whole`, and 0 where `whole` is 0.

    >>> ratio(1, 4), ratio(0, 0)
    (0.25, 0.0)
    """
    return float(part) / float(whole) if whole else 0.0


def precision(tp: int, fp: int) -> float:
    """TP / (TP + FP): how much of what was found is right.

    >>> precision(3, 1)
    0.75
    """
    return ratio(tp, tp + fp)


def recall(tp: int, fn: int) -> float:
    """TP / (TP + FN): how much of what is there was found.

    >>> recall(3, 2)
    0.6
    """
    return ratio(tp, tp + fn)


def f1(tp: int, fp: int, fn: int) -> float:
    """2 TP / (2 TP + FP + FN), the harmonic mean of precision and recall; Dice for pixels.

    >>> f1(1, 1, 1)
    0.5
    """
    return ratio(2 * tp, 2 * tp + fp + fn)


def jaccard(tp: int, fp: int, fn: int) -> float:
    """TP / (TP + FP + FN): IoU for pixels; accuracy for matched cells.

    For cells this is the average precision of StarDist (Weigert et al. 2020), Cellpose and
    the 2018 Data Science Bowl.

    >>> jaccard(2, 1, 1)
    0.5
    """
    return ratio(tp, tp + fp + fn)
