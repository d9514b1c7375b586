"""Phase contrast and differential interference contrast of cells that delay light.

Both work on the wave behind the dish, ``U = exp(-a + i phi)``, whose layers are taken together:
the picture is that of one focus.

Phase contrast follows Zernike 1942 (Physica 9, 686) with a ring of finite width, as Yin, Kanade
and Chen 2012 (Medical Image Analysis 16, 1047) write it down: what the ring passes is the wave
smoothed over `Microscope.halo`, and is put back a quarter of a wave late and dimmed. Thin cells
are dark, thick and round ones bright, and all have a bright halo.

Differential interference contrast adds the wave to itself, a small shear away and against a bias
(Nomarski): slopes of the phase are bright on one side and dark on the other.
"""

from __future__ import annotations

import numpy as np
from scipy import fft

from cellwright.synth.optics import Layers, Microscope

#: share of the direct light's amplitude that the ring lets through
RING = 0.5
#: micrometres between the two waves, and half the phase between them without a cell
SHEAR, BIAS = 0.4, np.pi / 4


def phase_contrast(
    phase: Layers, absorption: Layers, heights: np.ndarray, microscope: Microscope
) -> np.ndarray:
    """Planes of a phase-contrast stack relative to the empty background, which is 1.

    Parameters
    ----------
    phase, absorption, heights, microscope
        As of `cellwright.synth.optics.bright_field`.

    Returns
    -------
    ndarray
        (plane, row, column) float64, not negative.
    """
    shape = phase[0][1].shape
    spectrum, square = _wave(phase, absorption, microscope)
    direct = np.exp(-2.0 * np.pi**2 * microscope.halo**2 * square)
    planes = []
    for height in heights:
        passed = spectrum * _propagator(square, height, microscope)
        through = fft.ifft2(passed * direct)[: shape[0], : shape[1]]
        bent = fft.ifft2(passed * (1.0 - direct))[: shape[0], : shape[1]]
        planes.append(np.abs(bent - 1j * RING * through) ** 2 / RING**2)
    return np.array(planes)


def interference_contrast(
    phase: Layers, absorption: Layers, heights: np.ndarray, microscope: Microscope
) -> np.ndarray:
    """Planes of a differential-interference stack relative to the empty background, which is 1.

    The shear goes down and to the right: rising slopes are dark, falling ones bright.
    Arguments and result are those of `phase_contrast`.
    """
    shape = phase[0][1].shape
    spectrum, square = _wave(phase, absorption, microscope)
    rows, cols = (fft.fftfreq(n, microscope.pixel_size) for n in square.shape)
    half = np.exp(-1j * np.pi * SHEAR / np.sqrt(2.0) * (rows[:, None] + cols[None, :]))
    planes = []
    for height in heights:
        passed = spectrum * _propagator(square, height, microscope)
        one = fft.ifft2(passed * half)[: shape[0], : shape[1]]
        other = fft.ifft2(passed * half.conj())[: shape[0], : shape[1]]
        light = np.abs(one * np.exp(1j * BIAS) - other * np.exp(-1j * BIAS)) ** 2
        planes.append(light / (4.0 * np.sin(BIAS) ** 2))
    return np.array(planes)


def _wave(
    phase: Layers, absorption: Layers, microscope: Microscope
) -> tuple[np.ndarray, np.ndarray]:
    """Spectrum of the wave behind the dish, and its squared frequencies per squared micrometre."""
    delay = np.sum([layer for _, layer in phase], axis=0)
    loss = np.sum([layer for _, layer in absorption], axis=0)
    shape = [fft.next_fast_len(n) for n in delay.shape]
    # Beyond the canvas the dish is empty, or the wave would jump at its border.
    add = [(0, full - n) for full, n in zip(shape, delay.shape, strict=True)]
    wave = np.exp(np.pad(-loss + 1j * delay, add))
    rows, cols = (fft.fftfreq(n, microscope.pixel_size) ** 2 for n in shape)
    return fft.fft2(wave), rows[:, None] + cols[None, :]


def _propagator(square: np.ndarray, height: float, microscope: Microscope) -> np.ndarray:
    """Defocus of the wave by `height` micrometres, blurred by the aperture."""
    sharp = 0.21 * microscope.wavelength / microscope.aperture
    turn = np.pi * microscope.wavelength * height * square
    return np.exp(-2.0 * np.pi**2 * sharp**2 * square - 1j * turn)
