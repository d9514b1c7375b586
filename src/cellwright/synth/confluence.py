"""Cells that spread over free ground until they cover a given share of it, up to confluence."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from scipy import ndimage

from cellwright.synth.shapes import Body, bounding_window

Corner = tuple[int, int]
#: thickness of what a cell spreads to, relative to its middle, where it is far from the edge
FLAT = 0.45


def spread_out(
    bodies: Sequence[Body],
    corners: Sequence[Corner],
    canvas: tuple[int, int],
    *,
    field: tuple[slice, slice],
    coverage: float,
) -> tuple[list[Body], list[Corner]]:
    """Grow every cell into the free ground around it.

    Each free pixel belongs to the cell nearest to it, and cells take pixels in the order of
    their distance, all at one pace, until the field is covered. Pixels that are covered stay
    as they are, so that no overlap is added or lost. A cell that spreads gets flatter: its old
    height falls by the root of the area gained, and what it covers rises from the new edge.

    Parameters
    ----------
    bodies, corners
        The cells and (row, column) of their windows on the canvas.
    canvas
        Rows and columns of the canvas.
    field
        Part of the canvas whose coverage counts.
    coverage
        Share of the pixels of the field that are covered in the end, at most 1. A field that is
        covered further already is left as it is.
    """
    if not bodies:
        return list(bodies), list(corners)
    owner = np.zeros(canvas, dtype=np.int32)
    for number, (body, corner) in enumerate(zip(bodies, corners, strict=True), start=1):
        _window(owner, body, corner)[body.mask] = number
    distance, nearest = ndimage.distance_transform_edt(owner == 0, return_indices=True)
    within = np.sort(distance[field], axis=None)
    last = min(int(np.ceil(coverage * within.size)), within.size) - 1
    reach = float(within[max(last, 0)])
    if reach == 0:
        return list(bodies), list(corners)
    taken = np.where(distance <= reach, owner[tuple(nearest)], 0)
    spread = [
        _grown(body, corner, taken, number, reach)
        for number, (body, corner) in enumerate(zip(bodies, corners, strict=True), start=1)
    ]
    return [body for body, _ in spread], [corner for _, corner in spread]


def _grown(
    body: Body,
    corner: Corner,
    taken: np.ndarray,
    number: int,
    reach: float,
) -> tuple[Body, Corner]:
    """Cell `number` with the pixels that it took, in a window tight around both."""
    pad = int(np.ceil(reach)) + 1
    row, col = max(0, corner[0] - pad), max(0, corner[1] - pad)
    stop = [c + n + pad for c, n in zip(corner, body.mask.shape, strict=True)]
    around = slice(row, stop[0]), slice(col, stop[1])
    mask = taken[around] == number
    inner = slice(corner[0] - row, corner[0] - row + body.mask.shape[0])
    inside = inner, slice(corner[1] - col, corner[1] - col + body.mask.shape[1])
    mask[inside] |= body.mask
    depth = ndimage.distance_transform_edt(np.pad(mask, 1))[1:-1, 1:-1]
    height = FLAT * np.sqrt(depth / depth.max()) * mask
    flatter = np.sqrt(body.area / np.count_nonzero(mask))
    height[inside] = np.maximum(height[inside], flatter * body.height)
    core, thickness = np.zeros(mask.shape, dtype=bool), np.zeros(mask.shape, dtype=np.float32)
    core[inside], thickness[inside] = body.nucleus, body.nucleus_height
    tight = bounding_window(mask)
    grown = replace(
        body,
        mask=mask[tight],
        height=height[tight].astype(np.float32),
        nucleus=core[tight],
        nucleus_height=thickness[tight],
    )
    return grown, (row + tight[0].start, col + tight[1].start)


def _window(canvas: np.ndarray, body: Body, corner: Corner) -> np.ndarray:
    height, width = body.mask.shape
    return canvas[corner[0] : corner[0] + height, corner[1] : corner[1] + width]
