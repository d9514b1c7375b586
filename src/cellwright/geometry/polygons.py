"""Polygons to masks, on a window of the polygon's size.

Points are (row, column). Two rules are kept apart, because files made by one are not read exactly
by the other: COCO's own rule (`rasterise_polygons`), and even-odd at pixel centres
(`fill_outline`), where pixel (r, c) covers the square from corner (r, c) to (r + 1, c + 1).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from cellwright.geometry.labels import mask_box
from cellwright.types import InputError

Box = tuple[int, int, int, int]

# COCO's rule walks the boundary in fifths of a pixel; a longer walk than this is a damaged file.
_FINE = 5
_LONGEST_BOUNDARY = 50_000_000


@dataclass(frozen=True, slots=True, eq=False)
class Polygon:
    """One outline with its holes.

    Parameters
    ----------
    exterior
        (n, 2) points (row, column); the last one joins the first, which is not repeated.
    holes
        Outlines of the same kind inside it.
    """

    exterior: np.ndarray
    holes: tuple[np.ndarray, ...] = ()


def rasterise_polygons(
    polygons: Sequence[np.ndarray], shape: tuple[int, int]
) -> tuple[Box, np.ndarray]:
    """Union of COCO polygons, pixel for pixel what pycocotools makes of them.

    COCO's rule (T.-Y. Lin et al., ECCV 2014, mask API): points are rounded to fifths of a pixel,
    the boundary is walked in such steps, and a column is filled between the places where the
    walk crosses its centre.

    Parameters
    ----------
    polygons
        (n, 2) arrays of points (row, column). What lies outside of the frame is cut off; fewer
        than three points enclose nothing.
    shape
        Rows and columns of the frame.

    Returns
    -------
    box, mask
        Tight half-open ``(row0, col0, row1, col1)`` and boolean array; one False pixel at (0, 0)
        if no pixel is inside.

    Raises
    ------
    InputError
        For points that are not finite, not (n, 2), or absurdly far apart.

    Examples
    --------
    >>> box, mask = rasterise_polygons([np.array([[1, 1], [1, 3], [3, 3], [3, 1]])], (5, 5))
    >>> box, int(mask.sum())
    ((1, 1, 3, 3), 4)
    """
    parts = []
    for ring in polygons:
        column, row = _coco_crossings(_points(ring), shape)
        (column0, row0, column1, row1), mask = _between_crossings(column, row)
        parts.append(((row0, column0, row1, column1), mask.T))
    return _united(parts)


def fill_outline(polygons: Sequence[Polygon], shape: tuple[int, int]) -> tuple[Box, np.ndarray]:
    """Union of polygons with holes: the pixels whose centre is inside, by the even-odd rule.

    The inverse of `outline_polygons`, and the rule for ImageJ ROIs and GeoJSON. A centre exactly
    on an edge belongs to the polygon if the polygon lies below or right of it.

    Parameters
    ----------
    polygons
        Outlines with points (row, column) on pixel corners or anywhere. What lies outside of
        the frame is cut off.
    shape
        Rows and columns of the frame.

    Returns
    -------
    box, mask
        Tight half-open ``(row0, col0, row1, col1)`` and boolean array; one False pixel at (0, 0)
        if no pixel is inside.

    Raises
    ------
    InputError
        For points that are not finite or not (n, 2).

    Examples
    --------
    >>> ring = np.array([[0, 0], [0, 3], [3, 3], [3, 0]])
    >>> box, mask = fill_outline([Polygon(ring, (np.array([[1, 1], [1, 2], [2, 2], [2, 1]]),))],
    ...                          (4, 4))
    >>> box, int(mask.sum())
    ((0, 0, 3, 3), 8)
    """
    parts = []
    for polygon in polygons:
        crossings = [
            _centre_crossings(_points(ring), shape) for ring in (polygon.exterior, *polygon.holes)
        ]
        row, column = (np.concatenate(values) for values in zip(*crossings, strict=True))
        parts.append(_between_crossings(row, column))
    return _united(parts)


def _points(ring: np.ndarray) -> np.ndarray:
    """Checked (n, 2) float points."""
    ring = np.asarray(ring, dtype=np.float64)
    if ring.ndim != 2 or ring.shape[1] != 2:
        raise InputError(f"a polygon of shape {ring.shape} came: (n, 2) points are wanted")
    if not np.isfinite(ring).all():
        raise InputError("a polygon with a point that is not finite came: remove or repair it")
    return ring


def _coco_crossings(ring: np.ndarray, shape: tuple[int, int]) -> tuple[np.ndarray, np.ndarray]:
    """Columns, and the rows in them at which COCO's walk around `ring` flips inside."""
    fine = np.trunc(_FINE * ring[:, ::-1] + 0.5)
    length = np.abs(fine - np.roll(fine, -1, axis=0)).max(axis=1, initial=0)
    if length.sum() > _LONGEST_BOUNDARY or np.abs(fine).max(initial=0) > 2**31:
        raise InputError(
            f"a polygon with a boundary of some {length.sum() / _FINE:.0f} pixels came for an "
            f"image of {tuple(shape)}: check the units and the order of its points"
        )
    start = fine.astype(np.int64)
    stop = np.roll(start, -1, axis=0)
    steep = np.abs(stop - start)[:, 0] < np.abs(stop - start)[:, 1]
    # `main` is the axis of the longer extent, walked in unit steps from its lower end.
    swap = steep[:, None]
    start, stop = np.where(swap, start[:, ::-1], start), np.where(swap, stop[:, ::-1], stop)
    backward = start[:, 0] > stop[:, 0]
    low = np.where(backward[:, None], stop, start)
    high = np.where(backward[:, None], start, stop)
    extent = high - low
    slope = extent[:, 1] / np.maximum(extent[:, 0], 1)
    steps = extent[:, 0] + 1
    edge = np.repeat(np.arange(len(steps)), steps)
    along = np.arange(len(edge)) - np.repeat(np.cumsum(steps) - steps, steps)
    along = np.where(backward[edge], steps[edge] - 1 - along, along)
    main = low[edge, 0] + along
    side = np.trunc(low[edge, 1] + slope[edge] * along + 0.5).astype(np.int64)
    x, y = np.where(steep[edge], side, main), np.where(steep[edge], main, side)
    turn = np.flatnonzero(x[1:] != x[:-1])
    # Between the fine columns 5 c + 2 and 5 c + 3 lies the centre of pixel column c.
    left, upper = np.minimum(x[turn], x[turn + 1]), np.minimum(y[turn], y[turn + 1])
    column = left // _FINE
    keep = (left % _FINE == _FINE // 2) & (column >= 0) & (column < shape[1])
    row = np.clip(-((_FINE // 2 - upper[keep]) // _FINE), 0, shape[0])
    return column[keep], row


def _centre_crossings(ring: np.ndarray, shape: tuple[int, int]) -> tuple[np.ndarray, np.ndarray]:
    """Rows, and the columns in them from which on pixel centres are beyond an edge of `ring`."""
    start, stop = ring, np.roll(ring, -1, axis=0)
    down = (start[:, 0] <= stop[:, 0])[:, None]
    low, high = np.where(down, start, stop), np.where(down, stop, start)
    first = np.clip(np.ceil(low[:, 0] - 0.5), 0, shape[0]).astype(np.int64)
    beyond = np.clip(np.ceil(high[:, 0] - 0.5), 0, shape[0]).astype(np.int64)
    count = beyond - first
    edge = np.repeat(np.arange(len(count)), count)
    row = np.arange(len(edge)) - np.repeat(np.cumsum(count) - count, count) + first[edge]
    low, high = low[edge], high[edge]
    share = (row + 0.5 - low[:, 0]) / (high[:, 0] - low[:, 0])
    column = low[:, 1] + share * (high[:, 1] - low[:, 1])
    return row, np.clip(np.ceil(column - 0.5), 0, shape[1]).astype(np.int64)


def _between_crossings(line: np.ndarray, place: np.ndarray) -> tuple[Box, np.ndarray]:
    """Box and mask (line, place) of what lies between pairs of crossings of each line."""
    if not len(line) or place.min() == place.max():
        return (0, 0, 0, 0), np.zeros((0, 0), dtype=bool)
    line0, line1 = int(line.min()), int(line.max()) + 1
    place0, place1 = int(place.min()), int(place.max())
    width = place1 - place0
    flips = np.zeros((line1 - line0) * width + 1, dtype=np.uint8)
    np.add.at(flips, (line - line0) * width + place - place0, np.uint8(1))
    inside = (np.cumsum(flips[:-1], dtype=np.uint8) & 1).view(bool)
    return (line0, place0, line1, place1), inside.reshape(line1 - line0, width)


def _united(parts: Sequence[tuple[Box, np.ndarray]]) -> tuple[Box, np.ndarray]:
    """Tight box and mask of the union of masks in their boxes."""
    parts = [(box, mask) for box, mask in parts if mask.size]
    if not parts:
        return (0, 0, 1, 1), np.zeros((1, 1), dtype=bool)
    boxes = np.array([box for box, _ in parts])
    row0, column0 = (int(v) for v in boxes[:, :2].min(axis=0))
    row1, column1 = (int(v) for v in boxes[:, 2:].max(axis=0))
    union = np.zeros((row1 - row0, column1 - column0), dtype=bool)
    for (r0, c0, r1, c1), mask in parts:
        union[r0 - row0 : r1 - row0, c0 - column0 : c1 - column0] |= mask
    tight = mask_box(union)
    if tight is None:
        return (0, 0, 1, 1), np.zeros((1, 1), dtype=bool)
    r0, c0, r1, c1 = tight
    return (row0 + r0, column0 + c0, row0 + r1, column0 + c1), union[r0:r1, c0:c1]
