"""Distance watershed: a foreground mask into single objects, at the objects' own scale."""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from cellwright.classical.merging import merge_regions


def inner_distance(mask: np.ndarray) -> np.ndarray:
    """Distance of each pixel of `mask` to the nearest pixel outside it, float32.

    The image border does not count as outside, so that cut cells keep their centre
    near it. A mask that fills the image has half the shorter side everywhere.
    """
    if mask.all():
        return np.full(mask.shape, min(mask.shape) / 2, np.float32)
    return ndimage.distance_transform_edt(mask).astype(np.float32)


def typical_radius(distance: np.ndarray, *, smallest: float = 1.5) -> float:
    """Usual inner radius in pixels: weighted median of the local maxima of a distance map.

    Each maximum above `smallest` counts by its square, so that small debris does not weigh.
    """
    top = (ndimage.maximum_filter(distance, 7) == distance) & (distance > smallest)
    if not top.any():
        return 2 * smallest
    peaks = np.sort(distance[top]).astype(np.float64)
    mass = np.cumsum(peaks**2)
    return float(peaks[np.searchsorted(mass, mass[-1] / 2)])


def seeds(relief: np.ndarray, mask: np.ndarray, *, reach: int) -> np.ndarray:
    """Labelled local maxima of `relief` inside `mask`, none within `reach` of a higher one."""
    top = (ndimage.maximum_filter(relief, 2 * max(reach, 1) + 1) == relief) & mask
    return ndimage.label(top, np.ones((3, 3)))[0]


def split_touching(
    mask: np.ndarray,
    image: np.ndarray | None = None,
    *,
    smoothing: float = 0.15,
    spacing: float = 0.5,
    weight: float = 0.5,
    limit: float = 0.85,
    intensity: float = 1.0,
    shape: float = 1.0,
    size: float = 0.1,
) -> tuple[np.ndarray, float]:
    """Split a mask into objects: over-segment by watershed, then merge.

    The relief is the smoothed distance to the outside, lowered where the image is
    darker than its brightest neighbourhood. All lengths are in units of the typical
    inner radius that the mask itself shows.

    Parameters
    ----------
    mask
        (row, column) bool.
    image
        (row, column) float, background removed, bright cells; None splits by shape alone.
    smoothing
        Standard deviation of the Gaussian on the distance, in radii.
    spacing
        Distance between seeds, in radii.
    weight
        Share of the intensity in the relief, in [0, 1].
    limit, intensity, shape, size
        See `merge_regions`; the usual area is 1.5 discs of the typical inner radius.

    Returns
    -------
    labels : ndarray
        int32, 0 outside `mask`.
    radius : float
        The typical inner radius in pixels.
    """
    from skimage.segmentation import watershed

    distance = inner_distance(mask)
    radius = typical_radius(distance)
    relief = ndimage.gaussian_filter(distance, max(0.5, smoothing * radius))
    shade = np.ones_like(relief)
    if image is not None:
        image = np.asarray(image, np.float32)
        shade = ndimage.gaussian_filter(image, 1.0)
        soft = ndimage.gaussian_filter(image, max(0.5, 0.15 * radius))
        around = ndimage.maximum_filter(soft, 2 * int(radius) + 1)
        relief = relief * (1 - weight + weight * soft / np.maximum(around, 1e-6))
    start = seeds(relief, mask, reach=int(spacing * radius))
    labels = watershed(-relief, start, mask=mask)
    labels = merge_regions(
        labels,
        relief,
        shade,
        limit=limit,
        intensity=intensity,
        shape=shape,
        size=size,
        usual=1.5 * np.pi * radius**2,
    )
    return labels, radius
