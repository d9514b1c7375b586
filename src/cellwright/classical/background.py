"""Uneven background: estimated on a coarse grid of blocks, or between the objects."""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from cellwright.geometry.blocks import block_means, blocks_stretched


def block_background(
    image: np.ndarray, *, block: int = 64, quantile: float = 0.1, smooth: float = 1.0
) -> np.ndarray:
    """Slowly varying background from a low quantile of square blocks.

    Each block gives one value; a 3 x 3 minimum over the grid keeps blocks that
    are full of cells from counting as background, a Gaussian over the grid
    smooths it, and linear interpolation brings it back to pixels.

    Parameters
    ----------
    image
        (row, column) float array, bright objects.
    block
        Side of a block in pixels.
    quantile
        Quantile of a block taken as its background, in [0, 1].
    smooth
        Standard deviation of the Gaussian, in blocks.

    Returns
    -------
    ndarray
        float32, shape of `image`, nowhere above the brightest block value.
    """
    rows, cols = image.shape
    counts = max(1, round(rows / block)), max(1, round(cols / block))
    row_parts = np.array_split(np.arange(rows), counts[0])
    col_parts = np.array_split(np.arange(cols), counts[1])
    grid = np.empty(counts, np.float32)
    for i, r in enumerate(row_parts):
        for j, c in enumerate(col_parts):
            part = image[r[0] : r[-1] + 1, c[0] : c[-1] + 1].ravel()
            at = int(quantile * (part.size - 1))
            grid[i, j] = np.partition(part, at)[at]
    grid = ndimage.minimum_filter(grid, 3, mode="nearest")
    grid = ndimage.gaussian_filter(grid, smooth, mode="nearest")
    return _stretch(grid, row_parts, col_parts)


def local_background(
    image: np.ndarray, foreground: np.ndarray, *, sigma: float = 20.0, margin: int = 2
) -> np.ndarray:
    """Background under the objects, carried in from the pixels around them.

    A Gaussian average over background pixels only (normalised convolution);
    where no background is near, the median of all background takes over.

    Parameters
    ----------
    image
        (row, column) float array.
    foreground
        (row, column) bool array of the objects.
    sigma
        Standard deviation of the Gaussian in pixels.
    margin
        Pixels around the objects that are not counted as background either.

    Returns
    -------
    ndarray
        float32, shape of `image`.
    """
    outside = ~ndimage.binary_dilation(foreground, iterations=margin) if margin else ~foreground
    if not outside.any():
        return np.full(image.shape, image.min(), np.float32)
    step = max(1, int(sigma // 5))
    weight = block_means(outside, step)
    value = block_means(np.where(outside, image, np.float32(0)), step)
    weight = ndimage.gaussian_filter(weight, sigma / step, mode="nearest")
    value = ndimage.gaussian_filter(value, sigma / step, mode="nearest")
    floor = float(np.median(image[outside]))
    coarse = (value + 1e-3 * floor) / (weight + 1e-3)
    return blocks_stretched(coarse.astype(np.float32), step, image.shape)


def _stretch(
    grid: np.ndarray, row_parts: list[np.ndarray], col_parts: list[np.ndarray]
) -> np.ndarray:
    """Linear interpolation of block values, given at block centres, to every pixel."""
    for axis, parts in enumerate((row_parts, col_parts)):
        centres = np.array([(p[0] + p[-1]) / 2 for p in parts])
        at = np.clip(np.arange(parts[-1][-1] + 1), centres[0], centres[-1])
        low = np.clip(np.searchsorted(centres, at, side="right") - 1, 0, len(centres) - 1)
        high = np.minimum(low + 1, len(centres) - 1)
        gap = np.maximum(centres[high] - centres[low], 1e-6)
        part = ((at - centres[low]) / gap).astype(np.float32)
        part = part[:, None] if axis == 0 else part[None, :]
        grid = np.take(grid, low, axis) * (1 - part) + np.take(grid, high, axis) * part
    return np.ascontiguousarray(grid, dtype=np.float32)
