"""How much each pixel looks like the middle of a small bright spot: scale-normalised LoG.

The response at scale s is ``-s**2 * laplace(gauss(I, s))`` (T. Lindeberg, "Feature detection with
automatic scale selection", IJCV 30(2), 1998): half the height of a Gaussian spot of that width
above its surroundings, whatever the slow background is. The largest response over the scales is
taken. Planes are read in strips of rows, so that memory does not grow with the frame.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from scipy import ndimage

#: scales in units of the wanted width of a spot; the last one only tells what is too large
FINE, COARSE = (1.0, 1.6), 3.0
_TRUNCATE = 4.0
_BLOCKS, _BLOCK = 4, 192


def response(plane: np.ndarray, width: float) -> np.ndarray:
    """Response of a plane to spots of standard deviation `width` pixels and somewhat more.

    Parameters
    ----------
    plane
        (row, column) array of any number type.
    width
        Standard deviation of a spot in pixels, at least 0.8.

    Returns
    -------
    ndarray
        float32, shape of `plane`; about half the height of a spot at its middle.
    """
    plane = np.asarray(plane, np.float32)
    best = _log(plane, FINE[0] * width)
    for factor in FINE[1:]:
        np.maximum(best, _log(plane, factor * width), out=best)
    return best


def coarse_response(plane: np.ndarray, width: float) -> np.ndarray:
    """Response at the coarse scale, on a grid of half the rows and columns (rounded up)."""
    plane = np.asarray(plane, np.float32)
    rows, cols = plane.shape
    padded = np.pad(plane, ((0, rows % 2), (0, cols % 2)), mode="edge")
    small = padded.reshape(padded.shape[0] // 2, 2, padded.shape[1] // 2, 2).mean(axis=(1, 3))
    return _log(small, COARSE * width / 2)


def _log(plane: np.ndarray, scale: float) -> np.ndarray:
    soft = ndimage.gaussian_filter(plane, scale, truncate=_TRUNCATE, mode="nearest")
    wide = np.pad(soft, 1, mode="edge")
    found = 4.0 * soft
    found -= wide[:-2, 1:-1]
    found -= wide[2:, 1:-1]
    found -= wide[1:-1, :-2]
    found -= wide[1:-1, 2:]
    found *= np.float32(scale**2)
    return found


def reach(width: float) -> int:
    """Rows beside a strip that its responses depend on; even, as the coarse grid wants it."""
    return 2 * (int(np.ceil(_TRUNCATE * COARSE * width)) // 2 + 2)


def strips(rows: int, height: int, width: float) -> Iterator[tuple[slice, slice]]:
    """Rows to read, and which of the rows read are the strip's own."""
    height += height % 2
    for start in range(0, rows, height):
        stop = min(start + height, rows)
        first, last = max(0, start - reach(width)), min(rows, stop + reach(width))
        yield slice(first, last), slice(start - first, stop - first)


def response_noise(plane: Any, width: float) -> float:
    """Standard deviation of the response where there is no spot: 1.4826 MAD of some blocks.

    Parameters
    ----------
    plane
        (row, column) array, which may be lazy: 16 blocks of it are read.
    width
        As for `response`.

    Returns
    -------
    float
        0 for a plane that is constant there.
    """
    values = []
    for row, column in _corners(plane.shape):
        part = np.asarray(plane[row : row + _BLOCK, column : column + _BLOCK])
        values.append(_log(np.asarray(part, np.float32), FINE[0] * width).ravel())
    found = np.concatenate(values)
    return 1.4826 * float(np.median(np.abs(found - np.median(found))))


def _corners(shape: Sequence[int]) -> list[tuple[int, int]]:
    ends = [np.unique(np.linspace(0, max(0, n - _BLOCK), _BLOCKS).astype(int)) for n in shape]
    return [(int(r), int(c)) for r in ends[0] for c in ends[1]]
