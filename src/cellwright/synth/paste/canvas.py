"""Places for cells on a frame, so that no cell shares more of itself than is allowed."""

from __future__ import annotations

import numpy as np

from cellwright.types import InputError

Box = tuple[int, int, int, int]
#: places that are drawn for a cell at once, and how many of them are looked at
DRAWN, LOOKED_AT = 96, 48
#: places beside another cell that are looked at
BESIDE = 24
#: share of a cell that the border of the frame leaves
VISIBLE = 0.3


class Canvas:
    """A frame and the cells put on it so far.

    The overlap ratio of a cell is the share of its pixels in the frame that any other cell has
    too. It is kept for every cell, those below included, and never exceeds `overlap[1]`.

    Parameters
    ----------
    shape
        Rows and columns.
    overlap
        Least and largest overlap ratio of a cell when it is put on the frame (P4, 4.4.1: 0 and
        0.2). The least one is not asked of the first cell.
    """

    def __init__(self, shape: tuple[int, int], overlap: tuple[float, float] = (0.0, 0.2)) -> None:
        if not 0 <= overlap[0] <= overlap[1] <= 1:
            raise InputError(
                f"overlap {overlap[0]}..{overlap[1]} came: a range from 0 to 1 is wanted"
            )
        self.shape, self.overlap = shape, overlap
        self.boxes: list[Box] = []
        self.masks: list[np.ndarray] = []
        self._areas = np.zeros(64, np.int64)
        self._shared = np.zeros(64, np.int64)
        self._cover = np.zeros(shape, np.uint16)
        # The cell at each pixel that has one cell only; those with more count as shared already.
        self._owner = np.zeros(shape, np.int32)

    def __len__(self) -> int:
        return len(self.masks)

    @property
    def ratios(self) -> np.ndarray:
        """(N,) overlap ratio of each cell."""
        count = len(self)
        return self._shared[:count] / np.maximum(self._areas[:count], 1)

    def put(self, mask: np.ndarray, corner: tuple[int, int], *, meeting: bool = False) -> bool:
        """Put a mask with its window's first pixel at `corner`, if it may lie there.

        Parameters
        ----------
        mask
            (row, column) bool; parts outside of the frame are cut off.
        corner
            Row and column, which may be negative.
        meeting
            Whether it has to share a pixel with another cell.
        """
        row, col = corner
        r, c = max(-row, 0), max(-col, 0)
        part = mask[r : max(self.shape[0] - row, r), c : max(self.shape[1] - col, c)]
        area = np.count_nonzero(part)
        if not area or (part.size < mask.size and area < VISIBLE * np.count_nonzero(mask)):
            return False
        row, col = row + r, col + c
        window = slice(row, row + part.shape[0]), slice(col, col + part.shape[1])
        cover = self._cover[window]
        own = np.count_nonzero(cover[part])
        low, high = self.overlap
        if own > high * area or (own < low * area and len(self)) or (meeting and not own):
            return False
        owner = self._owner[window]
        if own:
            hit = np.bincount(owner[part & (cover == 1)], minlength=1)
            cells = np.flatnonzero(hit)
            shared = self._shared[cells] + hit[cells]
            if (shared > high * self._areas[cells]).any():
                return False
            self._shared[cells] = shared
        number = len(self)
        if number == len(self._areas):
            self._areas = np.concatenate([self._areas, np.zeros_like(self._areas)])
            self._shared = np.concatenate([self._shared, np.zeros_like(self._shared)])
        self._areas[number], self._shared[number] = area, own
        cover += part
        owner[part] = number
        self.boxes.append((row, col, window[0].stop, window[1].stop))
        self.masks.append(part)
        return True

    def scatter(self, rng: np.random.Generator, mask: np.ndarray) -> tuple[int, int] | None:
        """Put a mask anywhere it may lie; the corner of its window, or None."""
        middles = (rng.random((DRAWN, 2)) * self.shape).astype(int)
        if self.overlap[0] == 0 and self.overlap[1] < 0.5:  # most covered middles are in vain
            middles = middles[self._cover[middles[:, 0], middles[:, 1]] == 0]
        half = (mask.shape[0] // 2, mask.shape[1] // 2)
        for row, col in (middles - half)[:LOOKED_AT].tolist():
            if self.put(mask, (row, col)):
                return row, col
        return None

    def attach(self, rng: np.random.Generator, mask: np.ndarray) -> tuple[int, int] | None:
        """Put a mask on the edge of another cell; the corner of its window, or None."""
        if not len(self) or self.overlap[1] == 0:
            return None
        hosts = rng.integers(len(self), size=BESIDE)
        turn, far = rng.uniform(0, 2 * np.pi, BESIDE), rng.uniform(0.6, 1.0, BESIDE)
        boxes = np.array([self.boxes[h] for h in hosts])
        middles, sizes = (boxes[:, :2] + boxes[:, 2:]) / 2, boxes[:, 2:] - boxes[:, :2]
        way = np.stack([np.sin(turn), np.cos(turn)], axis=1)
        reach = way * (sizes + np.array(mask.shape)) / 2 * far[:, None]
        corners = np.rint(middles + reach - np.array(mask.shape) / 2).astype(int)
        for row, col in corners.tolist():
            if self.put(mask, (row, col), meeting=True):
                return row, col
        return None
