"""A cut-out cell turned, mirrored, resized and bent; mask and parts follow its pixels."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from cellwright.synth.paste.cutouts import Cutout
from cellwright.types import InputError

#: side of the grid of drawn displacements of an elastic bend
KNOTS = 4


@dataclass(frozen=True, slots=True)
class Warp:
    """What may happen to a cell before it is pasted (P4, 4.4.1).

    Parameters
    ----------
    resize
        Range of the magnification, drawn evenly.
    elastic
        Standard deviation of the displacements of an elastic bend, relative to the square root
        of the cell's area.
    rotate, flip
        Whether it is turned by any angle, and mirrored.
    """

    resize: tuple[float, float] = (1.0, 1.0)
    elastic: float = 0.0
    rotate: bool = True
    flip: bool = True

    def __post_init__(self) -> None:
        low, high = self.resize
        if not 0.1 <= low <= high <= 10:
            raise InputError(f"resize {low}..{high} came: a range between 0.1 and 10 is wanted")
        if not 0 <= self.elastic <= 0.3:
            raise InputError(f"elastic {self.elastic} came: from 0 to 0.3 is wanted")


def warped(rng: np.random.Generator, cut: Cutout, warp: Warp) -> Cutout:
    """`cut` with one drawn transform of pixels, weight, mask and parts; linear interpolation.

    The window is as tight as the mask (without soft edge) or the weight (with one) allows. A
    mask that nothing is left of comes back in an empty window.
    """
    angle = rng.uniform(0, 2 * np.pi) if warp.rotate else 0.0
    scale = rng.uniform(*warp.resize)
    mirror = -1.0 if warp.flip and rng.random() < 0.5 else 1.0
    cos, sin = np.cos(angle), np.sin(angle)
    # From the new window back to the old one.
    back = np.array([[cos, sin], [-sin, cos]]) @ np.diag([1.0, mirror]) / scale
    old = np.array(cut.mask.shape)
    bend = None
    grow = 1.0
    if warp.elastic > 0:
        amount = warp.elastic * np.sqrt(np.count_nonzero(cut.mask))
        bend = rng.normal(0.0, amount, (2, KNOTS, KNOTS)).astype(np.float32)
        grow += 2 * amount * scale
    new = np.ceil(np.abs(np.linalg.inv(back)) @ old + grow).astype(int)
    offset = (old - 1) / 2 - back @ ((new - 1) / 2)
    shape = (int(new[0]), int(new[1]))
    if bend is None:

        def moved(plane: np.ndarray) -> np.ndarray:
            return ndimage.affine_transform(
                plane, back, offset, output_shape=shape, order=1, prefilter=False
            )
    else:
        at = _coordinates(back, offset, shape) + _stretched(bend, shape)

        def moved(plane: np.ndarray) -> np.ndarray:
            return ndimage.map_coordinates(plane, at, order=1, prefilter=False)

    mask = moved(cut.mask.astype(np.float32)) > 0.5
    alpha = None if cut.alpha is None else moved(cut.alpha)
    window = _tight(mask if alpha is None else alpha > 0)
    if window is None or not mask.any():
        empty = np.zeros((0, 0), bool)
        return Cutout(np.zeros((len(cut.pixels), 0, 0), np.float32), empty, None, cut.cell)
    pixels = np.stack([moved(p)[window] for p in cut.pixels])
    parts = tuple(moved(p.astype(np.float32))[window] > 0.5 for p in cut.parts)
    if alpha is not None:
        alpha = alpha[window]
    return Cutout(pixels, mask[window], alpha, cut.cell, parts, cut.part_cells)


def _coordinates(back: np.ndarray, offset: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """(2, row, column) float32 of old coordinates."""
    rows, cols = (np.arange(n, dtype=np.float32) for n in shape)
    return np.stack(
        [
            np.add.outer(back[k, 0] * rows, back[k, 1] * cols + offset[k]).astype(np.float32)
            for k in (0, 1)
        ]
    )


def _stretched(bend: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """Displacements of every pixel from those of the knots, by smooth interpolation."""
    down, across = (_basis(n) for n in shape)
    return down @ bend @ across.T


def _basis(length: int) -> np.ndarray:
    """(length, KNOTS) float32 of weights that add up to one: Gaussians around the knots."""
    at = np.linspace(0, KNOTS - 1, length, dtype=np.float32)[:, None]
    weight = np.exp(-0.5 * ((at - np.arange(KNOTS, dtype=np.float32)) / 0.6) ** 2)
    return weight / weight.sum(axis=1, keepdims=True)


def _tight(mask: np.ndarray) -> tuple[slice, slice] | None:
    """The rows and columns that hold a True; None if there is none."""
    rows, cols = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    if not len(rows):
        return None
    return slice(int(rows[0]), int(rows[-1]) + 1), slice(int(cols[0]), int(cols[-1]) + 1)
