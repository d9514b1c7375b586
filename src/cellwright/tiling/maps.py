"""Maps of a whole frame, in memory while they are small and on disk beyond that."""

from __future__ import annotations

import tempfile
from pathlib import Path
from types import TracebackType
from typing import Self

import numpy as np

from cellwright.tiling.plan import Window


class MapStore:
    """A (channel, row, column) float16 frame that windows add to and blocks are read from.

    Beyond `memory_limit` bytes the frame is a temporary file whose pages are let go after
    every access, so that resident memory stays that of a window.

    Parameters
    ----------
    shape
        Channels, rows and columns.
    memory_limit
        Bytes that may be held in memory.
    """

    def __init__(self, shape: tuple[int, int, int], *, memory_limit: int = 512 * 2**20) -> None:
        self.shape = shape
        self._folder: tempfile.TemporaryDirectory[str] | None = None
        self._array: np.ndarray | None = None
        if int(np.prod(shape)) * 2 <= memory_limit:
            self._array = np.zeros(shape, dtype=np.float16)
        else:
            self._folder = tempfile.TemporaryDirectory(prefix="cellwright-maps-")
            self._path = Path(self._folder.name) / "maps"
            with self._path.open("wb") as file:
                file.truncate(int(np.prod(shape)) * 2)

    def _open(self) -> np.ndarray:
        if self._array is not None:
            return self._array
        return np.memmap(self._path, dtype=np.float16, mode="r+", shape=self.shape)

    def write(self, rows: slice, cols: slice, values: np.ndarray) -> None:
        """Set a window to `values`, (channel, row, column)."""
        self._open()[:, rows, cols] = values

    def add(self, rows: slice, cols: slice, values: np.ndarray) -> None:
        """Add `values`, (channel, row, column), to a window."""
        self._open()[:, rows, cols] += values.astype(np.float16)

    def read(self, rows: slice, cols: slice) -> np.ndarray:
        """A window as float32 (channel, row, column), in memory."""
        return np.asarray(self._open()[:, rows, cols], dtype=np.float32)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._array = None
        if self._folder is not None:
            self._folder.cleanup()


def average_weight(window: Window, windows: list[Window]) -> np.ndarray:
    """One over the number of windows that see each pixel, (row, column) of `window.outer`.

    Windows form a grid, so the count is the product of a count over rows and one over columns.
    """

    def counts(axis: int) -> np.ndarray:
        spans = {(w.outer[axis], w.outer[axis + 2]) for w in windows}
        pixels = np.arange(window.outer[axis], window.outer[axis + 2])
        return sum((pixels >= a) & (pixels < b) for a, b in spans).astype(np.float32)

    return 1 / np.outer(counts(0), counts(1))
