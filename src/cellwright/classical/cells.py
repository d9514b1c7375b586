"""The whole classical way from a plane to a label map, for bright and for textured cells."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import ndimage

from cellwright.classical.background import local_background
from cellwright.classical.otsu import bright_foreground, local_spread, texture_foreground
from cellwright.classical.refine import fill_holes, one_piece, open_mask, own_threshold
from cellwright.classical.watershed import inner_distance, split_touching, typical_radius


def bright_cells(
    image: np.ndarray,
    *,
    sigma: float = 0.7,
    level: float = 1.0,
    block: int = 32,
    widest: int | None = None,
    height: float = 0.44,
    reach: float = 20.0,
    first: float = 0.9,
    limit: float = 0.9,
    rounds: int = 2,
    smallest: float = 0.3,
    **split: Any,
) -> np.ndarray:
    """Label map of bright cells, such as stained nuclei.

    Background removal and Otsu give a generous foreground, which is split; each piece
    gets a threshold of its own, which frees dim cells beside bright ones; what is left
    is split again, `rounds` times.

    Parameters
    ----------
    image
        (row, column) array of any number type, bright cells.
    sigma
        Standard deviation in pixels of the Gaussian against noise where outlines are
        drawn; where cells are found it is 1 or more.
    level, block
        See `bright_foreground`.
    widest
        Width in pixels above which bright areas are background (opening by a square of
        that side), for fields with a bright frame around them; None keeps all.
    height
        See `own_threshold`.
    reach
        Distance in pixels over which the background around cells is averaged.
    first, limit
        Merging limit of the first split and of the later ones, see `merge_regions`; 0
        leaves touching cells together.
    rounds
        How often pieces get a threshold of their own and are split again.
    smallest
        Least area in squares of the typical inner radius; never below 15 pixels.
    **split
        Further arguments of `split_touching`.

    Returns
    -------
    ndarray
        int32, values 1..N without gaps, 0 is background.
    """
    image = np.asarray(image, np.float32)
    if widest:
        image = image - ndimage.grey_opening(image, (widest, widest))
    fine = ndimage.gaussian_filter(image, sigma)
    smooth = ndimage.gaussian_filter(image, max(sigma, 1.0))
    mask = bright_foreground(smooth, level=level, block=block)
    if not mask.any():
        return np.zeros(mask.shape, np.int32)
    background = local_background(smooth, mask, sigma=reach)
    lifted = np.maximum(smooth - background, 0)
    labels, radius = split_touching(mask, lifted, limit=first, **split)
    for _ in range(rounds):
        labels = own_threshold(fine, background, labels, height=height)
        mask = open_mask(ndimage.binary_fill_holes(labels > 0))
        labels, radius = split_touching(mask, lifted, limit=limit, **split)
    return one_piece(fill_holes(labels), smallest=max(15.0, smallest * radius**2))


def textured_cells(
    image: np.ndarray,
    *,
    scale: float = 3.0,
    level: float = 1.0,
    closing: int = 3,
    shrink: float = 7.0,
    sigma: float = 1.5,
    halo: float = 0.6,
    limit: float = 0.7,
    debris: float = 2.0,
    **split: Any,
) -> tuple[np.ndarray, np.ndarray]:
    """Label map of cells that stand out by structure, and the structure itself.

    The textured area is drawn in by the width of the window and of the halo, small pieces
    are left out, and the rest is split with lines preferred along bright halos.

    Parameters
    ----------
    image
        (row, column) array of any number type.
    scale, level, closing
        See `texture_foreground`.
    shrink
        Pixels by which the textured area reaches beyond the cells.
    sigma
        Standard deviation in pixels of the Gaussian before halos are looked for.
    halo
        Share of the halo in the relief of the watershed, in [0, 1]; 0 splits by shape alone.
    limit
        Merging limit, see `merge_regions`.
    debris
        Least area of a piece and of a cell, in squares of the typical inner radius.
    **split
        Further arguments of `split_touching`.

    Returns
    -------
    labels : ndarray
        int32 (row, column), values 1..N without gaps.
    structure : ndarray
        float32 (row, column), local standard deviation: high in cells.
    """
    image = np.asarray(image, np.float32)
    mask, structure = textured_mask(
        image, scale=scale, level=level, closing=closing, shrink=shrink, debris=debris
    )
    soft = ndimage.gaussian_filter(image, sigma)
    soft -= ndimage.gaussian_filter(image, 10 * scale)
    low, high = np.quantile(soft, (0.02, 0.98))
    shade = np.clip((high - soft) / max(high - low, 1e-6), 0, 1)
    labels, radius = split_touching(mask, shade, weight=halo, limit=limit, **split)
    return one_piece(fill_holes(labels), smallest=max(15.0, debris / 4 * radius**2)), structure


def textured_mask(
    image: np.ndarray,
    *,
    scale: float = 3.0,
    level: float = 1.0,
    closing: int = 3,
    shrink: float = 7.0,
    debris: float = 2.0,
) -> tuple[np.ndarray, np.ndarray]:
    """The textured area, drawn in and without small pieces, and the structure itself.

    Parameters
    ----------
    image
        (row, column) float32.
    scale, level, closing, shrink, debris
        See `textured_cells`.

    Returns
    -------
    mask : ndarray
        bool (row, column).
    structure : ndarray
        float32 (row, column).
    """
    structure = local_spread(image, scale=scale)
    mask = texture_foreground(image, scale=scale, level=level, closing=closing)
    mask = inner_distance(mask) > shrink
    pieces, _ = ndimage.label(mask)
    large = np.bincount(pieces.ravel()) > debris * typical_radius(inner_distance(mask)) ** 2
    large[0] = False
    return large[pieces], structure
