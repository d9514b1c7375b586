"""Prompts held against the image they are for."""

from __future__ import annotations

import numpy as np

from cellwright.types import InputError, Prompts


def checked(prompt: Prompts, shape: tuple[int, int]) -> Prompts:
    """The prompt with its box cut to the image.

    Parameters
    ----------
    prompt
        One cell's prompts; a box may reach beyond the image.
    shape
        Rows and columns of the image.

    Raises
    ------
    InputError
        For a point or a box outside the image, values that are not finite, a mask of another
        shape, a pixel that is marked with both signs, or negative points alone.
    """
    points = prompt.points
    if not np.isfinite(points).all():
        raise InputError("a point is not finite: rows and columns in pixels are wanted")
    pixels = np.rint(points)
    outside = ((pixels < 0) | (pixels >= shape)).any(axis=1)
    if outside.any():
        row, col = points[outside][0]
        raise InputError(
            f"the point ({row:g}, {col:g}) is outside the image of {shape[0]} x {shape[1]} pixels"
        )
    both = {tuple(p) for p in pixels[prompt.signs]} & {tuple(p) for p in pixels[~prompt.signs]}
    if both:
        row, col = both.pop()
        raise InputError(
            f"the pixel ({row:g}, {col:g}) is marked as on the cell and as off it: remove one"
        )
    mask = prompt.mask
    if mask is not None:
        mask = np.asarray(mask, dtype=bool)
        if mask.shape != shape:
            raise InputError(
                f"an earlier mask of shape {mask.shape} came for an image of {shape}: both must "
                "have the same rows and columns"
            )
        mask = mask if mask.any() else None
    if prompt.box is None and mask is None and not prompt.signs.any():
        raise InputError(
            "negative points alone do not say where the cell is: add a positive point or a box"
        )
    return Prompts(points, prompt.signs, _box_inside(prompt.box, shape), mask)


def _box_inside(
    box: tuple[float, float, float, float] | None, shape: tuple[int, int]
) -> tuple[float, float, float, float] | None:
    """The part of `box` inside the image, at least one pixel high and wide."""
    if box is None:
        return None
    row0, col0, row1, col1 = (float(v) for v in box)
    if not np.isfinite([row0, col0, row1, col1]).all() or row1 < row0 or col1 < col0:
        raise InputError(
            f"the box {tuple(box)} is not one: (row0, col0, row1, col1) with row0 <= row1 and "
            "col0 <= col1 is wanted"
        )
    if row1 < 0 or col1 < 0 or row0 >= shape[0] or col0 >= shape[1]:
        raise InputError(
            f"the box {tuple(box)} is outside the image of {shape[0]} x {shape[1]} pixels"
        )
    sides = []
    for low, high, size in ((row0, row1, shape[0]), (col0, col1, shape[1])):
        low, high = max(low, 0.0), min(high, float(size))
        if high - low < 1:
            low = min(np.floor(low), size - 1.0)
            high = low + 1
        sides.append((low, high))
    return sides[0][0], sides[1][0], sides[0][1], sides[1][1]
