"""Ratios of counts, of numbers or arrays of them.

0 / 0 is 0 for every ratio of counts, as in StarDist and scikit-learn; the mean of nothing
(`mean`) is not defined and is NaN, which the scores say as None.
"""

from __future__ import annotations

from typing import Any

import numpy as np


def ratio(part: Any, whole: Any) -> Any:
    """`part` / `whole`, and 0 where `whole` is 0.

    Parameters
    ----------
    part, whole
        Numbers, or arrays that broadcast.

    Returns
    -------
    float or ndarray

    Examples
    --------
    >>> ratio(1, 4), ratio(0, 0)
    (0.25, 0.0)
    >>> ratio(np.array([1, 0]), np.array([4, 0])).tolist()
    [0.25, 0.0]
    """
    return _divide(part, whole, 0.0)


def mean(total: Any, count: Any) -> Any:
    """`total` / `count`, and NaN where `count` is 0: the mean of nothing is not defined.

    >>> mean(3, 2), mean(0, 0)
    (1.5, nan)
    """
    return _divide(total, count, np.nan)


def precision(tp: Any, fp: Any) -> Any:
    """TP / (TP + FP): how much of what was found is right.

    >>> precision(3, 1)
    0.75
    """
    return ratio(tp, tp + fp)


def recall(tp: Any, fn: Any) -> Any:
    """TP / (TP + FN): how much of what is there was found.

    >>> recall(3, 2)
    0.6
    """
    return ratio(tp, tp + fn)


def f1(tp: Any, fp: Any, fn: Any) -> Any:
    """2 TP / (2 TP + FP + FN), the harmonic mean of precision and recall; Dice for pixels.

    >>> f1(1, 1, 1)
    0.5
    """
    return ratio(2 * tp, 2 * tp + fp + fn)


def jaccard(tp: Any, fp: Any, fn: Any) -> Any:
    """TP / (TP + FP + FN): IoU for pixels; accuracy for matched cells.

    For cells this is the average precision of StarDist (Weigert et al. 2020), Cellpose and
    the 2018 Data Science Bowl.

    >>> jaccard(2, 1, 1)
    0.5
    """
    return ratio(tp, tp + fp + fn)


def _divide(part: Any, whole: Any, otherwise: float) -> Any:
    if np.ndim(part) == np.ndim(whole) == 0:
        return float(part) / float(whole) if whole else otherwise
    part, whole = np.broadcast_arrays(np.asarray(part, float), np.asarray(whole, float))
    return np.divide(part, whole, out=np.full(part.shape, otherwise), where=whole != 0)
