"""A cut-out cell turned, mirrored, resized and bent; mask and parts follow its pixels."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from cellwright.synth.paste.cutouts import Cutout
from cellwright.types import InputError

#: side of the grid of drawn displacements of an elastic bend
KNOTS = 4
_TRUE = b"\x01"


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
    # From the new window back to the old one, and its inverse.
    back = np.array([[cos, sin * mirror], [-sin, cos * mirror]]) / scale
    there = np.abs(np.array([[cos, -sin], [mirror * sin, mirror * cos]])) * scale
    height, width = cut.mask.shape
    grow, bend = 1.0, None
    if warp.elastic > 0:
        amount = warp.elastic * np.sqrt(np.count_nonzero(cut.mask))
        bend = rng.normal(0.0, amount, (2, KNOTS, KNOTS)).astype(np.float32)
        grow += 2 * amount * scale
    rows = int(np.ceil(there[0, 0] * height + there[0, 1] * width + grow))
    cols = int(np.ceil(there[1, 0] * height + there[1, 1] * width + grow))
    # Of the parity of the old window, so that a cell that nothing happens to keeps its pixels.
    rows, cols = rows + (rows - height) % 2, cols + (cols - width) % 2
    down = np.arange(rows, dtype=np.float32)[:, None] - np.float32((rows - 1) / 2)
    across = np.arange(cols, dtype=np.float32) - np.float32((cols - 1) / 2)
    at = [
        np.float32(back[k, 0]) * down
        + (np.float32(back[k, 1]) * across + np.float32((size - 1) / 2))
        for k, size in enumerate((height, width))
    ]
    if bend is not None:
        at = [p + d for p, d in zip(at, _stretched(bend, (rows, cols)), strict=True)]
    return _split(cut, _sampled(cut.sheet(), at[0], at[1]))


def _sampled(sheet: np.ndarray, row: np.ndarray, col: np.ndarray) -> np.ndarray:
    """Linear interpolation of all layers at once, (layer, row, column).

    Parameters
    ----------
    sheet
        (layer, row + 2, column + 2) float32, with a frame of zeros one pixel wide.
    row, col
        Where each new pixel lies, in pixels without that frame; zeros lie outside.
    """
    layers, height, width = sheet.shape
    row = np.minimum(np.maximum(row + 1, 0), height - 1)
    col = np.minimum(np.maximum(col + 1, 0), width - 1)
    top = np.minimum(row.astype(np.int32), height - 2)
    left = np.minimum(col.astype(np.int32), width - 2)
    row -= top
    col -= left
    flat, place = sheet.reshape(layers, -1), top * width + left
    upper = flat.take(place, axis=1)
    upper += (flat.take(place + 1, axis=1) - upper) * col
    place += width
    lower = flat.take(place, axis=1)
    lower += (flat.take(place + 1, axis=1) - lower) * col
    lower -= upper
    lower *= row
    upper += lower
    return upper


def _split(cut: Cutout, sheet: np.ndarray) -> Cutout:
    """The layers of a sheet as a cut-out in a tight window."""
    mask = sheet[0] > 0.5
    soft = cut.alpha is not None
    window = tight(sheet[1] > 0 if soft else mask)
    if window is None or not mask.any():
        empty = np.zeros((0, 0), bool)
        return Cutout(np.zeros((len(cut.pixels), 0, 0), np.float32), empty, None, cut.cell)
    sheet = sheet[(slice(None), *window)]
    planes = len(cut.pixels)
    pixels = sheet[1 + soft : 1 + soft + planes]
    parts = tuple(p > 0.5 for p in sheet[1 + soft + planes :])
    alpha = sheet[1] if soft else None
    return Cutout(pixels, mask[window], alpha, cut.cell, parts, cut.part_cells)


def _stretched(bend: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """Displacements of every pixel from those of the knots, by smooth interpolation."""
    down, across = (_basis(n) for n in shape)
    return down @ bend @ across.T


@lru_cache(maxsize=512)
def _basis(length: int) -> np.ndarray:
    """(length, KNOTS) float32 of weights that add up to one: Gaussians around the knots."""
    at = np.linspace(0, KNOTS - 1, length, dtype=np.float32)[:, None]
    weight = np.exp(-0.5 * ((at - np.arange(KNOTS, dtype=np.float32)) / 0.6) ** 2)
    return weight / weight.sum(axis=1, keepdims=True)


def tight(mask: np.ndarray) -> tuple[slice, slice] | None:
    """The rows and columns of a (row, column) bool mask that hold a True; None if there is none."""
    # Bytes are searched faster than numpy looks through masks that are this small.
    width, pixels = mask.shape[1], mask.tobytes()
    first = pixels.find(_TRUE)
    if first < 0:
        return None
    rows = slice(first // width, pixels.rfind(_TRUE) // width + 1)
    across = mask[rows].any(axis=0).tobytes()
    return rows, slice(across.find(_TRUE), across.rfind(_TRUE) + 1)
