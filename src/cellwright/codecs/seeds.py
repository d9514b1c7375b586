"""Where cells begin: maxima of the distance inside a region."""

from __future__ import annotations

import numpy as np
from scipy import ndimage

EVERY_NEIGHBOUR = np.ones((3, 3), dtype=int)


def distance_seeds(inside: np.ndarray, *, smoothing: float) -> tuple[np.ndarray, np.ndarray]:
    """Seeds of cells at the maxima of the smoothed distance to the outside.

    Parameters
    ----------
    inside
        (row, column) bool.
    smoothing
        Sigma in pixels of the smoothing; maxima are those within twice as many pixels.

    Returns
    -------
    seeds, depth
        Numbered from 1, (row, column) int32; the smoothed distance, float32, 0 outside.
    """
    depth = ndimage.distance_transform_edt(inside).astype(np.float32)
    depth = ndimage.gaussian_filter(depth, smoothing) * inside
    peaks = ndimage.maximum_filter(depth, size=2 * round(2 * smoothing) + 1) == depth
    return ndimage.label(peaks & inside, structure=EVERY_NEIGHBOUR)[0], depth


def with_seeds_everywhere(seeds: np.ndarray, inside: np.ndarray, *, smoothing: float) -> np.ndarray:
    """`seeds`, and those of `distance_seeds` in connected regions that have none.

    Parameters
    ----------
    seeds
        (row, column) int, numbered from 1; outside of `inside` they do not count.
    inside
        (row, column) bool.
    smoothing
        As of `distance_seeds`.
    """
    regions, count = ndimage.label(inside)
    seeded = np.zeros(count + 1, dtype=bool)
    seeded[regions[seeds > 0]] = True
    seeded[0] = True
    bare = ~seeded[regions]
    if not bare.any():
        return np.where(inside, seeds, 0)
    more, _ = distance_seeds(bare, smoothing=smoothing)
    return np.where(inside, np.where(more > 0, more + seeds.max(initial=0), seeds), 0)
