"""A view of an array on disk with other axes; only what is asked for is read."""

from __future__ import annotations

from typing import Any

import numpy as np


class LazyView:
    """Axes of a lazy array in another order, some of them fixed or cut.

    Parameters
    ----------
    source
        Array with ``shape``, ``dtype`` and basic slicing (zarr, memory map).
    order
        The axis of `source` that each axis of the view shows.
    fixed
        For each axis of `source` that the view does not show, its index.
    stop
        For axes of `source` that are cut, how many entries are left.
    """

    def __init__(
        self,
        source: Any,
        order: tuple[int, ...],
        *,
        fixed: dict[int, int] | None = None,
        stop: dict[int, int] | None = None,
    ) -> None:
        self._source, self._order = source, order
        self._fixed, self._stop = fixed or {}, stop or {}
        self.shape = tuple(int(self._stop.get(a, source.shape[a])) for a in order)
        self.dtype = source.dtype
        self.ndim = len(order)

    def __getitem__(self, key: Any) -> np.ndarray:
        keys = list(key) if isinstance(key, tuple) else [key]
        if Ellipsis in keys:
            at = keys.index(Ellipsis)
            keys[at : at + 1] = [slice(None)] * (self.ndim - len(keys) + 1)
        keys += [slice(None)] * (self.ndim - len(keys))
        wanted: list[Any] = [self._fixed.get(a) for a in range(len(self._source.shape))]
        backward = []
        for number, (axis, one) in enumerate(zip(self._order, keys, strict=True)):
            if isinstance(one, slice):
                start, stop, step = one.indices(self.shape[number])
                if step < 0:
                    raise IndexError("a lazy image is read forward: steps above 0 are wanted")
                wanted[axis] = slice(start, max(start, stop), step)
                backward.append(axis)
            else:
                index = int(one)
                if not -self.shape[number] <= index < self.shape[number]:
                    raise IndexError(f"{index} is outside of {self.shape[number]} entries")
                wanted[axis] = index % self.shape[number]
        part = np.asarray(self._source[tuple(wanted)])
        kept = sorted(backward)
        return part.transpose([kept.index(axis) for axis in backward])

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        return np.asarray(self[...], dtype=dtype)

    def __len__(self) -> int:
        return self.shape[0]
