"""Arrays that are read when a part of them is asked for: planes laid on each other, windows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from cellwright.types import InputError


def _full(key: Any, ndim: int) -> list[Any]:
    """One index or slice for each axis."""
    keys = list(key) if isinstance(key, tuple) else [key]
    at = next((i for i, k in enumerate(keys) if k is Ellipsis), None)
    if at is not None:
        keys[at : at + 1] = [slice(None)] * (ndim - len(keys) + 1)
    return keys + [slice(None)] * (ndim - len(keys))


class Stacked:
    """Arrays of one shape and type as one array with a first axis more.

    Parameters
    ----------
    parts
        Arrays with ``shape``, ``dtype`` and basic slicing; each is read only where asked for.
    """

    def __init__(self, parts: Sequence[Any]) -> None:
        first = parts[0]
        for part in parts:
            if tuple(part.shape) != tuple(first.shape) or part.dtype != first.dtype:
                raise InputError(
                    f"shape {tuple(part.shape)} and type {part.dtype} came, the first plane has "
                    f"{tuple(first.shape)} and {first.dtype}; the planes of a stack must agree"
                )
        self.parts = tuple(parts)
        self.shape = (len(self.parts), *(int(n) for n in first.shape))
        self.dtype = first.dtype
        self.ndim = len(self.shape)

    def __getitem__(self, key: Any) -> np.ndarray:
        which, *inner = _full(key, self.ndim)
        if isinstance(which, slice):
            return np.stack([np.asarray(p[tuple(inner)]) for p in self.parts[which]])
        return np.asarray(self.parts[int(which)][tuple(inner)])

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        return np.asarray(self[...], dtype=dtype)

    def __len__(self) -> int:
        return len(self.parts)


class Window:
    """Rows and columns of an array, read when asked for.

    Parameters
    ----------
    source
        Array whose last two axes are row and column.
    window
        Half-open ``(row0, col0, row1, col1)`` inside it.
    """

    def __init__(self, source: Any, window: tuple[int, int, int, int]) -> None:
        self._source = source
        self._row, self._column, row1, column1 = window
        self.shape = (*source.shape[:-2], row1 - self._row, column1 - self._column)
        self.dtype = source.dtype
        self.ndim = len(self.shape)

    def __getitem__(self, key: Any) -> np.ndarray:
        keys = _full(key, self.ndim)
        for axis, start in ((-2, self._row), (-1, self._column)):
            size, one = self.shape[axis], keys[axis]
            if isinstance(one, slice):
                first, stop, step = one.indices(size)
                if step < 0:
                    raise IndexError("a window is read forward: steps above 0 are wanted")
                keys[axis] = slice(first + start, max(first, stop) + start, step)
            else:
                if not -size <= int(one) < size:
                    raise IndexError(f"{one} is outside of {size} entries")
                keys[axis] = int(one) % size + start
        return np.asarray(self._source[tuple(keys)])

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        return np.asarray(self[...], dtype=dtype)

    def __len__(self) -> int:
        return int(self.shape[0])
