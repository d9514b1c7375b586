"""Robust Hausdorff distance between the contours of two cells.

Source: D. Huttenlocher, G. Klanderman, W. Rucklidge, "Comparing images using the Hausdorff
distance", IEEE PAMI 15 (1993) 850-863: a quantile takes the place of the maximum. Here, as in
MONAI: the 95th percentile (linear between ranks) of the distances from each contour pixel of
one mask to the nearest of the other, in both directions, of which the larger one is taken.
MedPy pools the distances of both directions before it takes the percentile, which mostly gives
a little less.
"""

from __future__ import annotations

import numpy as np
from scipy.spatial import KDTree
from scipy.spatial.distance import cdist

from cellwright.evaluate.contours import contour
from cellwright.types import InputError

_QUANTILE = 0.95
# Above this many distances (2 MB of them) a tree is quicker than all of them.
_ALL_PAIRS = 1 << 18


def hausdorff95(mask_a: np.ndarray, mask_b: np.ndarray) -> float:
    """95th-percentile Hausdorff distance of the contours of two masks, in pixels.

    Symmetric, 0 for equal masks. The frame's border is outside: a cell that it cuts has a
    contour along the cut. 0 / 0: NaN where either mask is empty.

    Parameters
    ----------
    mask_a, mask_b
        Boolean (row, column) arrays of one shape.

    Raises
    ------
    InputError
        If the shapes differ.

    Examples
    --------
    >>> a = np.zeros((1, 8), bool); a[0, :2] = True
    >>> b = np.zeros((1, 8), bool); b[0, 5:7] = True
    >>> round(hausdorff95(a, b), 2)  # distances 5, 4 one way and 4, 5 the other
    4.95
    """
    a, b = np.asarray(mask_a, dtype=bool), np.asarray(mask_b, dtype=bool)
    if a.shape != b.shape or a.ndim != 2:
        raise InputError(
            f"masks of shapes {a.shape} and {b.shape} came: two of one shape (row, column) "
            "are wanted"
        )
    if not a.any() or not b.any():
        return float("nan")
    return contour_distance(np.argwhere(contour(a)), np.argwhere(contour(b)))


def contour_distance(a: np.ndarray, b: np.ndarray) -> float:
    """The larger of the two directed 95th percentiles of two sets of points.

    Parameters
    ----------
    a, b
        (n, 2) and (m, 2) points (row, column), at least one each.
    """
    if len(a) * len(b) <= _ALL_PAIRS:
        squared = cdist(a, b, "sqeuclidean")
        there, back = np.sqrt(squared.min(axis=1)), np.sqrt(squared.min(axis=0))
    else:
        there, back = KDTree(b).query(a)[0], KDTree(a).query(b)[0]
    return max(_percentile(there), _percentile(back))


def _percentile(distances: np.ndarray) -> float:
    """What ``np.percentile(distances, 95)`` gives, for short arrays ten times quicker."""
    distances.sort()
    place = _QUANTILE * (len(distances) - 1)
    low = int(place)
    high = min(low + 1, len(distances) - 1)
    return float(distances[low] + (place - low) * (distances[high] - distances[low]))
