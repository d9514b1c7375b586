"""Shape filters and a confidence for labels that no one has drawn.

Source: P5, sections 3.2 and 3.3 (area, length, width and roundness tell single cells
from clumps and debris). The paper gives no limits; here they are relative to the
image's own size distribution, and what passes gets a confidence instead of a yes.
"""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from cellwright.classical.refine import region_quantile
from cellwright.label.shape import Shapes, robust_score, shapes


def shape_filter(
    found: Shapes,
    *,
    smallest: float = 4.0,
    largest: float = 5.0,
    longest: float = 6.0,
    thinnest: float = 5.0,
    roundness: float = 0.05,
) -> np.ndarray:
    """Objects that can be single cells, given the other objects of the image.

    Parameters
    ----------
    found
        Shapes of all objects.
    smallest, largest
        How far, in robust standard deviations, log area may lie below and above the
        median (by pixels, see `robust_score`) of the cells that do not touch the border.
    longest, thinnest
        The same for log length above and log width below the median.
    roundness
        Least roundness (1 is a disc).

    Returns
    -------
    ndarray
        (N,) bool. Objects at the border may be small, short and thin: they are cut.
    """
    whole = ~found.border
    weight = np.maximum(found.area, 1)
    area = robust_score(np.log(weight), weight, least=0.3, among=whole)
    length = robust_score(np.log(found.length), weight, least=0.2, among=whole)
    width = robust_score(np.log(found.width), weight, least=0.2, among=whole)
    not_small = ((area >= -smallest) & (width >= -thinnest)) | found.border
    not_large = (area <= largest) & (length <= longest)
    return not_small & not_large & ((found.roundness >= roundness) | found.border)


def confidence(labels: np.ndarray, image: np.ndarray, found: Shapes | None = None) -> np.ndarray:
    """How much each object looks like one whole cell, in [0, 1].

    The product of three parts: the object stands out from its rim against the noise
    of the image, it fills an ellipse, and its area is usual for the image.

    Parameters
    ----------
    labels
        (row, column) int, values 1..N without gaps.
    image
        (row, column) float in which cells are bright.
    found
        Shapes of the objects, if they are known already.

    Returns
    -------
    ndarray
        (N,) float32.
    """
    found = shapes(labels) if found is None else found
    count = len(found.area)
    if not count:
        return np.zeros(0, np.float32)
    contrast = rim_contrast(labels, image)
    clear = 1 - np.exp(-np.maximum(contrast, 0) / 3)
    full = np.clip((found.fill - 0.7) / 0.25, 0.05, 1)
    weight = np.maximum(found.area, 1)
    area = robust_score(np.log(weight), weight, least=0.35, among=~found.border)
    area = np.where(found.border, np.maximum(area, 0), area)
    return (clear * full * np.exp(-0.5 * (area / 2.5) ** 2)).astype(np.float32)


def rim_contrast(labels: np.ndarray, image: np.ndarray, *, width: int = 3) -> np.ndarray:
    """Median of each object minus the lower quartile of the rim around it, in units of noise.

    The noise is 1.4826 times the median absolute deviation of the differences of
    neighbouring pixels over the square root of two.
    """
    count = int(labels.max(initial=0))
    grown = ndimage.maximum_filter(labels, 2 * width + 1)
    rim = np.where(labels == 0, grown, 0)
    inside = region_quantile(image, labels, 0.5)
    around = region_quantile(image, rim, 0.25)
    around = np.pad(around, (0, count + 1 - len(around)))
    floor = float(image.min())
    around[np.bincount(rim.ravel(), minlength=count + 1)[: count + 1] == 0] = floor
    step = np.diff(image, axis=1)
    noise = 1.4826 * float(np.median(np.abs(step - np.median(step)))) / np.sqrt(2)
    span = float(image.max()) - floor
    return ((inside - around) / max(noise, 1e-3 * span, 1e-9))[1:]
