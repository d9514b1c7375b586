"""Region growing: seeds take their neighbours as long as these look like them (P5, section 3.2).

All regions grow by one pixel per round, and their levels are taken anew after each.
"""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from cellwright.classical.coarse import SMALLEST, lifted
from cellwright.classical.merging import merge_regions
from cellwright.classical.refine import fill_holes, one_piece
from cellwright.classical.watershed import inner_distance, seeds, typical_radius

STEPS = ((-1, 0), (1, 0), (0, -1), (0, 1))


def grown_cells(
    relief: np.ndarray,
    mask: np.ndarray,
    *,
    least: float = 0.45,
    spacing: float = 0.5,
    limit: float = 0.85,
    rounds: int = 200,
) -> np.ndarray:
    """Cells grown from the middle of the foreground's pieces, then merged where no line parts them.

    Parameters
    ----------
    relief, mask
        (row, column) float, cells bright, and bool foreground; seeds lie in it.
    least
        A pixel joins if it has this share of the region's mean above the background.
    spacing
        Distance of seeds in typical inner radii.
    limit
        See `merge_regions`.
    rounds
        Most pixels that a region grows by.

    Returns
    -------
    ndarray
        int32 (row, column), values 1..N.
    """
    if not mask.any():
        return np.zeros(mask.shape, np.int32)
    image = lifted(relief, mask)
    distance = inner_distance(mask)
    radius = typical_radius(distance)
    hill = ndimage.gaussian_filter(distance, max(0.5, 0.15 * radius))
    start = seeds(hill, mask, reach=int(spacing * radius))
    near = ndimage.binary_dilation(mask, iterations=2)
    labels = grow(image, start, near, least=least, rounds=rounds)
    labels = merge_regions(
        labels, hill, ndimage.gaussian_filter(image, 1), limit=limit, usual=1.5 * np.pi * radius**2
    )
    return one_piece(fill_holes(labels), smallest=max(SMALLEST, 0.3 * radius**2))


def grow(
    image: np.ndarray, start: np.ndarray, within: np.ndarray, *, least: float, rounds: int
) -> np.ndarray:
    """Regions grown from the labels of `start`; of two that reach a pixel the more alike takes it.

    Parameters
    ----------
    image
        (row, column) float, background near 0.
    start
        (row, column) int, 0 where nothing is yet.
    within
        (row, column) bool, pixels that may be taken.
    least, rounds
        See `grown_cells`.
    """
    rows, cols = image.shape
    width = cols + 2
    flat = np.pad(image, 1).ravel().astype(np.float64)
    labels = np.pad(start, 1).ravel().astype(np.int64)
    free = np.pad(within, 1).ravel() & (labels == 0)
    count = int(labels.max(initial=0)) + 1
    steps = np.array([r * width + c for r, c in STEPS])
    front = np.flatnonzero(labels)
    total, size = np.bincount(labels, flat, count), np.bincount(labels, minlength=count)
    for _ in range(rounds):
        at = np.unique(front[:, None] + steps)
        at = at[free[at]]
        mean = total / np.maximum(size, 1)
        owner = labels[at[:, None] + steps]
        fits = (owner > 0) & (flat[at, None] >= least * mean[owner])
        apart = np.where(fits, np.abs(flat[at, None] - mean[owner]), np.inf)
        best = apart.argmin(axis=1)
        taken = fits.any(axis=1)
        if not taken.any():
            break
        new, names = at[taken], owner[np.arange(len(at)), best][taken]
        labels[new], free[new] = names, False
        total += np.bincount(names, flat[new], count)
        size += np.bincount(names, minlength=count)
        front = new
    return labels.reshape(rows + 2, width)[1:-1, 1:-1]
