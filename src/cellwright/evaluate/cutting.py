"""Masks united, and a mask cut along others."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.ndimage import distance_transform_edt, find_objects

from cellwright.types import Instances

#: A half-open box (row0, col0, row1, col1) and the boolean mask in it.
Placed = tuple[tuple[int, int, int, int], np.ndarray]


def united(cells: Instances, numbers: Sequence[int]) -> Placed:
    """The pixels of some cells as one mask.

    >>> cells = Instances((1, 8), [[0, 1, 1, 3], [0, 4, 1, 5]], [np.ones((1, 2)), np.ones((1, 1))])
    >>> box, mask = united(cells, [0, 1])
    >>> box, mask.astype(int).tolist()
    ((0, 1, 1, 5), [[1, 1, 0, 1]])
    """
    boxes = cells.boxes[list(numbers)]
    top, left = boxes[:, :2].min(axis=0).tolist()
    bottom, right = boxes[:, 2:].max(axis=0).tolist()
    canvas = np.zeros((bottom - top, right - left), dtype=bool)
    for (row0, col0, row1, col1), k in zip(boxes.tolist(), numbers, strict=True):
        canvas[row0 - top : row1 - top, col0 - left : col1 - left] |= cells.masks[k]
    return (top, left, bottom, right), canvas


def divided(along: Instances, numbers: Sequence[int], cells: Instances, k: int) -> list[Placed]:
    """Cell `k` cut along other cells, one piece for each of them.

    A piece is what the cell shares with one of the others (each must share a pixel), and of
    the pixels in none of them those that are nearest to it. Pieces overlap where the others do.

    >>> along = Instances((1, 8), [[0, 1, 1, 3], [0, 5, 1, 8]], [np.ones((1, 2)), np.ones((1, 3))])
    >>> cell = Instances((1, 8), [[0, 0, 1, 7]], [np.ones((1, 7))])
    >>> [box for box, _ in divided(along, [0, 1], cell, 0)]
    [(0, 0, 1, 4), (0, 4, 1, 7)]
    """
    top, left, bottom, right = cells.boxes[k].tolist()
    mask = cells.masks[k]
    nearest = np.zeros(mask.shape, dtype=np.int32)
    cores = []
    for number, i in enumerate(numbers, start=1):
        row0, col0, row1, col1 = along.boxes[i].tolist()
        low, start = max(row0, top), max(col0, left)
        high, stop = min(row1, bottom), min(col1, right)
        window = np.s_[low - top : high - top, start - left : stop - left]
        inside = along.masks[i][low - row0 : high - row0, start - col0 : stop - col0]
        inside = inside & mask[window]
        nearest[window][inside] = number
        cores.append((window, inside))
    rows, columns = distance_transform_edt(
        nearest == 0, return_distances=False, return_indices=True
    )
    nearest = np.where(mask, nearest[rows, columns], 0)
    spreads = find_objects(nearest, max_label=len(numbers))
    pieces: list[Placed] = []
    for number, ((window, inside), spread) in enumerate(zip(cores, spreads, strict=True), start=1):
        over, across = (
            slice(min(a.start, b.start), max(a.stop, b.stop))
            for a, b in zip(window, spread or window, strict=True)
        )
        piece = nearest[over, across] == number
        low, start = window[0].start - over.start, window[1].start - across.start
        piece[low : low + inside.shape[0], start : start + inside.shape[1]] |= inside
        box = (top + over.start, left + across.start, top + over.stop, left + across.stop)
        pieces.append((box, piece))
    return pieces
