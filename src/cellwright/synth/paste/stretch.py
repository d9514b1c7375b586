"""A coarse grid brought to a fine one."""

from __future__ import annotations

import numpy as np


def stretched(planes: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """Linear interpolation of (plane, row, column) to the rows and columns of `shape`, float32.

    Pixels of both grids divide the same frame evenly; beyond the outermost middles of the old
    pixels their values hold.
    """
    out = planes
    for axis, (new, old) in enumerate(zip(shape, planes.shape[1:], strict=True), start=1):
        if new == old:
            continue
        at = np.clip((np.arange(new) + 0.5) * (old / new) - 0.5, 0, old - 1)
        low = np.floor(at).astype(int)
        high = np.minimum(low + 1, old - 1)
        part = (at - low).astype(np.float32)
        part = part[:, None] if axis == 1 else part
        out = np.take(out, low, axis) * (1 - part) + np.take(out, high, axis) * part
    return out.astype(np.float32)
