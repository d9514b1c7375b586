"""Predictions that count: those that lie in a crowd region of the truth are left out."""

from __future__ import annotations

import numpy as np

from cellwright.evaluate.comparison import Comparison

#: The smallest IoU, and the smallest share, above one half.
MAJORITY = float(np.nextafter(0.5, 1))


def counted(seen: Comparison) -> np.ndarray:
    """(M,) bool: false where a prediction lies in a crowd region with more than half its pixels.

    A prediction that is matched with a true cell at IoU > 0.5 counts wherever it lies (the
    rule of Kirillov et al. 2019, Sec. 4.1, for group regions).

    >>> from cellwright.types import Instances
    >>> tags = ({"iscrowd": True}, {})
    >>> truth = Instances((1, 9), [[0, 0, 1, 4], [0, 6, 1, 9]], [np.ones((1, 4)), np.ones((1, 3))],
    ...                   tags=tags)
    >>> pred = Instances((1, 9), [[0, 2, 1, 4], [0, 3, 1, 5]], [np.ones((1, 2))] * 2)
    >>> counted(Comparison(truth, pred)).tolist()
    [False, True]
    """
    counts = seen.spurious(MAJORITY)
    counts[seen.matched(MAJORITY).j] = True
    return counts
