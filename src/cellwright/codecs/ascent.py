"""Every pixel follows the steepest way up to a peak: a watershed without a queue.

On smooth landscapes the basins are those of a flooding (Meyer 1994), up to pixels on the ridge
between two of them. All pixels take their steps together and double them at each round, so that
a frame of many megapixels takes a second or two. Steps go across edges of pixels, as passes are
found there too: no valley one pixel wide is jumped across a corner.
"""

from __future__ import annotations

import numpy as np
from scipy import ndimage


def basins(heights: np.ndarray, inside: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The peak that each pixel leads up to.

    Parameters
    ----------
    heights
        (row, column) float, at least 0.
    inside
        (row, column) bool; pixels outside belong to no basin and are never passed.

    Returns
    -------
    labels, summits
        (row, column) int32 with values 1..N inside, 0 outside; pixels without a higher
        neighbour that touch are one peak. The heights of the N peaks.

    Examples
    --------
    >>> line = np.array([[0.9, 0.6, 0.8, 0.0, 0.5]], np.float32)
    >>> basins(line, line > 0)[0].tolist()
    [[1, 1, 2, 0, 3]]
    """
    shape = heights.shape
    padded = np.full((shape[0] + 2, shape[1] + 2), -1, dtype=heights.dtype)
    np.copyto(padded[1:-1, 1:-1], heights, where=inside)
    flat = padded.ravel()
    here = np.flatnonzero(flat > -1)
    best, way = flat[here], here.copy()
    columns = padded.shape[1]
    for step in (-columns, -1, 1, columns):
        seen = flat[here + step]
        higher = seen > best
        best[higher] = seen[higher]
        way[higher] = here[higher] + step
    top = here[way == here]
    peaks = _peaks(top, padded.shape)
    summits = np.zeros(int(peaks[top].max(initial=0)), dtype=heights.dtype)
    np.maximum.at(summits, peaks[top] - 1, flat[top])
    lead = np.zeros(flat.size, dtype=np.int64)
    lead[here] = way
    while True:
        further = lead[way]
        if np.array_equal(further, way):
            break
        lead[here] = way = further
    labels = np.zeros(padded.shape, dtype=np.int32)
    labels.ravel()[here] = peaks[way]
    return labels[1:-1, 1:-1], summits


def _peaks(top: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """Numbers of the peaks in a flat frame: pixels of `top` that share an edge are one."""
    marked = np.zeros(shape, dtype=bool)
    marked.ravel()[top] = True
    return ndimage.label(marked)[0].ravel()
