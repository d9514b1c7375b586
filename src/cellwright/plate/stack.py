"""z-stacks: their projections and their planes, read in row bands."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
from scipy import ndimage

from cellwright.plate.focus import bands
from cellwright.types import Image, InputError

PROJECTIONS = ("median", "max", "mean", "focus")
SHARPNESS_SIGMA = 4.0
"""Pixels over which `focus_stack` looks at sharpness; noise decides below about 2."""
_REACH = int(3.0 * SHARPNESS_SIGMA + 0.5)


def median(stack: np.ndarray) -> np.ndarray:
    """Median over the first axis; of an even number of planes the mean of the middle two.

    P1, section 6.2, takes it to draw one set of cells for a field.
    """
    return np.median(stack, axis=0)


def mean(stack: np.ndarray) -> np.ndarray:
    """Mean over the first axis, float64."""
    return np.asarray(stack.mean(axis=0, dtype=np.float64))


def maximum(stack: np.ndarray) -> np.ndarray:
    """Largest value over the first axis."""
    return np.asarray(stack.max(axis=0))


def sharpest(stack: np.ndarray, *, sigma: float = SHARPNESS_SIGMA) -> np.ndarray:
    """Index of the plane that is sharpest around each pixel, (row, column) int64.

    Sharpness is the local energy of the Laplacian (Subbarao, Choi and Nikzad, Optical
    Engineering 32, 1993): its square, smoothed with a Gaussian of `sigma` pixels; shape from
    focus picks the plane with the most (Nayar and Nakagawa, IEEE TPAMI 16, 1994). Of equal
    planes the first is taken.

    Parameters
    ----------
    stack
        (plane, row, column).
    sigma
        Pixels; the window reaches 3 sigma.
    """
    best = np.full(stack.shape[1:], -1.0)
    index = np.zeros(stack.shape[1:], np.int64)
    for number, plane in enumerate(stack):
        energy = np.square(ndimage.laplace(plane.astype(np.float64), mode="mirror"))
        energy = ndimage.gaussian_filter(energy, sigma, mode="mirror", truncate=3.0)
        better = energy > best
        best[better] = energy[better]
        index[better] = number
    return index


def focus_stack(stack: np.ndarray) -> np.ndarray:
    """Each pixel from the plane that is `sharpest` around it; values are those of the planes."""
    return np.take_along_axis(stack, sharpest(stack)[None], axis=0)[0]


_METHODS: dict[str, tuple[Callable[[np.ndarray], np.ndarray], int]] = {
    "median": (median, 0),
    "max": (maximum, 0),
    "mean": (mean, 0),
    "focus": (focus_stack, _REACH + 1),
}


def project(stack: Any, method: str, *, rows: int | None = None) -> np.ndarray:
    """Projection of a z-stack in its own data type.

    Parameters
    ----------
    stack
        (plane, row, column), an array or lazy; read in row bands, so that memory is bounded by
        one band of all planes and the result. Bands change no pixel.
    method
        One of `PROJECTIONS`: "median", "max", "mean" per pixel, "focus" for `focus_stack`.
    rows
        Rows of a band; by default as many as 64 MiB hold as float64.

    Returns
    -------
    ndarray
        (row, column); medians and means of integers are rounded to even.

    Raises
    ------
    InputError
        For another method, or an array that is no stack of planes.
    """
    if method not in _METHODS:
        raise InputError(f"projection {method!r} is not known; one of {PROJECTIONS} is wanted")
    if len(stack.shape) != 3:
        raise InputError(f"an array of shape {tuple(stack.shape)} came; (z, row, column) is wanted")
    function, halo = _METHODS[method]
    out = np.empty(stack.shape[1:], stack.dtype)
    row = 0
    for read, keep in bands(tuple(stack.shape), halo=halo, rows=rows):
        found = function(np.asarray(stack[:, read, :]))[keep]
        if np.issubdtype(out.dtype, np.integer) and not np.issubdtype(found.dtype, np.integer):
            found = np.rint(found)
        out[row : row + len(found)] = found
        row += len(found)
    return out


def plane(image: Image, z: int) -> Image:
    """Plane `z` (from 0) of an image with a z axis, with all its channels and times."""
    if "Z" not in image.axes:
        raise InputError(f"an image with axes {image.axes} came; one with Z is wanted")
    at = image.axes.index("Z")
    key = (*(slice(None) for _ in range(at)), z)
    return replace(image, data=image.data[key], axes=image.axes.replace("Z", ""))


def project_image(image: Image, method: str, *, rows: int | None = None) -> Image:
    """An image without its z axis: `project` for each of its channels and times."""
    if "Z" not in image.axes:
        return image
    at = image.axes.index("Z")
    others = tuple(int(n) for i, n in enumerate(image.data.shape[:-2]) if i != at)
    out = np.empty((*others, *image.shape), image.data.dtype)
    for place in np.ndindex(others):
        key = (*place[:at], slice(None), *place[at:])
        part = _Part(image.data, key)
        out[place] = project(part, method, rows=rows)
    return replace(image, data=out, axes=image.axes.replace("Z", ""))


class _Part:
    """The z-stack of one channel and time, read when rows of it are asked for."""

    def __init__(self, source: Any, key: tuple[Any, ...]) -> None:
        self._source, self._key = source, key
        at = next(i for i, k in enumerate(key) if isinstance(k, slice))
        self.shape = (source.shape[at], *source.shape[-2:])
        self.dtype = source.dtype

    def __getitem__(self, key: tuple[slice, slice, slice]) -> np.ndarray:
        at = next(i for i, k in enumerate(self._key) if isinstance(k, slice))
        full = (*self._key[:at], key[0], *self._key[at + 1 :], *key[1:])
        return np.asarray(self._source[full])
