"""Shared pixels and IoU of two sets of Instances, pruned by boxes.

Only pairs whose boxes meet are looked at, and only inside the shared window, so the cost follows
the number of neighbours and not the number of pairs.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from scipy import sparse

from cellwright.types import InputError, Instances

# Candidate pairs looked at in one go; bounds the memory of the box search to some 100 MB.
_CHUNK = 1 << 20


def _ranges(owner: np.ndarray, start: np.ndarray, stop: np.ndarray) -> Iterator[tuple]:
    """Pairs (owner[n], k) for every k in start[n] ... stop[n] - 1, in bounded chunks."""
    ends = np.cumsum(stop - start)
    total = int(ends[-1]) if len(ends) else 0
    for low in range(0, total, _CHUNK):
        flat = np.arange(low, min(low + _CHUNK, total))
        n = np.searchsorted(ends, flat, side="right")
        yield owner[n], stop[n] - (ends[n] - flat)


def meeting_boxes(a: np.ndarray, b: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Indices (i, j) of all boxes of `a` and `b` that share a pixel, ordered by i, then j."""
    searches = []
    for axis in (0, 1):
        order_a, order_b = np.argsort(a[:, axis]), np.argsort(b[:, axis])
        low_a, low_b = a[order_a, axis], b[order_b, axis]
        # Two intervals meet where one starts inside the other: b in a (ties here), or a in b.
        in_a = np.searchsorted(low_b, a[:, axis]), np.searchsorted(low_b, a[:, axis + 2])
        in_b = (
            np.searchsorted(low_a, b[:, axis], side="right"),
            np.searchsorted(low_a, b[:, axis + 2]),
        )
        cost = int((in_a[1] - in_a[0]).sum() + (in_b[1] - in_b[0]).sum())
        searches.append((cost, axis, order_a, order_b, in_a, in_b))
    _, axis, order_a, order_b, in_a, in_b = min(searches, key=lambda s: s[0])
    other = 1 - axis
    first, second = [np.zeros(0, np.int64)], [np.zeros(0, np.int64)]
    for swapped, (start, stop), order in ((False, in_a, order_b), (True, in_b, order_a)):
        for own, rank in _ranges(np.arange(len(start)), start, stop):
            i, j = (order[rank], own) if swapped else (own, order[rank])
            meet = (a[i, other] < b[j, other + 2]) & (b[j, other] < a[i, other + 2])
            first.append(i[meet])
            second.append(j[meet])
    i, j = np.concatenate(first), np.concatenate(second)
    order = np.lexsort((j, i))
    return i[order], j[order]


def intersections(a: Instances, b: Instances) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Pixels shared by every pair of masks that share any.

    Parameters
    ----------
    a, b
        Instances on frames of the same shape.

    Returns
    -------
    i, j, pixels
        int64 arrays: instance ``i[n]`` of `a` and ``j[n]`` of `b` share ``pixels[n] > 0`` pixels.
        Ordered by i, then j.

    Raises
    ------
    InputError
        If the frames have different shapes.

    Examples
    --------
    >>> from cellwright.geometry import from_label_map
    >>> a = from_label_map(np.array([[1, 1, 2]]))
    >>> b = from_label_map(np.array([[0, 1, 1]]))
    >>> [v.tolist() for v in intersections(a, b)]
    [[0, 1], [0, 0], [1, 1]]
    """
    if a.shape != b.shape:
        raise InputError(
            f"instances on frames of {a.shape} and {b.shape} came: both must have the same rows "
            "and columns"
        )
    i, j = meeting_boxes(a.boxes, b.boxes)
    window = np.concatenate(
        [
            np.maximum(a.boxes[i, :2], b.boxes[j, :2]),
            np.minimum(a.boxes[i, 2:], b.boxes[j, 2:]),
        ],
        axis=1,
    )
    in_a = (window - np.tile(a.boxes[i, :2], 2)).tolist()
    in_b = (window - np.tile(b.boxes[j, :2], 2)).tolist()
    pixels = np.empty(len(i), dtype=np.int64)
    for n, (p, q, (r, c, r1, c1), (s, d, s1, d1)) in enumerate(
        zip(i.tolist(), j.tolist(), in_a, in_b, strict=True)
    ):
        pixels[n] = np.count_nonzero(a.masks[p][r:r1, c:c1] & b.masks[q][s:s1, d:d1])
    some = pixels > 0
    return i[some], j[some], pixels[some]


def iou(a: Instances, b: Instances) -> sparse.csr_array:
    """Intersection over union of every pair, (len(a), len(b)); pairs apart are not stored.

    Examples
    --------
    >>> from cellwright.geometry import from_label_map
    >>> a = from_label_map(np.array([[1, 1, 2]]))
    >>> iou(a, from_label_map(np.array([[0, 1, 1]]))).toarray().round(3).tolist()
    [[0.333], [0.5]]
    """
    i, j, pixels = intersections(a, b)
    union = a.areas[i] + b.areas[j] - pixels
    return sparse.csr_array((pixels / union, (i, j)), shape=(len(a), len(b)))


def overlap_with_smaller(a: Instances, b: Instances) -> sparse.csr_array:
    """Shared pixels over the area of the smaller mask of each pair, (len(a), len(b)).

    1 where one mask lies inside the other; pairs apart are not stored.
    """
    i, j, pixels = intersections(a, b)
    smaller = np.minimum(a.areas[i], b.areas[j])
    return sparse.csr_array((pixels / smaller, (i, j)), shape=(len(a), len(b)))


def overlap_map(instances: Instances) -> np.ndarray:
    """Boolean (row, column) frame of the pixels under two masks or more."""
    once = np.zeros(instances.shape, dtype=bool)
    twice = np.zeros(instances.shape, dtype=bool)
    for (row0, col0, row1, col1), mask in zip(
        instances.boxes.tolist(), instances.masks, strict=True
    ):
        window = np.s_[row0:row1, col0:col1]
        twice[window] |= once[window] & mask
        once[window] |= mask
    return twice
