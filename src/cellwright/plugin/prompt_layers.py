"""Boxes and points of the prompt layers as prompts, one for each cell."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from cellwright.types import InputError, Prompts

Box = tuple[float, float, float, float]


def prompts_of(
    corners: Sequence[np.ndarray], points: np.ndarray, signs: np.ndarray
) -> tuple[Prompts, ...]:
    """One prompt for each box, with the points that go with it; without a box, one of all points.

    With several boxes a point goes with the smallest box around it, or the nearest box; a
    negative point with every box around it.

    Parameters
    ----------
    corners
        (P, 2) corners (row, column) of each shape; pixel centres have whole coordinates.
    points, signs
        (P, 2) points, and whether they lie on the cell.

    Raises
    ------
    InputError
        If there is nothing, or negative points alone.
    """
    points = np.asarray(points, float).reshape(-1, 2)
    signs = np.asarray(signs, bool).reshape(-1)
    boxes = [_box(shape) for shape in corners]
    if not boxes:
        if not len(points):
            raise InputError("no prompt is there: draw a box on 'prompts' or click 'point_prompts'")
        if not signs.any():
            raise InputError("there are negative points only; click one on the cell, or draw a box")
        return (Prompts(points, signs),)
    owned: list[list[int]] = [[] for _ in boxes]
    for number, (point, sign) in enumerate(zip(points, signs, strict=True)):
        for box in _owners(point, boxes, positive=bool(sign)):
            owned[box].append(number)
    return tuple(
        Prompts(points[mine], signs[mine], box) for box, mine in zip(boxes, owned, strict=True)
    )


def _box(shape: np.ndarray) -> Box:
    """Half-open box around a shape; napari's pixel 3 reaches from 2.5 to 3.5."""
    found = np.asarray(shape, float)[:, -2:] + 0.5
    (r0, c0), (r1, c1) = found.min(axis=0), found.max(axis=0)
    if r1 - r0 < 1 or c1 - c0 < 1:
        raise InputError("a box is smaller than a pixel; delete it or draw it anew")
    return float(r0), float(c0), float(r1), float(c1)


def _owners(point: np.ndarray, boxes: Sequence[Box], *, positive: bool) -> list[int]:
    r, c = point + 0.5
    away = [max(b[0] - r, r - b[2], b[1] - c, c - b[3], 0.0) for b in boxes]
    sizes = [(b[2] - b[0]) * (b[3] - b[1]) for b in boxes]
    around = [i for i, distance in enumerate(away) if distance == 0]
    if around and not positive:
        return around
    if around:
        return [min(around, key=sizes.__getitem__)]
    return [int(np.argmin(away))]
