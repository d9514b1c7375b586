"""Bring rough regions to clean objects: a threshold of their own, one piece each, no holes."""

from __future__ import annotations

import numpy as np
from scipy import ndimage

STEPS = 256


def region_quantile(image: np.ndarray, labels: np.ndarray, quantile: float) -> np.ndarray:
    """Quantile of the image in each region, from a histogram of 256 steps.

    Parameters
    ----------
    image
        (row, column) float.
    labels
        (row, column) int, 0 is background.
    quantile
        In [0, 1].

    Returns
    -------
    ndarray
        (N + 1,) float32, index is the label; 0 for labels without pixels.
    """
    count = int(labels.max(initial=0))
    at = np.flatnonzero(labels)
    if not at.size:
        return np.zeros(count + 1, np.float32)
    value, owner = image.ravel()[at], labels.ravel()[at].astype(np.int64)
    low, high = float(value.min()), float(value.max())
    if low == high:
        return np.where(np.bincount(owner, minlength=count + 1) > 0, low, 0).astype(np.float32)
    step = np.sqrt((value - low) / (high - low)) * (STEPS - 1)
    table = np.bincount(owner * STEPS + step.astype(np.int64), minlength=(count + 1) * STEPS)
    table = np.cumsum(table.reshape(count + 1, STEPS), axis=1)
    total = table[:, -1:]
    found = (table >= np.maximum(quantile * total, 1)).argmax(axis=1)
    result = low + ((found + 0.5) / STEPS) ** 2 * (high - low)
    return np.where(total[:, 0] > 0, result, 0).astype(np.float32)


def own_threshold(
    image: np.ndarray,
    background: np.ndarray,
    labels: np.ndarray,
    *,
    height: float = 0.42,
    quantile: float = 0.75,
) -> np.ndarray:
    """Keep of each region what lies above a part of its own height over the background.

    A blurred edge crosses half of the object's height where the object ends; one
    threshold for the image cuts dim cells away and swells bright ones.

    Parameters
    ----------
    image, background
        (row, column) float.
    labels
        (row, column) int.
    height
        Where between background (0) and the object's level (1) the outline runs.
    quantile
        Quantile of the region's pixels taken as its level.

    Returns
    -------
    ndarray
        Labels with the pixels below the threshold set to 0.
    """
    count = int(labels.max(initial=0))
    if not count:
        return labels
    size = np.bincount(labels.ravel(), minlength=count + 1)
    base = np.bincount(labels.ravel(), background.ravel(), count + 1) / np.maximum(size, 1)
    level = region_quantile(image, labels, quantile)
    threshold = (base + height * (level - base)).astype(np.float32)
    return np.where((labels > 0) & (image > threshold[labels]), labels, 0)


def open_mask(mask: np.ndarray) -> np.ndarray:
    """Opening by a cross of three pixels that leaves objects at the image border whole."""
    return ndimage.binary_dilation(ndimage.binary_erosion(mask, border_value=1)) & mask


def fill_holes(labels: np.ndarray) -> np.ndarray:
    """Give holes that are closed off by objects to the nearest object."""
    holes = ndimage.binary_fill_holes(labels > 0) & (labels == 0)
    if not holes.any():
        return labels
    regions, _ = ndimage.label(holes)
    owner = np.zeros(int(regions.max()) + 1, labels.dtype)
    rim = ndimage.maximum_filter(labels, footprint=np.array([[0, 1, 0], [1, 1, 1], [0, 1, 0]]))
    at = np.flatnonzero(regions)
    np.maximum.at(owner, regions.ravel()[at], rim.ravel()[at])
    return np.where(holes, owner[regions], labels)


def one_piece(labels: np.ndarray, *, smallest: float = 0.0) -> np.ndarray:
    """The largest 4-connected piece of each label, numbered 1..N without gaps.

    Parameters
    ----------
    labels
        (row, column) int, 0 is background.
    smallest
        Objects with fewer pixels are dropped.

    Returns
    -------
    ndarray
        int32.
    """
    from skimage.measure import label

    pieces = label(labels, connectivity=1, background=0)
    count = int(pieces.max(initial=0))
    area = np.bincount(pieces.ravel(), minlength=count + 1)
    area[0] = 0
    owner = np.zeros(count + 1, np.int64)
    owner[pieces.ravel()] = labels.ravel()
    order = np.argsort(area, kind="stable")
    best = np.zeros(int(labels.max(initial=0)) + 1, np.int64)
    best[owner[order]] = order
    keep = (best[owner] == np.arange(count + 1)) & (area >= smallest)
    keep[0] = False
    return (np.cumsum(keep) * keep).astype(np.int32)[pieces]
