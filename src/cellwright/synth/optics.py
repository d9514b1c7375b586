"""From what is in the dish to what the camera counts.

Fluorescence adds up incoherently; each layer is blurred by the focus it is out of.
Bright field follows the weak-object transfer of phase and absorption (Streibl 1985,
J. Opt. Soc. Am. A 2, 121) in its logarithmic (Rytov) form,

    log I(q) = sum_l [2 phi_l(q) sin(pi lambda z_l q^2) - 2 a_l(q) cos(pi lambda z_l q^2)] E_l(q)

with phase phi, absorption a, defocus z_l of the layer and the damping E of a condenser
of finite aperture: phase contrast vanishes in focus and changes its sign through it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import fft

from cellwright.types import InputError

Layers = list[tuple[float, np.ndarray]]


@dataclass(frozen=True, slots=True)
class Microscope:
    """A microscope and its camera.

    Parameters
    ----------
    pixel_size
        Micrometres per pixel in the picture.
    z_step
        Micrometres between the planes of a stack, which is centred on the focus.
    wavelength
        Micrometres.
    aperture, condenser
        Numerical apertures of objective and (bright-field) condenser.
    single_plane_defocus
        Height in micrometres at which a bright-field picture of one plane is taken;
        in focus, living cells are all but invisible.
    photons
        Mean photons per pixel of a mean cell in fluorescence, of the background in
        bright field 20 times as many.
    read_noise
        Standard deviation in counts.
    gain
        Counts per photon.
    offset
        Counts without light.
    vignetting
        Loss of light in the corners, from 0 to 1.
    unevenness
        Size of the slow variation of the background, from 0 to 1.
    dust
        Specks per megapixel on the camera's window: blurred dark discs that stay in place.
    index_step
        Difference of refractive index between cell and medium; light that passes flat cells is
        delayed as by a smaller one.
    granules
        Strength of what lies in the cytoplasm and delays light unevenly, relative to a usual cell.
    halo
        Width in micrometres of the halo around cells in phase contrast. What is wider than that
        is as bright as the background, so that flat cells show their granules and edges only.
    """

    pixel_size: float = 0.5
    z_step: float = 2.0
    wavelength: float = 0.55
    aperture: float = 0.5
    condenser: float = 0.15
    single_plane_defocus: float = 5.0
    photons: float = 250.0
    read_noise: float = 6.0
    gain: float = 4.0
    offset: float = 200.0
    vignetting: float = 0.2
    unevenness: float = 0.3
    dust: float = 0.0
    index_step: float = 0.02
    granules: float = 1.0
    halo: float = 6.0

    def __post_init__(self) -> None:
        for name in ("pixel_size", "wavelength", "aperture", "photons", "gain", "halo"):
            if not getattr(self, name) > 0:
                raise InputError(f"{name} {getattr(self, name)} came: more than 0 is wanted")
        for name in ("vignetting", "unevenness"):
            if not 0 <= getattr(self, name) <= 1:
                raise InputError(f"{name} {getattr(self, name)} came: from 0 to 1 is wanted")
        if min(self.read_noise, self.offset, self.dust, self.granules) < 0:
            raise InputError("read_noise, offset, dust and granules must not be negative")

    def heights(self, planes: int) -> np.ndarray:
        """(planes,) heights of a stack in micrometres, the middle of it at 0."""
        if planes < 1:
            raise InputError(f"{planes} planes came: at least 1 is wanted")
        return (np.arange(planes) - 0.5 * (planes - 1)) * self.z_step


def fluorescence(light: Layers, heights: np.ndarray, microscope: Microscope) -> np.ndarray:
    """Planes of a fluorescence stack.

    Parameters
    ----------
    light
        Layers as (height in micrometres, (row, column) emitted light).
    heights
        Height of each plane in micrometres.
    microscope
        Its aperture, wavelength and pixel size are used.

    Returns
    -------
    ndarray
        (plane, row, column) float64, not negative.
    """
    shape = light[0][1].shape
    square = _square_frequency(shape, microscope.pixel_size)
    spectra = [(depth, _spectrum(layer)) for depth, layer in light]
    planes = []
    for height in heights:
        total = sum(s * _blur(square, height - depth, microscope) for depth, s in spectra)
        planes.append(_image(total, shape))
    return np.maximum(planes, 0.0)


def bright_field(
    phase: Layers, absorption: Layers, heights: np.ndarray, microscope: Microscope
) -> np.ndarray:
    """Planes of a bright-field stack relative to the empty background, which is 1.

    Parameters
    ----------
    phase, absorption
        Layers as (height in micrometres, (row, column) array): phase delay in radians,
        and loss of amplitude.
    heights
        Height of each plane in micrometres.
    microscope
        Its apertures, wavelength and pixel size are used.

    Returns
    -------
    ndarray
        (plane, row, column) float64, positive.
    """
    shape = phase[0][1].shape
    square = _square_frequency(shape, microscope.pixel_size)
    delays = [(depth, _spectrum(layer)) for depth, layer in phase]
    losses = [(depth, _spectrum(layer)) for depth, layer in absorption]
    planes = []
    for height in heights:
        total = np.zeros_like(delays[0][1])
        for sign, parts in ((1.0, delays), (-1.0, losses)):
            for depth, spectrum in parts:
                turn = np.pi * microscope.wavelength * (height - depth) * square
                wave = np.sin(turn) if sign > 0 else np.cos(turn)
                damping = _damping(square, height - depth, microscope)
                total = total + 2.0 * sign * spectrum * wave * damping
        planes.append(np.exp(_image(total, shape)))
    return np.array(planes)


def glare(light: Layers, *, share: float, reach: float) -> Layers:
    """The same layers with a share of their light spread around.

    Parameters
    ----------
    light
        Layers as for `fluorescence`.
    share
        Part of the light that is spread, 0 to 1; no light is lost.
    reach
        Pixels over which what is spread falls to 1/e.
    """
    shape = light[0][1].shape
    square = _square_frequency(shape, 1.0)
    # exp(-r / reach) in the plane, normalised, has this transfer.
    transfer = 1.0 - share + share * (1.0 + (2.0 * np.pi * reach) ** 2 * square) ** -1.5
    return [(depth, _image(_spectrum(layer) * transfer, shape)) for depth, layer in light]


def illumination(
    rng: np.random.Generator, shape: tuple[int, int], microscope: Microscope
) -> tuple[np.ndarray, np.ndarray]:
    """Vignetting and slow unevenness of a field.

    Returns
    -------
    vignette, uneven
        (row, column) float64: share of the light that arrives, at most 1; and a smooth
        field of mean about 1 that stays positive.
    """
    rows = np.linspace(-1.0, 1.0, shape[0])[:, None]
    cols = np.linspace(-1.0, 1.0, shape[1])[None, :]
    middle = rng.normal(0.0, 0.12, 2)
    distance = (rows - middle[0]) ** 2 + (cols - middle[1]) ** 2
    vignette = 1.0 - microscope.vignetting * np.clip(0.5 * distance, 0.0, 1.0)
    slope, bowl = rng.normal(0.0, 0.35, 2), rng.normal(0.0, 0.35, 3)
    slow = slope[0] * rows + slope[1] * cols
    slow = slow + bowl[0] * rows**2 + bowl[1] * cols**2 + bowl[2] * rows * cols
    for _ in range(3):
        wave, shift = rng.normal(0.0, 2.2, 2), rng.uniform(0.0, 2.0 * np.pi)
        slow = slow + 0.18 * np.cos(wave[0] * rows + wave[1] * cols + shift)
    slow = slow - slow.mean()
    return vignette, np.exp(microscope.unevenness * slow)


def dust(rng: np.random.Generator, shape: tuple[int, int], microscope: Microscope) -> np.ndarray:
    """Share of the light that passes the dust: (row, column) float64, at most 1.

    Specks of 3 to 12 pixels take 3 to 25 % of the light in their middle, and lie too near to the
    camera to be sharp.
    """
    passed = np.ones(shape)
    for _ in range(int(rng.poisson(microscope.dust * shape[0] * shape[1] / 1e6))):
        middle, radius = rng.random(2) * shape, rng.uniform(3.0, 12.0)
        loss, edge = rng.uniform(0.03, 0.25), 0.3 * radius
        reach = int(radius + 5.0 * edge) + 1
        row, col = (int(m) for m in middle)
        window = (
            slice(max(0, row - reach), row + reach + 1),
            slice(max(0, col - reach), col + reach + 1),
        )
        rows, cols = np.ogrid[window]
        part = passed[window]
        rows, cols = rows[: part.shape[0]], cols[:, : part.shape[1]]
        away = np.hypot(rows - middle[0], cols - middle[1]) - radius
        part *= 1.0 - loss / (1.0 + np.exp(np.clip(away / (0.5 * edge), -50.0, 50.0)))
    return passed


def camera(rng: np.random.Generator, photons: np.ndarray, microscope: Microscope) -> np.ndarray:
    """Counts of a 16-bit camera: photon noise, read noise, gain, offset, saturation.

    Parameters
    ----------
    photons
        Mean photons per pixel, any shape, not negative.

    Returns
    -------
    ndarray
        uint16, same shape.
    """
    counts = rng.poisson(photons) * microscope.gain + microscope.offset
    counts = counts + rng.normal(0.0, 1.0, photons.shape) * microscope.read_noise
    return np.clip(np.rint(counts), 0, 65535).astype(np.uint16)


def smooth_noise(rng: np.random.Generator, shape: tuple[int, int], grain: float) -> np.ndarray:
    """Gaussian noise of mean 0 and deviation 1 with a grain of about `grain` pixels."""
    square = _square_frequency(shape, 1.0)
    spectrum = _spectrum(rng.standard_normal(shape)) * np.exp(-0.5 * (np.pi * grain) ** 2 * square)
    noise = _image(spectrum, shape)
    return noise / max(float(noise.std()), 1e-9)


def _blur(square: np.ndarray, defocus: float, microscope: Microscope) -> np.ndarray:
    """Gaussian transfer whose width grows from the diffraction limit with defocus."""
    sharp = 0.21 * microscope.wavelength / microscope.aperture
    cone = 0.5 * abs(defocus) * np.tan(np.arcsin(min(microscope.aperture, 0.95)))
    return np.exp(-2.0 * np.pi**2 * (sharp**2 + cone**2) * square)


def _damping(square: np.ndarray, defocus: float, microscope: Microscope) -> np.ndarray:
    sharp = 0.21 * microscope.wavelength / microscope.aperture
    cone = 0.5 * abs(defocus) * microscope.condenser
    return np.exp(-2.0 * np.pi**2 * (sharp**2 + cone**2) * square)


def _padded(shape: tuple[int, int]) -> tuple[int, int]:
    return fft.next_fast_len(shape[0], real=True), fft.next_fast_len(shape[1], real=True)


def _square_frequency(shape: tuple[int, int], pixel_size: float) -> np.ndarray:
    """Squared spatial frequency per squared micrometre, in the layout of a real FFT."""
    rows, cols = _padded(shape)
    vertical = fft.fftfreq(rows, pixel_size)[:, None] ** 2
    return vertical + fft.rfftfreq(cols, pixel_size)[None, :] ** 2


def _spectrum(layer: np.ndarray) -> np.ndarray:
    return fft.rfft2(layer, s=_padded(layer.shape))


def _image(spectrum: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    return fft.irfft2(spectrum, s=_padded(shape))[: shape[0], : shape[1]]
