"""Cells as pictures: a label map to paint on, and outlines that show every overlap."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from cellwright.geometry import outline_polygons
from cellwright.label.session.patch import Patch

Drawn = Sequence[tuple[int, Patch]]
"""Cells by their numbers in a label map."""
Known = dict[int, tuple[Patch, np.ndarray]]
"""Outlines by the identity of a patch, which is kept so that no other one can have it."""


def label_map(shape: tuple[int, int], cells: Drawn, *, top: Iterable[int] = ()) -> np.ndarray:
    """Cells as an int32 (row, column) map, small ones over large ones.

    Parameters
    ----------
    shape
        Rows and columns.
    cells
        Numbers and pixels.
    top
        Numbers that are drawn last.
    """
    last = set(top)
    out = np.zeros(shape, np.int32)
    for number, patch in sorted(cells, key=lambda c: (c[0] in last, -c[1].area, c[0])):
        r0, c0, r1, c1 = patch.box
        out[r0:r1, c0:c1][patch.crop] = number
    return out


class Outlines:
    """Outlines of cells as line segments, remembered by the pixels of a cell.

    A segment runs along the edge of pixels; pixel centres have whole coordinates, as in napari.
    """

    def __init__(self) -> None:
        self._known: Known = {}
        self._prepared: Known = {}

    def prepare(self, patches: Sequence[Patch]) -> None:
        """Find outlines ahead, in a thread, of cells that are to be shown next."""
        self._prepared = {id(p): (p, self._one(p)) for p in patches}

    def segments(self, patches: Sequence[Patch]) -> tuple[np.ndarray, np.ndarray]:
        """Segments as napari's vectors, (N, 2, 2) float32 of start and step, and (N,) int64
        with the index of the patch that each belongs to."""
        parts = [self._one(p) for p in patches]
        self._known = {id(p): (p, s) for p, s in zip(patches, parts, strict=True)}
        owner = np.repeat(np.arange(len(parts)), [len(p) for p in parts])
        if not parts:
            return np.zeros((0, 2, 2), np.float32), owner
        return np.concatenate(parts), owner

    def _one(self, patch: Patch) -> np.ndarray:
        known = self._known.get(id(patch)) or self._prepared.get(id(patch))
        if known and known[0] is patch:
            return known[1]
        found = []
        for polygon in outline_polygons(patch.crop, patch.box[:2]):
            for loop in (polygon.exterior, *polygon.holes):
                start = np.asarray(loop, np.float32) - 0.5
                found.append(np.stack([start, np.roll(start, -1, axis=0) - start], axis=1))
        return np.concatenate(found)
