"""Inside or outside: the log likelihood ratio of pixel values, from histograms of both.

The intensity model of GrabCut (Rother, Kolmogorov and Blake, 2004) with histograms in place of
Gaussian mixtures, for many small tables at once.
"""

from __future__ import annotations

import numpy as np
from scipy import ndimage


def log_ratio(
    values: np.ndarray,
    inside: np.ndarray,
    outside: np.ndarray,
    *,
    bins: int = 24,
    smooth: float = 1.0,
    floor: float = 0.004,
    limit: float = 3.0,
) -> np.ndarray:
    """Log of how much more often a value occurs inside than outside.

    Parameters
    ----------
    values
        (N, ...) float: N tables, each with histograms of its own between its extremes.
    inside, outside
        Weights of the same shape, 0 or more: how much a value counts for either side.
    bins
        Bins of a histogram.
    smooth
        Standard deviation in bins of the Gaussian over the histograms.
    floor
        Share added to every bin, so that unseen values decide nothing.
    limit
        Largest absolute ratio.

    Returns
    -------
    ndarray
        float32, shape of `values`; positive where inside is more likely, 0 for tables of one
        value.

    Examples
    --------
    >>> v = np.array([[5.0, 5, 1, 1]])
    >>> (log_ratio(v, v == 5, v == 1) > 0).tolist()
    [[True, True, False, False]]
    """
    count = len(values)
    flat = values.reshape(count, -1)
    low, high = flat.min(axis=1, keepdims=True), flat.max(axis=1, keepdims=True)
    scaled = (flat - low) * ((bins - 1e-3) / np.maximum(high - low, 1e-12))
    index = (scaled.astype(np.int64) + bins * np.arange(count)[:, None]).ravel()
    parts = []
    for weight in (inside, outside):
        weights = np.broadcast_to(weight, values.shape).ravel()
        mass = np.bincount(index, weights, bins * count).astype(np.float64).reshape(count, bins)
        mass = mass / np.maximum(mass.sum(axis=1, keepdims=True), 1e-12)
        parts.append(ndimage.gaussian_filter1d(mass, smooth, axis=1, mode="nearest") + floor)
    ratio = np.clip(np.log(parts[0] / parts[1]), -limit, limit).astype(np.float32)
    return ratio.ravel()[index].reshape(values.shape)
