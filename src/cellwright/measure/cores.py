"""The pixels of each cell that tell its own light: away from its edge and from other cells."""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from cellwright.overlap import intersections
from cellwright.types import Instances

PARTS = ("core", "rim", "whole")
# A part is used if it has so many pixels and this share of the mask.
_LEAST_PIXELS = 9
_LEAST_SHARE = 0.1


def own_pixels(instances: Instances, part: str = "core") -> tuple[np.ndarray, ...]:
    """Boolean crops, each within its mask, of the pixels by which a cell is judged.

    Parameters
    ----------
    instances
        Cells, which may overlap.
    part
        ``"core"``: without an edge of a tenth of the diameter (1 to 3 pixels); ``"rim"``: that
        edge alone, twice as wide, for stains of the wall; ``"whole"``: all of the mask. Pixels
        of other cells, and for the core those just beside them, are left out.

    Returns
    -------
    tuple of ndarray
        Where too little is left (under 9 pixels or a tenth of the mask), the pixels that no
        other cell covers; where these are too few as well, the whole mask.
    """
    count = np.zeros(instances.shape, dtype=np.uint16)
    for (row0, col0, row1, col1), mask in zip(
        instances.boxes.tolist(), instances.masks, strict=True
    ):
        count[row0:row1, col0:col1] += mask
    return tuple(
        _own(mask, count[row0:row1, col0:col1], part)
        for (row0, col0, row1, col1), mask in zip(
            instances.boxes.tolist(), instances.masks, strict=True
        )
    )


def _own(mask: np.ndarray, count: np.ndarray, part: str) -> np.ndarray:
    area = np.count_nonzero(mask)
    edge = int(np.clip(round(0.1 * np.sqrt(4 * area / np.pi)), 1, 3))
    others = (count - mask) > 0
    private = mask & ~others
    if part == "whole":
        best = private
    elif part == "rim":
        best = private & ~ndimage.binary_erosion(mask, iterations=2 * edge)
    else:
        best = ndimage.binary_erosion(mask, iterations=edge)
        if others.any():
            best &= ~ndimage.binary_dilation(others, iterations=edge)
    least = max(_LEAST_PIXELS, _LEAST_SHARE * area)
    for pixels in (best, private):
        if np.count_nonzero(pixels) >= least:
            return pixels
    return mask


def covered_shares(
    instances: Instances, own: tuple[np.ndarray, ...]
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Which other cells cover the own pixels of a cell, and what share of them.

    Returns
    -------
    cell, other, share
        (P,) arrays; cells whose own pixels are theirs alone do not appear.
    """
    full = [i for i, (pixels, mask) in enumerate(zip(own, instances.masks, strict=True))
            if np.count_nonzero(pixels) == np.count_nonzero(mask)]  # fmt: skip
    i, j, shared = intersections(instances[full], instances)
    cell = np.array(full, dtype=np.int64)[i]
    apart = cell != j
    cell, other, shared = cell[apart], j[apart], shared[apart]
    return cell, other, shared / instances.areas[cell]
