"""An empty field like that of an image: its level, its slow shading, and noise of its grain.

P3 (section 3.1) pastes cells on plain grey. Here the background has the level and shading that
the image shows between its cells, and noise with the same strength and the same correlation of
neighbouring pixels, so that a network cannot tell new images by their ground.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from scipy import fft, ndimage

from cellwright.classical.background import local_background
from cellwright.geometry.blocks import stretched
from cellwright.synth.paste.halo import Halo, halo_of
from cellwright.types import InputError

#: pixels between cells that are needed to see a background
LEAST = 100
#: lags up to which the noise of neighbouring pixels is followed, in pixels
REACH = 12
#: standard deviation, in pixels, of the slow changes that are no noise: halos, out-of-focus light
FINE = 4.0
#: side of the part of the frame that the noise is learnt from, in pixels
WINDOW = 512
#: departures beyond this many standard deviations are dirt, not noise
CLIP = 3.0


@dataclass(frozen=True, slots=True, eq=False)
class Ground:
    """The background of an image.

    Parameters
    ----------
    level
        (plane, row, column) float32, intensity without noise and halo.
    covariance
        (plane, 2 REACH + 1, 2 REACH + 1) float32, covariance of the noise by lag.
    halo
        Light around the cells; None if there is none or it was not asked for.
    """

    level: np.ndarray
    covariance: np.ndarray
    halo: Halo | None = None
    _amplitudes: dict[tuple[int, int], np.ndarray] = field(default_factory=dict)

    def levels(self, shape: tuple[int, int]) -> np.ndarray:
        """The level on a frame of `shape`, (plane, row, column); stretched if it is another."""
        if self.level.shape[1:] == shape:
            return self.level
        return stretched(self.level, shape)

    def noise(self, rng: np.random.Generator, shape: tuple[int, int]) -> np.ndarray:
        """(plane, row, column) float32 of noise, a new one each time."""
        padded = tuple(fft.next_fast_len(n, real=True) for n in shape)
        factors = self._factors((padded[0], padded[1]))
        # Waves are drawn, not pixels, which saves a transform: white noise is white in both.
        noise = np.empty((len(factors), *shape), np.float32)
        for plane, factor in enumerate(factors):
            drawn = rng.standard_normal((*factor.shape, 2), dtype=np.float32)
            wave = drawn.view(np.complex64)[..., 0]
            wave *= factor
            noise[plane] = fft.irfft2(wave, s=padded, overwrite_x=True)[: shape[0], : shape[1]]
        return noise

    def _factors(self, shape: tuple[int, int]) -> np.ndarray:
        """(plane, row, wave) float32 for unit waves; those of the last shape are kept."""
        if shape not in self._amplitudes:
            self._amplitudes.clear()
            scale = np.float32(np.sqrt(shape[0] * shape[1] / 2))
            self._amplitudes[shape] = np.stack(
                [_amplitude(c, shape) * scale for c in self.covariance]
            )
        return self._amplitudes[shape]


def ground_of(
    planes: np.ndarray, covered: np.ndarray, diameter: float, *, halos: bool = False
) -> Ground:
    """Learn the background of an image between its cells.

    Parameters
    ----------
    planes
        (plane, row, column) intensities.
    covered
        (row, column) bool, pixels of any cell.
    diameter
        Typical diameter of the cells in pixels: how far their halos may reach (a quarter of it is
        not looked at), and how slowly the shading changes.
    halos
        Look for the halo of phase contrast, and take it for no part of the level.

    Raises
    ------
    InputError
        If fewer than 100 pixels lie between the cells.
    """
    margin = max(2, round(diameter / 4))
    outside = ~ndimage.binary_dilation(covered, iterations=margin)
    if np.count_nonzero(outside) < max(LEAST, 0.02 * outside.size):
        margin, outside = 0, ~covered
    if np.count_nonzero(outside) < LEAST:
        raise InputError(
            f"only {np.count_nonzero(outside)} pixels lie between the cells: the background "
            f"cannot be seen there, at least {LEAST} are wanted"
        )
    halo = halo_of(planes, covered, outside, diameter) if halos else None
    if halo is not None:
        planes = planes / halo.around(covered)
    sigma = float(np.clip(2.0 * diameter, 10.0, max(covered.shape) / 2))
    level = np.stack(
        [local_background(p.astype(np.float32), ~outside, sigma=sigma, margin=0) for p in planes]
    )
    rows, cols = _emptiest(outside)
    part = outside[rows, cols]
    found = [_covariance(_fine(p[rows, cols].astype(np.float32), part), part) for p in planes]
    return Ground(level, np.stack(found), halo)


def _emptiest(outside: np.ndarray) -> tuple[slice, slice]:
    """The window of at most WINDOW x WINDOW pixels with most background, on a coarse grid."""
    size = [min(n, WINDOW) for n in outside.shape]
    starts = [sorted({0, (n - s) // 2, n - s}) for n, s in zip(outside.shape, size, strict=True)]
    windows = [(slice(r, r + size[0]), slice(c, c + size[1])) for r in starts[0] for c in starts[1]]
    return max(windows, key=lambda w: np.count_nonzero(outside[w]))


def _fine(plane: np.ndarray, outside: np.ndarray) -> np.ndarray:
    """What differs from the near surroundings."""
    return plane - local_background(plane, ~outside, sigma=FINE, margin=0)


def _covariance(residual: np.ndarray, outside: np.ndarray) -> np.ndarray:
    """Covariance by lag of the pixels where `outside` is True; the far lags fade out."""
    values = residual[outside]
    middle = np.median(values)
    spread = 1.4826 * float(np.median(np.abs(values - middle)))
    spread = spread or float(values.std())
    bound = CLIP * spread
    centred = np.where(outside, np.clip(residual - middle, -bound, bound), 0).astype(np.float32)
    padded = [fft.next_fast_len(n + REACH, real=True) for n in centred.shape]
    sums = fft.irfft2(np.abs(fft.rfft2(centred, s=padded)) ** 2, s=padded)
    pairs = fft.irfft2(np.abs(fft.rfft2(outside.astype(np.float32), s=padded)) ** 2, s=padded)
    lags = np.arange(-REACH, REACH + 1)
    at = np.ix_(lags % padded[0], lags % padded[1])
    fade = np.cos(0.5 * np.pi * lags / (REACH + 1)) ** 2
    found = sums[at] / np.maximum(pairs[at], 1.0) * np.outer(fade, fade)
    return np.asarray(found, dtype=np.float32)


def _amplitude(covariance: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """Factor on each wave of white noise of `shape` that gives it this covariance."""
    lags = np.arange(-REACH, REACH + 1)
    frame = np.zeros(shape, np.float32)
    rows, cols = lags % shape[0], lags % shape[1]
    np.add.at(frame, np.ix_(rows, cols), covariance)
    power = np.maximum(fft.rfft2(frame).real, 0)
    # What the cut at zero adds is taken off again, so that the variance is right.
    variance = float(covariance[REACH, REACH])
    weight = np.full(power.shape[1], 2.0)
    weight[0] = 1.0
    if shape[1] % 2 == 0:
        weight[-1] = 1.0
    mean = float((power * weight).sum()) / (shape[0] * shape[1])
    return np.sqrt(power * (variance / mean if mean > 0 else 0.0)).astype(np.float32)
