"""Cells found window by window, joined into the cells of the frame.

A cell belongs to the window whose core holds the centre of its box. Windows see the
cells near a border twice and may draw them a little differently, so that the centre can
fall on either side: cells are also taken from a margin around the core, and of two that
are the same cell the one whose centre lies in its own core stays. A cell larger than the
halo is cut by every window that sees it; its parts are joined.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from cellwright.overlap import overlap_with_smaller
from cellwright.tiling.plan import Window
from cellwright.types import Instances


@dataclass(frozen=True, slots=True)
class _Candidates:
    """Cells of one window that may be the frame's, with where they stand to the window."""

    found: Instances
    outside: np.ndarray  # pixels between the centre of the box and the core
    cut: np.ndarray  # the window ends before the cell does
    shared: np.ndarray  # another window sees it too
    number: np.ndarray  # of the window


def merge(
    parts: Iterable[tuple[Window, Instances]], *, margin: int = 16, same: float = 0.5
) -> Instances:
    """Instances of the frame from those of its windows.

    Parameters
    ----------
    parts
        Windows with their instances, in coordinates of the frame; at least one.
    margin
        Pixels beyond the core within which a centre is still taken.
    same
        Two cells of different windows that share more than this fraction of the
        smaller one are the same cell. Cells of one window are never touched:
        real overlaps stay.
    """
    seen = [_candidates(window, found, margin, i) for i, (window, found) in enumerate(parts)]
    whole = Instances.concatenate(c.found for c in seen)
    outside, cut, shared, number = (
        np.concatenate([getattr(c, name) for c in seen])
        for name in ("outside", "cut", "shared", "number")
    )
    at_home = outside == 0
    gone, paired = np.zeros((2, len(whole)), dtype=bool)
    groups: dict[int, list[int]] = {}
    areas = whole.areas
    for a, b in _doubles(whole, np.flatnonzero(shared), number, same):
        if gone[a] or gone[b]:
            continue
        stay, leave = sorted((a, b), key=lambda k: (cut[k], outside[k], -areas[k]))
        gone[leave], paired[stay] = True, True
        if cut[stay]:
            groups[stay] = groups.get(stay, [stay]) + groups.pop(leave, [leave])
    keep = ~gone & (at_home | cut | paired)
    return _joined(whole, groups)[np.flatnonzero(keep)]


def _candidates(window: Window, found: Instances, margin: int, number: int) -> _Candidates:
    low, high = found.boxes[:, :2], found.boxes[:, 2:]
    first, last = np.array(window.core[:2]), np.array(window.core[2:])
    start, stop = np.array(window.outer[:2]), np.array(window.outer[2:])
    centre = (low + high - 1) // 2
    outside = np.maximum(np.maximum(first - centre, centre - (last - 1)), 0).max(axis=1)
    cut = (((low == start) & (start > 0)) | ((high == stop) & (stop < found.shape))).any(axis=1)
    cut &= ((low < last) & (high > first)).all(axis=1)
    alone = ((low >= 2 * first - start) & (high <= 2 * last - stop)).all(axis=1)
    take = np.flatnonzero((outside <= margin) | cut)
    return _Candidates(
        found[take], outside[take], cut[take], ~alone[take], np.full(len(take), number)
    )


def _doubles(
    whole: Instances, near: np.ndarray, number: np.ndarray, same: float
) -> list[tuple[int, int]]:
    """Pairs of the same cell seen by two windows, the surest first."""
    part = whole[near]
    share = overlap_with_smaller(part, part).tocoo()
    take = (
        (share.row < share.col)
        & (number[near[share.row]] != number[near[share.col]])
        & (whole.classes[near[share.row]] == whole.classes[near[share.col]])
        & (share.data > same)
    )
    order = np.argsort(-share.data[take], kind="stable")
    rows, cols = near[share.row[take][order]], near[share.col[take][order]]
    return list(zip(rows.tolist(), cols.tolist(), strict=True))


def _joined(whole: Instances, groups: dict[int, list[int]]) -> Instances:
    """`whole` with the first mask of each group replaced by the union of the group."""
    if not groups:
        return whole
    boxes, masks = whole.boxes.copy(), list(whole.masks)
    for stay, members in groups.items():
        corner = whole.boxes[members, :2].min(axis=0)
        far = whole.boxes[members, 2:].max(axis=0)
        mask = np.zeros(far - corner, dtype=bool)
        for m in members:
            r0, c0, r1, c1 = whole.boxes[m] - np.tile(corner, 2)
            mask[r0:r1, c0:c1] |= whole.masks[m]
        boxes[stay], masks[stay] = np.concatenate([corner, far]), mask
    return Instances(
        whole.shape, boxes, tuple(masks), whole.scores, whole.classes, whole.class_names, whole.tags
    )
