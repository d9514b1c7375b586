"""How sharp a plane is."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from scipy import ndimage

from cellwright.types import InputError

FOCUS_MEASURES = ("laplacian", "tenengrad")
BAND_BYTES = 2**26
"""Memory that the pixels of one band may take as float64, over all its planes."""


def bands(
    shape: tuple[int, ...], *, halo: int = 0, rows: int | None = None
) -> Iterator[tuple[slice, slice]]:
    """Row bands of an array (..., row, column): the rows to read and those of them to keep.

    Parameters
    ----------
    shape
        Shape of the array.
    halo
        Rows to read above and below, as far as there are any.
    rows
        Rows of a band; as many as `BAND_BYTES` allow by default.
    """
    height = int(shape[-2])
    if rows is None:
        row_bytes = 8 * int(np.prod([*shape[:-2], shape[-1]], dtype=np.int64))
        rows = max(1, BAND_BYTES // max(row_bytes, 1) - 2 * halo)
    for start in range(0, height, rows):
        stop = min(start + rows, height)
        low, high = max(0, start - halo), min(height, stop + halo)
        yield slice(low, high), slice(start - low, stop - low)


def focus(plane: Any, *, measure: str = "laplacian", rows: int | None = None) -> float:
    """Focus measure of a plane: larger is sharper. It compares planes of one stack, no more.

    "laplacian" is the variance of the Laplacian (Pech-Pacheco et al., ICPR 2000), "tenengrad"
    the mean squared Sobel gradient (Krotkov, IJCV 1, 1987); both are LAPV and TENG in the
    survey of Pertuz, Puig and Garcia (Pattern Recognition 46, 2013). Both are divided by the
    squared mean intensity, so that a longer exposure changes nothing; the focus of a black
    plane is 0.

    Parameters
    ----------
    plane
        (row, column), an array or lazy; read in row bands.
    measure
        One of `FOCUS_MEASURES`.
    rows
        Rows of a band; by default as many as 64 MiB hold.

    Raises
    ------
    InputError
        For another measure, or an array that is no plane.
    """
    if measure not in FOCUS_MEASURES:
        raise InputError(f"focus measure {measure!r} is not known; one of {FOCUS_MEASURES}")
    if len(plane.shape) != 2:
        raise InputError(f"an array of shape {tuple(plane.shape)} came; a plane is wanted")
    count = int(np.prod(plane.shape, dtype=np.int64))
    total = edges = squares = 0.0
    for read, keep in bands(tuple(plane.shape), halo=1, rows=rows):
        pixels = np.asarray(plane[read, :]).astype(np.float64)
        if measure == "laplacian":
            change = ndimage.laplace(pixels, mode="mirror")[keep]
            edges += float(change.sum())
            squares += float(np.square(change).sum())
        else:
            for axis in (0, 1):
                gradient = ndimage.sobel(pixels, axis=axis, mode="mirror")[keep]
                squares += float(np.square(gradient).sum())
        total += float(pixels[keep].sum())
    mean = total / count
    if mean == 0:
        return 0.0
    value = squares / count - (edges / count) ** 2
    return max(value, 0.0) / mean**2
