"""The wide halo of phase contrast, which no cut-out can carry: seen once, made again after pasting.

Around cells in phase contrast the field is brighter, over about a cell's diameter: the light that
the ring passes is smoothed over that width (Yin, Kanade and Chen 2012, Medical Image Analysis 16,
1047; see `cellwright.synth.interference`). A soft edge of a cut-out (P4, 4.4.1) ends long before,
and where cells are many the halo looks like background. What cells cover, smoothed, is a good
picture of it, so it is taken off the image before cells are cut out, and laid over the new cells.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from cellwright.synth.paste.stretch import stretched

#: standard deviations that are tried, in typical diameters
WIDTHS = (0.35, 0.5, 0.7, 1.0)
#: share of what shading leaves unexplained between the cells that a halo has to explain
EXPLAINED = 0.25
#: pixels that the fit looks at, at most
FITTED = 20_000
#: standard deviation on the coarser grid that a wide halo is smoothed on, in its pixels
COARSE = 4.0


@dataclass(frozen=True, slots=True)
class Halo:
    """Light around cells.

    Parameters
    ----------
    width
        Standard deviation of the Gaussian in pixels.
    strength
        Of each plane, what a field full of cells would gain, relative to its background.
    """

    width: float
    strength: tuple[float, ...]

    def around(self, covered: np.ndarray) -> np.ndarray:
        """How much brighter it is around what is covered, (plane, row, column) float32.

        Dark cells stay dark in the halo of their neighbours, so it is a factor, not a sum.

        Parameters
        ----------
        covered
            (row, column) bool, pixels of any cell.
        """
        strength = np.array(self.strength, np.float32)[:, None, None]
        return 1 + strength * spread(covered.astype(np.float32), self.width)


def halo_of(
    planes: np.ndarray, covered: np.ndarray, outside: np.ndarray, diameter: float
) -> Halo | None:
    """The halo that an image shows between its cells; None if it shows none.

    Shading of second order and the smoothed cover are fitted together by least squares. Only a
    bright halo counts.

    Parameters
    ----------
    planes
        (plane, row, column) intensities.
    covered
        (row, column) bool, pixels of any cell.
    outside
        (row, column) bool, pixels that are looked at.
    diameter
        Typical diameter of the cells in pixels.
    """
    middle = np.median(planes[:, outside], axis=1)
    if not covered.any() or middle.min() <= 0:
        return None
    at = np.flatnonzero(outside)
    at = at[:: max(1, len(at) // FITTED)]
    row, col = (
        a / n - 0.5 for a, n in zip(np.divmod(at, outside.shape[1]), outside.shape, strict=True)
    )
    shading = np.stack([np.ones(len(at)), row, col, row * row, col * col, row * col], axis=1)
    seen = planes.reshape(len(planes), -1)[:, at].T / middle.astype(np.float64)
    left = _unexplained(shading, seen)[1]
    best: tuple[float, Halo] | None = None
    for width in WIDTHS:
        light = spread(covered.astype(np.float32), width * diameter).ravel()[at]
        weights, error = _unexplained(np.column_stack([shading, light]), seen)
        if best is None or error.sum() < best[0]:
            best = error.sum(), Halo(width * diameter, tuple(weights[-1].tolist()))
            gain = 1 - error / np.maximum(left, np.finfo(float).tiny)
    assert best is not None
    # What is darker around cells is uneven light that cells happen to lie in.
    found = gain.max() >= EXPLAINED and min(best[1].strength) > 0
    return best[1] if found else None


def spread(light: np.ndarray, width: float) -> np.ndarray:
    """(row, column) smoothed by a Gaussian of `width` pixels, float32; outside as at the border."""
    step = max(1, int(width // COARSE))
    rows, cols = light.shape
    padded = np.pad(light, ((0, -rows % step), (0, -cols % step)), mode="edge")
    coarse = padded.reshape(padded.shape[0] // step, step, -1, step).mean(
        axis=(1, 3), dtype=np.float32
    )
    coarse = ndimage.gaussian_filter(coarse, width / step, truncate=3.0, mode="nearest")
    if step == 1:
        return coarse
    return stretched(coarse[None], padded.shape)[0, :rows, :cols]


def _unexplained(basis: np.ndarray, seen: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Weights (term, plane) of a least-squares fit, and the squared error of each plane."""
    weights = np.linalg.lstsq(basis, seen, rcond=None)[0]
    return weights, ((seen - basis @ weights) ** 2).sum(axis=0)
