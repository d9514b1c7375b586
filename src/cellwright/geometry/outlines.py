"""Masks to polygons along pixel corners; `fill_outline` gives the mask back exactly."""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from cellwright.geometry.polygons import Polygon


def outline_polygons(mask: np.ndarray, offset: tuple[int, int] = (0, 0)) -> list[Polygon]:
    """Outlines of a mask along the corners of its pixels.

    Pixel (r, c) covers the square from corner (r, c) to (r + 1, c + 1). Pixels that touch only at
    a corner belong to different polygons, so no outline crosses or meets itself along an edge.

    Parameters
    ----------
    mask
        (row, column) boolean array.
    offset
        Row and column of the mask's first pixel in the image; added to every point.

    Returns
    -------
    list of Polygon
        One per piece (4-connected), in reading order of their first pixel, with the holes of each;
        int64 points (row, column), corners only, clockwise as seen on screen.

    Examples
    --------
    >>> [p.exterior.tolist() for p in outline_polygons(np.array([[1, 1]]), offset=(5, 0))]
    [[[5, 0], [5, 2], [6, 2], [6, 0]]]
    """
    mask = np.asarray(mask, dtype=bool)
    exteriors: list[np.ndarray] = []
    holes: list[np.ndarray] = []
    for loop in _loops(mask):
        row, column = loop[0]
        # A loop begins at its top left corner: the pixel below right of it lies inside the loop.
        (exteriors if mask[row, column] else holes).append(loop)
    shifted = [loop + np.array(offset, dtype=np.int64) for loop in exteriors]
    if not holes:
        return [Polygon(exterior) for exterior in shifted]
    pieces = ndimage.label(mask)[0]
    owner = {int(pieces[tuple(loop[0])]): n for n, loop in enumerate(exteriors)}
    inside: list[list[np.ndarray]] = [[] for _ in exteriors]
    for hole in holes:
        row, column = hole[0]
        n = owner[int(pieces[row - 1, column])]
        inside[n].append(hole + np.array(offset, dtype=np.int64))
    return [Polygon(e, tuple(h)) for e, h in zip(shifted, inside, strict=True)]


def _loops(mask: np.ndarray) -> list[np.ndarray]:
    """Closed corner loops around the pixels of `mask`, each from its top left corner clockwise."""
    padded = np.zeros((mask.shape[0] + 2, mask.shape[1] + 2), dtype=bool)
    padded[1:-1, 1:-1] = mask
    top_left, top_right = padded[:-1, :-1], padded[:-1, 1:]
    bottom_left, bottom_right = padded[1:, :-1], padded[1:, 1:]
    single = top_left ^ top_right ^ bottom_left ^ bottom_right
    falling = top_left & bottom_right & ~top_right & ~bottom_left
    rising = top_right & bottom_left & ~top_left & ~bottom_right
    row, column = np.nonzero(single | falling | rising)
    # Where two pixels touch at a corner, it is a corner of both: the first copy takes the edge to
    # the left, the second the edge to the right; `above` says which takes the edge upward.
    twice = ~single[row, column]
    row, column = np.repeat(row, 1 + twice), np.repeat(column, 1 + twice)
    second = np.zeros(len(row), dtype=bool)
    second[1:] = (row[1:] == row[:-1]) & (column[1:] == column[:-1])
    above = np.where(rising[row, column], ~second, second)
    # Along each line of the grid the corners pair up: first with second, third with fourth ...
    across = _partners(np.arange(len(row)))
    down = _partners(np.lexsort((above, row, column)))
    points = np.stack([row, column], axis=1).astype(np.int64)
    loops = []
    left = [True] * len(row)
    for begin in range(len(row)):
        if left[begin]:
            walk: list[int] = []
            corner = begin
            while left[corner]:
                other = across[corner]
                left[corner] = left[other] = False
                walk += (corner, other)
                corner = down[other]
            loops.append(points[walk])
    return loops


def _partners(order: np.ndarray) -> list[int]:
    """For each index, the one it is paired with when `order` is read in pairs."""
    pair = np.empty(len(order), dtype=np.int64)
    pair[order[0::2]] = order[1::2]
    pair[order[1::2]] = order[0::2]
    return pair.tolist()
