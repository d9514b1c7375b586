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

from cellwright.geometry.blocks import blurred

#: standard deviations that are tried, in typical diameters
WIDTHS = (0.35, 0.5, 0.7, 1.0)
#: share of what shading leaves unexplained between the cells that a halo has to explain
EXPLAINED = 0.25
#: pixels that the fit looks at, at most
FITTED = 20_000


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
        return 1 + strength * blurred(covered, self.width)


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
    at = np.flatnonzero(outside)
    at = at[:: max(1, len(at) // FITTED)]
    seen = planes.reshape(len(planes), -1)[:, at].astype(np.float64)
    middle = np.median(seen, axis=1)
    if not covered.any() or middle.min() <= 0:
        return None
    row, col = (
        a / n - 0.5 for a, n in zip(np.divmod(at, outside.shape[1]), outside.shape, strict=True)
    )
    shading = np.stack([np.ones(len(at)), row, col, row * row, col * col, row * col], axis=1)
    basis = np.linalg.qr(shading)[0]
    # A fit of both is one of what shading leaves of each.
    seen = _left(basis, seen.T / middle)
    best = (-np.inf, 0.0, np.zeros(len(middle)), np.zeros(len(middle)))
    for width in (w * diameter for w in WIDTHS):
        light = _left(basis, blurred(covered, width).ravel()[at].astype(np.float64)[:, None])
        power, shared = (light * light).sum(), (light * seen).sum(axis=0)
        if power > 0:
            gain = shared**2 / power
            best = max(best, (gain.sum(), width, shared / power, gain), key=lambda b: b[0])
    _, width, strength, gain = best
    share = gain / np.maximum((seen * seen).sum(axis=0), np.finfo(float).tiny)
    # What is darker around cells is uneven light that cells happen to lie in.
    if share.max() < EXPLAINED or strength.min() <= 0:
        return None
    # Rounded, so that the last bits of sums, which hang on the processor, do not count.
    return Halo(width, tuple(np.round(strength, 6).tolist()))


def _left(basis: np.ndarray, values: np.ndarray) -> np.ndarray:
    """What an orthonormal `basis` (point, term) does not explain of `values` (point, column)."""
    return values - basis @ (basis.T @ values)
