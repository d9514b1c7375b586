"""Contours of masks as pixels, and what lies within a distance of them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np


def contour(mask: np.ndarray) -> np.ndarray:
    """Pixels of a mask that have a 4-neighbour outside it; beyond the array is outside.

    Parameters
    ----------
    mask
        (row, column) boolean array.

    Examples
    --------
    >>> contour(np.ones((3, 4), bool)).astype(int).tolist()
    [[1, 1, 1, 1], [1, 0, 0, 1], [1, 1, 1, 1]]
    """
    edge = mask.copy()
    if min(mask.shape) > 2:
        inner = mask[:-2, 1:-1] & mask[2:, 1:-1]
        inner &= mask[1:-1, :-2]
        inner &= mask[1:-1, 2:]
        edge[1:-1, 1:-1] &= ~inner
    return edge


def drawn(
    edges: Sequence[np.ndarray], boxes: np.ndarray, shape: tuple[int, int], top: int = 0
) -> np.ndarray:
    """Union of cropped masks on the rows from `top` on of a frame, as a boolean array.

    Parameters
    ----------
    edges, boxes
        Boolean arrays and their (N, 4) boxes in the frame.
    shape
        Rows and columns of the array wanted; what lies outside is cut off.
    """
    canvas = np.zeros(shape, dtype=bool)
    bottom = top + shape[0]
    inside = np.flatnonzero((boxes[:, 0] < bottom) & (boxes[:, 2] > top))
    for k, (row0, col0, row1, col1) in zip(inside.tolist(), boxes[inside].tolist(), strict=True):
        low, high = max(row0, top), min(row1, bottom)
        canvas[low - top : high - top, col0:col1] |= edges[k][low - row0 : high - row0]
    return canvas


def within(marked: np.ndarray, distance: float) -> np.ndarray:
    """Pixels that have a marked pixel within a Euclidean distance (of pixel centres).

    >>> within(np.array([[0, 0, 0, 1]], bool), 2).astype(int).tolist()
    [[0, 1, 1, 1]]
    """
    near = marked.copy()
    rows, columns = marked.shape
    reach = int(distance)
    for r in range(-min(reach, rows - 1), min(reach, rows - 1) + 1):
        width = min(int(np.sqrt(distance**2 - r**2)), columns - 1)
        to, of = _overlapping(rows, r)
        for c in range(-width, width + 1):
            into, out = _overlapping(columns, c)
            near[to, into] |= marked[of, out]
    return near


def _overlapping(length: int, step: int) -> tuple[slice, slice]:
    """Slices that shift an axis by `step`: where to, where from."""
    if step >= 0:
        return slice(step, length), slice(0, length - step)
    return slice(0, length + step), slice(-step, length)
