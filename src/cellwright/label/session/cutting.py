"""Cutting a cell in two or more: along a line, or by a marker in each part."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from scipy import ndimage

from cellwright.label.session.patch import Patch
from cellwright.types import InputError

Points = Sequence[Sequence[float]] | np.ndarray
CRUMB = 0.01
"""Pieces up to this part of a cell that a line cuts off go to the nearest larger piece."""


def split_by_line(patch: Patch, line: Points) -> list[Patch]:
    """Parts of a cell on both sides of a line, the largest first.

    Parameters
    ----------
    patch
        The cell.
    line
        (P, 2) corners (row, column), two or more, drawn across the cell. Pixels under the line
        go to the nearest part.

    Raises
    ------
    InputError
        If the line does not part the cell.
    """
    cut = np.zeros_like(patch.crop)
    corners = np.asarray(line, float).reshape(-1, 2) - patch.box[:2]
    if len(corners) < 2:
        raise InputError("a line needs two points or more; click one on each side of the cell")
    for (r0, c0), (r1, c1) in pairwise(corners):
        steps = int(np.ceil(2 * max(abs(r1 - r0), abs(c1 - c0)))) + 1
        rows = np.rint(np.linspace(r0, r1, steps)).astype(int)
        cols = np.rint(np.linspace(c0, c1, steps)).astype(int)
        inside = (rows >= 0) & (cols >= 0) & (rows < cut.shape[0]) & (cols < cut.shape[1])
        cut[rows[inside], cols[inside]] = True
    # neighbours by sides only, so that a slanting line of single pixels does part them
    was = len(_pieces(patch.crop, patch.area)[1])
    labels, pieces = _pieces(patch.crop & ~cut, patch.area)
    if len(pieces) <= was:
        raise InputError("the line does not part the cell; draw it right across, edge to edge")
    return _parts(patch, np.where(np.isin(labels, pieces), labels, 0))


def _pieces(mask: np.ndarray, area: int) -> tuple[np.ndarray, np.ndarray]:
    """Labels of the connected pieces, and which of them are no crumbs (see `CRUMB`)."""
    labels, _ = ndimage.label(mask)
    sizes = np.bincount(labels.ravel())
    sizes[0] = 0
    return labels, np.flatnonzero(sizes > CRUMB * area)


def split_by_markers(patch: Patch, markers: Points) -> list[Patch]:
    """Parts of a cell around markers by a watershed of its distance map, the largest first.

    Parameters
    ----------
    patch
        The cell.
    markers
        (P, 2) points (row, column), one in each part, two or more.

    Raises
    ------
    InputError
        For fewer than two markers on different pixels of the cell.
    """
    from skimage.segmentation import watershed

    places = np.rint(np.asarray(markers, float).reshape(-1, 2)).astype(int) - patch.box[:2]
    seeds = np.zeros_like(patch.crop, np.int32)
    for number, (row, col) in enumerate(places.tolist(), start=1):
        inside = 0 <= row < seeds.shape[0] and 0 <= col < seeds.shape[1]
        if not inside or not patch.crop[row, col]:
            at = (row + patch.box[0], col + patch.box[1])
            raise InputError(f"the marker {at} is not on the cell; click one inside each part")
        seeds[row, col] = number
    if len(np.unique(seeds)) < 3:
        raise InputError("two markers or more on different pixels are wanted to split a cell")
    depth = ndimage.distance_transform_edt(np.pad(patch.crop, 1))[1:-1, 1:-1]
    return _parts(patch, watershed(-depth, seeds, mask=patch.crop))


def _parts(patch: Patch, labels: np.ndarray) -> list[Patch]:
    """The parts of a cell; pixels without a label go to the nearest one."""
    near = ndimage.distance_transform_edt(labels == 0, return_indices=True)[1]
    full = labels[tuple(near)]
    parts = [
        Patch.of_crop(patch.shape, patch.box, patch.crop & (full == value))
        for value in np.unique(labels[labels > 0])
    ]
    return sorted((p for p in parts if p), key=lambda p: (-p.area, p.box))
