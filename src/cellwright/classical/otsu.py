"""Otsu's threshold and the foreground masks built on it.

Source: N. Otsu, "A threshold selection method from gray-level histograms", IEEE
Trans. SMC 9(1), 1979. The background removal step of the zero-shot pipeline (P5,
section 3.1) is this threshold; the square root before it is ours, see
`bright_foreground`.
"""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from cellwright.classical.background import block_background


def otsu_threshold(values: np.ndarray, *, bins: int = 256) -> float:
    """Threshold between two classes that maximises the variance between them.

    Parameters
    ----------
    values
        Array of any shape with finite numbers.
    bins
        Bins of the histogram between the smallest and the largest value.

    Returns
    -------
    float
        Values above it are the upper class. A constant array returns its value.

    Examples
    --------
    >>> import numpy as np
    >>> 1 < otsu_threshold(np.array([0.0, 1, 1, 0, 9, 10, 9])) < 9
    True
    """
    low, high = float(values.min()), float(values.max())
    if low == high:
        return low
    counts, edges = np.histogram(values, bins=bins, range=(low, high))
    centres = (edges[:-1] + edges[1:]) / 2
    below = np.cumsum(counts)[:-1].astype(np.float64)
    above = counts.sum() - below
    mass = np.cumsum(counts * centres)
    gap = mass[:-1] / below - (mass[-1] - mass[:-1]) / np.maximum(above, 1)
    between = below * above * gap**2
    best = np.flatnonzero(between >= between.max() * (1 - 1e-12))
    return float((edges[best[0] + 1] + edges[best[-1] + 1]) / 2)


def bright_foreground(
    image: np.ndarray, *, level: float = 1.0, block: int = 64, again: float = 5.0, margin: int = 5
) -> np.ndarray:
    """Objects brighter than an uneven background, dim ones included.

    The background is subtracted, and Otsu's threshold is taken on the square root:
    photon noise becomes even, and bright cells lift the threshold less. Where a few very
    bright cells still hide the dim ones, the pixels away from the objects found so far
    are thresholded again, as long as they clearly are of two kinds.

    Parameters
    ----------
    image
        (row, column) float array, lightly smoothed.
    level
        Factor on the threshold (of the square root); below 1 takes in more.
    block
        Side in pixels of the blocks whose dark quantile is the background.
    again
        How many standard deviations the two kinds must lie apart, see `separation`.
    margin
        Pixels around objects that are left out then, for their glow.

    Returns
    -------
    ndarray
        (row, column) bool; all False on a constant image.
    """
    lifted = np.sqrt(np.maximum(image - block_background(image, block=block), 0))
    mask = lifted > max(level * otsu_threshold(lifted), 1e-6)
    for _ in range(3):
        rest = ~ndimage.binary_dilation(mask, iterations=margin)
        values = lifted[rest]
        if not mask.any() or values.size < mask.size / 10:
            break
        threshold = otsu_threshold(values)
        if separation(values, threshold) < again:
            break
        mask |= rest & (lifted > level * threshold)
    return mask


def separation(values: np.ndarray, threshold: float) -> float:
    """Gap between the means of the two classes over their pooled standard deviation.

    Noise of one kind, cut at Otsu's threshold, has about 2.7.
    """
    upper = values > threshold
    share = float(upper.mean())
    if share in (0.0, 1.0):
        return 0.0
    high, low = values[upper], values[~upper]
    pooled = share * float(high.var()) + (1 - share) * float(low.var())
    return (float(high.mean()) - float(low.mean())) / max(pooled**0.5, 1e-9)


def texture_foreground(
    image: np.ndarray, *, scale: float = 3.0, level: float = 1.0, closing: int = 3
) -> np.ndarray:
    """Objects that stand out by their structure: phase contrast, bright field, DIC.

    The local standard deviation in a Gaussian window, on a log scale, is
    thresholded by Otsu; gaps up to twice `closing` are closed, holes are filled.

    Parameters
    ----------
    image
        (row, column) float array.
    scale
        Standard deviation of the window in pixels.
    level
        Factor on the threshold; below 1 takes in more.
    closing
        Radius in pixels of the closing.

    Returns
    -------
    ndarray
        (row, column) bool.
    """
    spread = local_spread(image, scale=scale)
    floor = float(np.quantile(spread, 0.05)) + 1e-6
    structure = np.log1p(spread / floor)
    mask = structure > max(level * otsu_threshold(structure), 1e-6)
    if closing:
        disk = np.hypot(*np.mgrid[-closing : closing + 1, -closing : closing + 1]) <= closing
        mask = np.pad(mask, closing, mode="edge")
        mask = ndimage.binary_closing(mask, disk)[closing:-closing, closing:-closing]
    return ndimage.binary_fill_holes(mask)


def local_spread(image: np.ndarray, *, scale: float) -> np.ndarray:
    """Standard deviation in a Gaussian window of `scale` pixels, float32."""
    image = np.asarray(image, np.float32) - np.float32(image.mean())
    mean = ndimage.gaussian_filter(image, scale)
    square = ndimage.gaussian_filter(image * image, scale)
    return np.sqrt(np.maximum(square - mean * mean, 0))
