"""Outlines and overlaps of instances, drawn at any scale from their cropped masks.

Coordinates are (row, column). Masks are never flattened: each one is outlined on its
own, so the outline of a covered cell stays visible inside the cell that covers it.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from cellwright.types import Instances


def inner_boundary(mask: np.ndarray, thickness: int = 1) -> np.ndarray:
    """Pixels of `mask` with a background pixel among their four neighbours.

    Parameters
    ----------
    mask
        Boolean (row, column); outside of the array is background.
    thickness
        Pixels the boundary grows to, inwards.

    Returns
    -------
    ndarray
        Boolean, of the shape of `mask`.

    Examples
    --------
    >>> inner_boundary(np.ones((3, 3), bool)).astype(int).tolist()
    [[1, 1, 1], [1, 0, 1], [1, 1, 1]]
    """
    core = mask = np.asarray(mask, bool)
    for _ in range(thickness):
        padded = np.pad(core, 1)
        core = padded[:-2, 1:-1] & padded[2:, 1:-1] & padded[1:-1, :-2] & padded[1:-1, 2:] & core
    return mask & ~core


def outer_boundary(mask: np.ndarray, thickness: int = 1) -> np.ndarray:
    """Background pixels with a pixel of `mask` among their four neighbours.

    Parameters
    ----------
    mask
        Boolean (row, column).
    thickness
        Pixels the boundary grows to, outwards.

    Returns
    -------
    ndarray
        Boolean, `thickness` pixels larger than `mask` on every side.

    Examples
    --------
    >>> outer_boundary(np.ones((1, 1), bool)).astype(int).tolist()
    [[0, 1, 0], [1, 0, 1], [0, 1, 0]]
    """
    mask = np.pad(np.asarray(mask, bool), thickness)
    grown = mask
    for _ in range(thickness):
        padded = np.pad(grown, 1)
        grown = padded[:-2, 1:-1] | padded[2:, 1:-1] | padded[1:-1, :-2] | padded[1:-1, 2:] | grown
    return grown & ~mask


def draw_outlines(
    instances: Instances, *, scale: float = 1.0, outside: bool = False, thickness: int = 1
) -> np.ndarray:
    """Outlines of all instances on a canvas scaled by `scale`.

    Enlarged masks are outlined after enlarging, so that lines stay one canvas pixel
    thin; on a shrunk canvas the outline pixels are moved, so that no cell is lost.

    Parameters
    ----------
    instances
        Cells of one image of shape (row, column).
    scale
        Canvas pixels per image pixel.
    outside
        Draw around the cells rather than on their edge.
    thickness
        Line width: canvas pixels if enlarged, image pixels if shrunk.

    Returns
    -------
    ndarray
        Boolean (row, column) of shape `canvas_shape(instances.shape, scale)`.
    """
    canvas = np.zeros(canvas_shape(instances.shape, scale), dtype=bool)
    boundary = outer_boundary if outside else inner_boundary
    margin = thickness if outside else 0
    for (row0, col0, _, _), mask in zip(instances.boxes, instances.masks, strict=True):
        corner = (row0, col0)
        if scale > 1:
            mask = _enlarge(mask, corner, scale, canvas.shape)
            corner = (int(row0 * scale), int(col0 * scale))
        rows, cols = np.nonzero(boundary(mask, thickness))
        rows, cols = rows + corner[0] - margin, cols + corner[1] - margin
        height, width = canvas.shape if scale > 1 else instances.shape
        inside = (rows >= 0) & (cols >= 0) & (rows < height) & (cols < width)
        rows, cols = rows[inside], cols[inside]
        canvas[rows * canvas.shape[0] // height, cols * canvas.shape[1] // width] = True
    return canvas


def draw_overlaps(instances: Instances, *, scale: float = 1.0) -> np.ndarray:
    """Canvas pixels whose image pixel is covered by two or more instances.

    Parameters
    ----------
    instances
        Cells of one image of shape (row, column).
    scale
        Canvas pixels per image pixel.

    Returns
    -------
    ndarray
        Boolean (row, column) of shape `canvas_shape(instances.shape, scale)`.
    """
    shape = canvas_shape(instances.shape, scale)
    covered = np.zeros(shape, dtype=np.uint8)
    for rows, cols, mask in _sampled(instances, shape):
        window = covered[rows, cols]
        np.minimum(window + mask, 2, out=window)
    return covered > 1


def canvas_shape(shape: tuple[int, int], scale: float) -> tuple[int, int]:
    """Rows and columns of `shape` times `scale`, at least one pixel each."""
    return max(1, round(shape[0] * scale)), max(1, round(shape[1] * scale))


def _sampled(
    instances: Instances, shape: tuple[int, int]
) -> Iterator[tuple[slice, slice, np.ndarray]]:
    """Masks read at the centres of the pixels of a canvas of `shape`."""
    source_rows = ((np.arange(shape[0]) + 0.5) * instances.shape[0] / shape[0]).astype(np.int64)
    source_cols = ((np.arange(shape[1]) + 0.5) * instances.shape[1] / shape[1]).astype(np.int64)
    for (row0, col0, row1, col1), mask in zip(instances.boxes, instances.masks, strict=True):
        rows = slice(*np.searchsorted(source_rows, (row0, row1)))
        cols = slice(*np.searchsorted(source_cols, (col0, col1)))
        yield (
            rows,
            cols,
            mask[np.ix_(source_rows[rows] - row0, source_cols[cols] - col0)],
        )


def _enlarge(
    mask: np.ndarray, corner: tuple[int, int], scale: float, canvas: tuple[int, int]
) -> np.ndarray:
    """`mask`, whose first pixel is `corner` of the image, at `scale`, nearest neighbour."""
    index = []
    for axis in (0, 1):
        start = int(np.floor(corner[axis] * scale))
        stop = min(int(np.ceil((corner[axis] + mask.shape[axis]) * scale)), canvas[axis])
        source = np.floor((np.arange(start, max(stop, start + 1)) + 0.5) / scale).astype(np.int64)
        index.append(np.clip(source - corner[axis], 0, mask.shape[axis] - 1))
    return mask[np.ix_(*index)]
