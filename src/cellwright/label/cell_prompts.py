"""Prompts from coarse cells: where each is, what it spans, and where it is not.

Source: P5, section 3.2 (the centre of a coarse cell is a positive point, the darkest pixel of the
image a negative one). The box and the neighbours' centres are ours.
"""

from __future__ import annotations

import numpy as np
from scipy import ndimage, spatial

from cellwright.types import InputError, Instances, Prompts


def cell_prompts(
    plane: np.ndarray,
    cells: Instances,
    *,
    boxes: bool = True,
    darkest: bool = True,
    neighbours: int = 0,
    around: int | None = None,
) -> list[Prompts]:
    """One prompt per cell, in the order of `cells`.

    Parameters
    ----------
    plane
        (row, column) array in which cells are bright.
    cells
        Coarse cells on the frame of `plane`, those that passed the filters.
    boxes
        Whether the box of the cell is given too.
    darkest
        Whether the darkest pixel is a negative point. Pixels of the cell never are.
    neighbours
        How many of the nearest cells' centres are negative points; those on the cell are not.
    around
        Pixels around the box in which the darkest one is looked for; None for the whole image.

    Returns
    -------
    list of Prompts
        The first point is the positive one.

    Raises
    ------
    InputError
        If the plane has another shape than the cells, or a number is negative.
    """
    plane = np.asarray(plane)
    if plane.shape != cells.shape:
        raise InputError(f"the plane is {plane.shape}, the cells are on {cells.shape}: give one")
    if neighbours < 0 or (around is not None and around < 0):
        raise InputError(f"{neighbours} neighbours, {around} pixels around: none may be negative")
    centres = np.array([inner_point(mask) for mask in cells.masks]).reshape(-1, 2)
    centres = centres + cells.boxes[:, :2]
    near = _nearest(centres, neighbours)
    low = np.unravel_index(int(plane.argmin()), plane.shape)
    prompts = []
    for index, box in enumerate(cells.boxes):
        away = []
        if darkest:
            point = np.array(low) if around is None else _darkest(plane, box, around)
            away.append(point)
        away.extend(centres[near[index]])
        off = [p for p in away if not _on(cells, index, p)]
        points = np.array([centres[index], *off], float)
        signs = np.arange(len(points)) == 0
        whole = tuple(float(v) for v in box) if boxes else None
        prompts.append(Prompts(points, signs, whole))
    return prompts


def inner_point(mask: np.ndarray) -> tuple[int, int]:
    """The pixel of `mask` nearest to its centre, or the deepest one if the centre is outside.

    Examples
    --------
    >>> inner_point(np.ones((3, 5), bool))
    (1, 2)
    """
    rows, cols = np.nonzero(mask)
    row, col = round(float(rows.mean())), round(float(cols.mean()))
    if not mask[row, col]:
        deep = ndimage.distance_transform_edt(np.pad(mask, 1))[1:-1, 1:-1]
        row, col = (int(v) for v in np.unravel_index(int(deep.argmax()), mask.shape))
    return row, col


def _nearest(centres: np.ndarray, count: int) -> list[np.ndarray]:
    """Indices of the `count` nearest other centres of each."""
    most = min(count, len(centres) - 1)
    if most < 1:
        return [np.zeros(0, np.int64)] * len(centres)
    _, found = spatial.cKDTree(centres).query(centres, most + 1)
    return [row[row != i][:most] for i, row in enumerate(found)]


def _darkest(plane: np.ndarray, box: np.ndarray, around: int) -> np.ndarray:
    """The darkest pixel within `around` pixels of a box."""
    start = np.maximum(box[:2] - around, 0)
    window = plane[start[0] : box[2] + around, start[1] : box[3] + around]
    return start + np.array(np.unravel_index(int(window.argmin()), window.shape))


def _on(cells: Instances, index: int, point: np.ndarray) -> bool:
    """Whether a point lies on the mask of a cell."""
    row, col = (point - cells.boxes[index, :2]).astype(int)
    mask = cells.masks[index]
    return bool(0 <= row < mask.shape[0] and 0 <= col < mask.shape[1] and mask[row, col])
