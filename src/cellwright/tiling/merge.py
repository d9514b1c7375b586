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

from cellwright.overlap import intersections
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
        Two cells of different windows whose IoU, within what both windows see, is
        larger are the same cell. Cells of one window are never touched: real
        overlaps stay.
    """
    windows, seen = [], []
    for number, (window, found) in enumerate(parts):
        windows.append(window)
        seen.append(_candidates(window, found, margin, number))
    whole = Instances.concatenate(c.found for c in seen)
    outside, cut, shared, number = (
        np.concatenate([getattr(c, name) for c in seen])
        for name in ("outside", "cut", "shared", "number")
    )
    areas = whole.areas
    root = np.arange(len(whole))
    groups: dict[int, list[int]] = {}
    for pair in _doubles(whole, np.flatnonzero(shared), number, windows, same):
        a, b = (_root(root, k) for k in pair)
        if number[a] == number[b]:
            continue
        stay, leave = sorted((a, b), key=lambda k: (cut[k], outside[k], -areas[k]))
        root[leave] = stay
        groups[stay] = groups.pop(stay, [stay]) + groups.pop(leave, [leave])
    paired = np.zeros(len(whole), dtype=bool)
    paired[list(groups)] = True
    keep = (root == np.arange(len(whole))) & ((outside == 0) | cut | paired)
    halves = {k: members for k, members in groups.items() if cut[k]}
    return _joined(whole, halves)[np.flatnonzero(keep)]


def _root(root: np.ndarray, k: int) -> int:
    while root[k] != k:
        k = int(root[k])
    return k


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
    whole: Instances, near: np.ndarray, number: np.ndarray, windows: list[Window], same: float
) -> list[tuple[int, int]]:
    """Pairs of the same cell seen by two windows, the surest first; judged on what both see."""
    part = whole[near]
    first, second, pixels = intersections(part, part)
    first, second = near[first], near[second]
    take = (
        (first < second)
        & (number[first] != number[second])
        & (whole.classes[first] == whole.classes[second])
    )
    found = []
    for a, b, shared in zip(
        first[take].tolist(), second[take].tolist(), pixels[take].tolist(), strict=True
    ):
        one = _area_within(whole, a, windows[number[b]].outer)
        other = _area_within(whole, b, windows[number[a]].outer)
        iou = shared / (one + other - shared)
        if iou > same:
            found.append((iou, a, b))
    return [(a, b) for _, a, b in sorted(found, key=lambda f: -f[0])]


def _area_within(whole: Instances, k: int, outer: tuple[int, int, int, int]) -> int:
    """Pixels of a cell inside a window."""
    r0, c0, r1, c1 = whole.boxes[k]
    rows = slice(max(outer[0] - r0, 0), max(min(outer[2], r1) - r0, 0))
    cols = slice(max(outer[1] - c0, 0), max(min(outer[3], c1) - c0, 0))
    return int(np.count_nonzero(whole.masks[k][rows, cols]))


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
