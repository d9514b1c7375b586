"""Slow changes on a coarse grid: means of square blocks, back to pixels, and a wide blur."""

from __future__ import annotations

import numpy as np
from scipy import ndimage

#: standard deviation, in pixels of the coarser grid, below which a blur stays where it is
COARSE = 3.0


def block_means(plane: np.ndarray, step: int) -> np.ndarray:
    """Means of blocks of `step` x `step` pixels, (row, column) float32.

    Pixels of the last row and column are repeated to fill the last blocks.
    """
    if step == 1:
        return np.asarray(plane, np.float32)
    padded = np.pad(plane, [(0, -n % step) for n in plane.shape], mode="edge")
    # Rows are added up first, whole ones, then the few columns that are left.
    rows = padded.reshape(len(padded) // step, step, -1).sum(axis=1, dtype=np.float32)
    means = rows[:, ::step].copy()
    for column in range(1, step):
        means += rows[:, column::step]
    means /= step * step
    return means


def stretched(planes: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """Linear interpolation of (plane, row, column) to the rows and columns of `shape`, float32.

    Pixels of both grids divide the same frame evenly; beyond the outermost middles of the old
    pixels their values hold.
    """
    out = np.asarray(planes, np.float32)
    for axis in (2, 1):  # columns first, while there are few rows
        old, new = out.shape[axis], shape[axis - 1]
        if new == old:
            continue
        at = np.clip((np.arange(new) + 0.5) * (old / new) - 0.5, 0, old - 1)
        low = np.floor(at).astype(np.intp)
        part = (at - low).astype(np.float32)
        below = np.take(out, low, axis)
        out = np.take(out, np.minimum(low + 1, old - 1), axis)
        out -= below
        out *= part[:, None] if axis == 1 else part
        out += below
    return out


def blocks_stretched(means: np.ndarray, step: int, shape: tuple[int, int]) -> np.ndarray:
    """The inverse way of `block_means`: (row, column) float32 of `shape`."""
    if step == 1:
        return means
    padded = (means.shape[0] * step, means.shape[1] * step)
    return stretched(means[None], padded)[0, : shape[0], : shape[1]]


def blurred(
    plane: np.ndarray, width: float, *, mode: str = "nearest", truncate: float = 3.0
) -> np.ndarray:
    """Gaussian blur, float32; on a coarser grid where it is wide.

    Blocks and interpolation blur by themselves, by a quarter of the squared step; the Gaussian
    in between is narrower by that much.

    Parameters
    ----------
    plane
        (row, column).
    width
        Standard deviation in pixels.
    mode
        What lies outside: as in `scipy.ndimage.gaussian_filter`, ``"nearest"`` or ``"constant"``
        (zeros).
    truncate
        Standard deviations after which the Gaussian ends.
    """
    step = max(1, int(width // COARSE))
    if step == 1:
        return ndimage.gaussian_filter(
            np.asarray(plane, np.float32), width, truncate=truncate, mode=mode
        )
    (rows, columns), margin = plane.shape, 0
    if mode == "constant":  # a frame of zeros, which the interpolation needs too
        margin = step
        plane = np.pad(plane, [(step, step + -n % step) for n in plane.shape])
    means = block_means(plane, step)
    sigma = np.sqrt((width / step) ** 2 - 0.25)
    means = ndimage.gaussian_filter(means, sigma, truncate=truncate, mode=mode)
    out = blocks_stretched(means, step, plane.shape)
    return out[margin : margin + rows, margin : margin + columns]
