"""Coarse cells by thresholds and contours: a mask each, pieces of which are cells.

Every function takes a relief in which cells are bright and the foreground that was found
in it, and returns a label map.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import ndimage

from cellwright.classical.background import local_background
from cellwright.classical.otsu import otsu_threshold
from cellwright.classical.refine import fill_holes, one_piece, open_mask, region_quantile
from cellwright.classical.watershed import split_touching

SMALLEST = 15.0


def pieces(mask: np.ndarray, *, smallest: float = SMALLEST) -> np.ndarray:
    """Connected pieces of a mask, holes filled, as an int32 label map 1..N."""
    mask = open_mask(ndimage.binary_fill_holes(mask))
    return one_piece(ndimage.label(mask)[0], smallest=smallest)


def split_pieces(mask: np.ndarray, image: np.ndarray, **split: Any) -> np.ndarray:
    """Pieces of a mask, touching cells parted by `split_touching`, as a label map 1..N."""
    mask = open_mask(ndimage.binary_fill_holes(mask))
    if not mask.any():
        return np.zeros(mask.shape, np.int32)
    labels, radius = split_touching(mask, image, **split)
    return one_piece(fill_holes(labels), smallest=max(SMALLEST, 0.3 * radius**2))


def lifted(relief: np.ndarray, mask: np.ndarray, *, reach: float = 20.0) -> np.ndarray:
    """Relief above the background around the cells, never negative, float32."""
    if not mask.any():
        return np.zeros(mask.shape, np.float32)
    return np.maximum(relief - local_background(relief, mask, sigma=reach), 0).astype(np.float32)


def otsu_pieces(relief: np.ndarray, mask: np.ndarray, *, level: float = 1.0) -> np.ndarray:
    """One threshold for the whole image (Otsu 1979), connected pieces; nothing else.

    Parameters
    ----------
    relief
        (row, column) float.
    mask
        Not used: this is the plain baseline.
    level
        Factor on the height of the threshold above the darkest pixel.
    """
    del mask
    low = float(relief.min())
    return pieces(relief > low + level * (otsu_threshold(relief) - low))


def local_pieces(
    relief: np.ndarray, mask: np.ndarray, *, window: float = 25.0, offset: float = 0.15
) -> np.ndarray:
    """Pixels brighter than their surroundings (Gaussian mean), connected pieces.

    Parameters
    ----------
    relief, mask
        (row, column) float and bool; only pixels near the foreground can be cells, since a
        local threshold alone finds cells in any noise.
    window
        Standard deviation in pixels of the mean; cells should be smaller than twice that.
    offset
        What a pixel must have above the mean, as a share of the mean height of foreground.
    """
    if not mask.any():
        return np.zeros(mask.shape, np.int32)
    image = lifted(relief, mask)
    mean = ndimage.gaussian_filter(image, window)
    height = ndimage.gaussian_filter(np.where(mask, image, 0), window)
    height /= np.maximum(ndimage.gaussian_filter(mask.astype(np.float32), window), 1e-6)
    near = ndimage.binary_dilation(mask, iterations=2)
    return pieces(near & (image > mean + offset * height))


def contour_cells(
    relief: np.ndarray,
    mask: np.ndarray,
    *,
    steps: int = 20,
    smoothing: int = 1,
    **split: Any,
) -> np.ndarray:
    """Active contours: morphological Chan-Vese from the foreground, touching cells parted.

    The image is divided by the level of the nearest cell, so that one pair of levels suits dim
    and bright cells. Source: Marquez-Neila et al., IEEE TPAMI 36(1), 2014.

    Parameters
    ----------
    relief, mask
        (row, column) float and bool.
    steps, smoothing
        Rounds of the contour, and of its smoothing in each.
    **split
        Of `split_touching`.
    """
    from skimage.segmentation import morphological_chan_vese

    if not mask.any() or min(mask.shape) < 3:
        return pieces(mask)
    image = lifted(relief, mask)
    first = split_pieces(mask, image, **split)
    if not first.any():
        return first
    rows, cols = ndimage.distance_transform_edt(
        first == 0, return_distances=False, return_indices=True
    )
    level = np.maximum(region_quantile(image, first, 0.75), 1e-6)
    even = np.minimum(image / level[first[rows, cols]], 1.0)
    found = morphological_chan_vese(even, steps, init_level_set=mask, smoothing=smoothing) > 0
    near = ndimage.binary_dilation(mask, iterations=3)
    return split_pieces(found & near, image, **split)
