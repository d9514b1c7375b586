"""What takes the place of cells that are left out: background (P5, section 3.3), or a crowd."""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from cellwright.geometry import mask_box
from cellwright.types import Image, InputError, Instances


def without(
    image: Image, dropped: Instances, kept: Instances, *, margin: int = 3, seed: int = 0
) -> Image:
    """`image` with background where `dropped` cells lie; pixels of `kept` ones stay.

    Each plane gets its local level of background (the mean of the pixels outside all cells,
    weighted by a Gaussian as wide as the hole) and noise drawn from what those pixels differ by.

    Parameters
    ----------
    image
        Image of any axes.
    dropped, kept
        Cells on the frame of `image`.
    margin
        Pixels around a dropped cell that are filled too, and around any cell that are not
        taken for background.
    seed
        Of the noise.

    Raises
    ------
    InputError
        If the cells are on another frame.
    """
    if dropped.shape != image.shape or kept.shape != image.shape:
        raise InputError(f"cells on {dropped.shape} and {kept.shape} came for {image.shape}")
    if not len(dropped):
        return image
    gone, stays = covered(dropped), covered(kept)
    hole = _hole(gone, stays, margin)
    ground = ~ndimage.binary_dilation(gone | stays, iterations=margin)
    if not ground.any():
        ground = ~(gone | stays | hole)
    if not ground.any() or not hole.any():
        return image
    sizes = dropped.boxes[:, 2:] - dropped.boxes[:, :2]
    sigma = max(2.0, float(np.median(sizes)))
    random = np.random.default_rng(seed)
    data = np.array(image.data)
    for plane in data.reshape(-1, *image.shape):
        plane[hole] = _background(plane, hole, ground, sigma, random)
    return Image(data, image.axes, image.pixel_size, image.channels, image.tags)


def crowd(dropped: Instances, kept: Instances, *, margin: int = 3) -> Instances:
    """What `without` fills, as one region tagged ``iscrowd``; none where it fills nothing.

    Scores leave it out, and training does not judge there.
    """
    hole = _hole(covered(dropped), covered(kept), margin)
    box = mask_box(hole)
    if box is None:
        return Instances.empty(kept.shape, kept.class_names)
    mask = hole[box[0] : box[2], box[1] : box[3]]
    return Instances(
        kept.shape,
        np.array([box]),
        (mask,),
        class_names=kept.class_names,
        tags=({"iscrowd": True},),
    )


def _hole(gone: np.ndarray, stays: np.ndarray, margin: int) -> np.ndarray:
    """Pixels of cells that are gone and a margin around them, without those that stay."""
    around = ndimage.binary_dilation(gone, iterations=margin)
    return around & ~ndimage.binary_dilation(stays, iterations=1)


def covered(cells: Instances) -> np.ndarray:
    """Boolean (row, column) frame of the pixels of any cell."""
    frame = np.zeros(cells.shape, bool)
    for (row0, col0, row1, col1), mask in zip(cells.boxes.tolist(), cells.masks, strict=True):
        frame[row0:row1, col0:col1] |= mask
    return frame


def _background(
    plane: np.ndarray,
    hole: np.ndarray,
    ground: np.ndarray,
    sigma: float,
    random: np.random.Generator,
) -> np.ndarray:
    """Values for the pixels of `hole`, of the type of `plane`."""
    values, weight = plane.astype(np.float64), ground.astype(np.float64)
    share = ndimage.gaussian_filter(weight, sigma)
    level = ndimage.gaussian_filter(values * weight, sigma) / np.maximum(share, 1e-12)
    level = np.where(share > 1e-6, level, float(np.median(values[ground])))
    noise = random.choice((values - level)[ground], np.count_nonzero(hole))
    filled = level[hole] + noise
    if plane.dtype.kind == "f":
        return filled
    if plane.dtype.kind == "b":
        return filled > 0.5
    limits = np.iinfo(plane.dtype)
    return np.clip(np.rint(filled), limits.min, limits.max)
