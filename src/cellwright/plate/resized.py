"""A frame of another size that is read and resized window by window."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import ndimage

#: standard deviations at which a Gaussian ends, as scipy has it
TRUNCATE = 4.0


class ResizedView:
    """The last two axes of a lazy array resized as by `cellwright.plate.resize.resize_image`.

    A window is made of the pixels that it shows and those that interpolation and smoothing see
    around them, so that memory is that of a window.

    Parameters
    ----------
    source
        Array with ``shape``, ``dtype`` and slicing; (..., row, column).
    shape
        Rows and columns of the view.
    """

    def __init__(self, source: Any, shape: tuple[int, int]) -> None:
        self._source = source
        self.shape = (*(int(n) for n in source.shape[:-2]), int(shape[0]), int(shape[1]))
        self.dtype = source.dtype
        self.ndim = len(self.shape)
        #: pixels of the source per pixel of the view
        self._step = tuple(a / b for a, b in zip(source.shape[-2:], shape, strict=True))
        shrinks = max(self._step) > 1
        self._sigma = tuple(max(0.0, (s - 1) / 2) if shrinks else 0.0 for s in self._step)

    def __getitem__(self, key: Any) -> np.ndarray:
        """A window: ``[..., rows, columns]`` with slices for the last two axes."""
        keys = list(key) if isinstance(key, tuple) else [key]
        if Ellipsis in keys:
            at = keys.index(Ellipsis)
            keys[at : at + 1] = [slice(None)] * (self.ndim - len(keys) + 1)
        keys += [slice(None)] * (self.ndim - len(keys))
        spans = [k.indices(n) for k, n in zip(keys[-2:], self.shape[-2:], strict=True)]
        parts, starts = [], []
        for (a, b, _), step, sigma, size in zip(
            spans, self._step, self._sigma, self._source.shape[-2:], strict=True
        ):
            around = int(np.ceil(TRUNCATE * sigma)) + 2
            low = max(int(np.floor((a + 0.5) * step - 0.5)) - around, 0)
            parts.append(slice(low, min(int(np.ceil((b + 0.5) * step)) + around, size)))
            starts.append((a + 0.5) * step - 0.5 - low)
        seen = np.asarray(self._source[(*keys[:-2], *parts)])
        rows, cols = (max(b - a, 0) for a, b, _ in spans)
        out = np.empty((*seen.shape[:-2], rows, cols), self.dtype)
        for place in np.ndindex(seen.shape[:-2]):
            plane = seen[place].astype(np.float64)
            if any(self._sigma):
                plane = ndimage.gaussian_filter(
                    plane, self._sigma, mode="mirror", truncate=TRUNCATE
                )
            found = ndimage.affine_transform(
                plane, self._step, starts, (rows, cols), order=1, mode="mirror"
            )
            out[place] = np.rint(found) if not np.issubdtype(self.dtype, np.floating) else found
        return out[(..., slice(None, None, spans[0][2]), slice(None, None, spans[1][2]))]

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        return np.asarray(self[...], dtype=dtype)

    def __len__(self) -> int:
        return self.shape[0]
