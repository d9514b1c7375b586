"""Simulated FISH frames: DAPI and one channel per probe, with every nucleus and signal known.

What a frame holds is drawn from `FishStain`; the ranges stand there. The picture is made by

    photons_c = vignette * (background_c + glow_c * nuclei + sum_d bleed_dc * signals_d + debris_c)

in photons per pixel, divided by the square of the noise level, and taken by a camera with photon
noise, read noise, gain and offset. Signals are Gaussian spots; a split one is two of half the
light. Debris shines in all channels, as dust and lipofuscin do.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from cellwright.synth.fish_nuclei import (
    Signals,
    draw_counts,
    draw_kinds,
    lay_nuclei,
    place_signals,
)
from cellwright.synth.placement import visible
from cellwright.types import Image, InputError, Instances, Sample

Range = tuple[float, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class FishStain:
    """What the frames of a sample show; pairs are ranges that are drawn from evenly.

    Parameters
    ----------
    pixel_size
        Micrometres per pixel.
    diameter, spread
        Mean diameter of a nucleus in micrometres, standard deviation of its logarithm.
    attached
        Share of the nuclei put against another one; about twice as many touch.
    abnormal
        Share of nuclei with a gain, a deletion or both, see `ABNORMAL_MIX`.
    larger
        Factor on the diameter of nuclei called CAC.
    noise
        Noise level: a frame of level 2 has a quarter of the light, and so half the ratio of
        signal to noise.
    photons
        Light in the middle of a mean signal, photons per pixel at noise level 1.
    light
        Standard deviation of the logarithm of a signal's light.
    dim
        Factor on the light of one probe of each frame.
    width
        Standard deviation of a signal in micrometres, drawn for each probe.
    split, split_distance
        Share of signals that are split in two, and how far apart the halves are (micrometres).
    gap
        Least distance of two signals of one probe in a nucleus (micrometres). Nearer ones look
        like one signal to a reader too. 0 lets them lie anywhere.
    inside
        Least distance of a signal from the edge of its nucleus (micrometres).
    bleed
        Share of the light of a channel that is seen in the next one, either way.
    debris
        Specks per nucleus, anywhere in the frame.
    background, glow
        Photons per pixel between the nuclei, and what a nucleus adds to it.
    vignetting, unevenness
        Loss of light in the corners, and relative size of slow changes of the background.
    """

    pixel_size: float = 0.1625
    diameter: float = 8.0
    spread: float = 0.1
    attached: float = 0.14
    abnormal: float = 0.05
    larger: Range = (1.0, 1.25)
    noise: float = 1.0
    photons: float = 160.0
    light: float = 0.3
    dim: float = 0.5
    width: Range = (0.2, 0.28)
    split: float = 0.06
    split_distance: Range = (0.25, 0.5)
    gap: float = 1.2
    inside: float = 0.35
    bleed: Range = (0.02, 0.12)
    debris: float = 0.1
    background: Range = (30.0, 60.0)
    glow: Range = (30.0, 60.0)
    vignetting: float = 0.2
    unevenness: float = 0.3

    def __post_init__(self) -> None:
        for name in ("pixel_size", "diameter", "noise", "photons"):
            if not getattr(self, name) > 0:
                raise InputError(f"{name} {getattr(self, name)} came: more than 0 is wanted")
        for name in ("attached", "abnormal", "split", "dim", "vignetting", "unevenness"):
            if not 0 <= getattr(self, name) <= 1:
                raise InputError(f"{name} {getattr(self, name)} came: from 0 to 1 is wanted")


@dataclass(frozen=True, slots=True, eq=False)
class FishFrame:
    """A simulated frame and all that is in it.

    Parameters
    ----------
    sample
        Image of axes CYX in uint16, DAPI first, and the nuclei. Tags of a nucleus: ``kind``
        (normal, gain, deletion, CAC) and ``touching``.
    counts
        (nuclei, probes) signals of each nucleus.
    signals
        Every signal, once also where it is split.
    probes
        Names of the probes, in the order of the channels after DAPI.
    """

    sample: Sample
    counts: np.ndarray
    signals: Signals
    probes: tuple[str, ...]


def simulate_fish(
    seed: int = 0,
    frame: int = 0,
    *,
    shape: tuple[int, int] = (512, 512),
    nuclei: int = 40,
    probes: Sequence[str] = ("3p22.1", "3q29", "10q22.3", "CEP10"),
    stain: FishStain | None = None,
) -> FishFrame:
    """Simulate frame number `frame` of the sample `seed`; the same arguments give the same bytes.

    Parameters
    ----------
    seed, frame
        Both 0 or more; together they fix every random number.
    shape
        Rows and columns.
    nuclei
        Number of nuclei; their middles lie in the frame, some are cut by its border.
    probes
        One channel each, named ``ch1``, ``ch2`` ... after ``DAPI``.
    stain
        Ranges of everything else; None is `FishStain()`.

    Raises
    ------
    InputError
        If an argument makes no sense, or the nuclei do not fit.
    """
    stain = stain or FishStain()
    if seed < 0 or frame < 0 or nuclei < 0 or not probes:
        raise InputError(
            f"seed {seed}, frame {frame}, {nuclei} nuclei and {len(probes)} probes came: numbers "
            "of 0 or more and at least one probe are wanted"
        )
    shape = (int(shape[0]), int(shape[1]))
    size = stain.pixel_size
    rng = _stream(seed, frame, 0)
    kinds = draw_kinds(rng, nuclei, stain.abnormal)
    growth = np.where([k == "CAC" for k in kinds], rng.uniform(*stain.larger, nuclei), 1.0)
    bodies, corners, margin = lay_nuclei(
        rng,
        shape=shape,
        nuclei=nuclei,
        diameter=stain.diameter / size,
        spread=stain.spread,
        attached=stain.attached,
        growth=growth,
    )
    counts = draw_counts(rng, kinds, len(probes))
    places = place_signals(
        rng, bodies, corners, counts, inside=stain.inside / size, gap=stain.gap / size
    )
    signals = Signals(places.places - margin, places.probe, places.nucleus)
    seen = [visible(b.mask, c, margin, shape) for b, c in zip(bodies, corners, strict=True)]
    height = np.zeros((shape[0] + 2 * margin, shape[1] + 2 * margin), np.float32)
    brightness = _stream(seed, frame, 1).lognormal(0.0, 0.25, nuclei)
    plain = np.zeros_like(height)
    for body, (row, col), bright in zip(bodies, corners, brightness, strict=True):
        window = slice(row, row + body.mask.shape[0]), slice(col, col + body.mask.shape[1])
        height[window] += bright * body.height
        plain[window] += body.height
    cut = slice(margin, margin + shape[0]), slice(margin, margin + shape[1])
    # The camera has random numbers of its own, so that a frame is the same at every noise level.
    light = [_dapi(_stream(seed, frame, 2), height[cut], stain)]
    light += _colours(_stream(seed, frame, 3), plain[cut], signals, len(probes), nuclei, stain)
    noise = _stream(seed, frame, 4)
    planes = [_camera(noise, photons, stain) for photons in light]
    touching = _touching(seen, shape)
    cells = Instances(
        shape,
        np.array([box for box, _ in seen], np.int64).reshape(-1, 4),
        tuple(mask for _, mask in seen),
        class_names=("nucleus",),
        tags=tuple({"kind": k, "touching": bool(t)} for k, t in zip(kinds, touching, strict=True)),
    )
    image = Image(
        np.stack(planes),
        "CYX",
        (size, size),
        ("DAPI", *(f"ch{i + 1}" for i in range(len(probes)))),
        {"frame": frame, "seed": seed},
    )
    return FishFrame(Sample(f"frame_{frame:03d}", image, cells), counts, signals, tuple(probes))


def _dapi(rng: np.random.Generator, height: np.ndarray, stain: FishStain) -> np.ndarray:
    """The nuclei as the DAPI channel shows them, in photons."""
    texture = ndimage.gaussian_filter(rng.standard_normal(height.shape, np.float32), 3.0)
    texture *= 0.12 / max(float(texture.std()), 1e-6)
    light = 300.0 * height * (1.0 + texture)
    light = ndimage.gaussian_filter(light, 0.2 / stain.pixel_size)
    # Light out of focus lies around the nuclei and under them.
    haze = _soft(light, 2.0 * stain.diameter / stain.pixel_size)
    vignette, uneven = _illumination(rng, height.shape, stain)
    return vignette * (light + 0.15 * haze + 25.0 * uneven)


def _colours(
    rng: np.random.Generator,
    height: np.ndarray,
    signals: Signals,
    probes: int,
    nuclei: int,
    stain: FishStain,
) -> list[np.ndarray]:
    """The channels of the probes, in photons."""
    shape, size = height.shape, stain.pixel_size
    factor = np.ones(probes)
    factor[int(rng.integers(probes))] = stain.dim
    light = [np.zeros(shape, np.float32) for _ in range(probes)]
    per_nucleus = rng.lognormal(0.0, 0.15, max(nuclei, 1))
    for probe in range(probes):
        width = rng.uniform(*stain.width) / size
        for index in np.flatnonzero(signals.probe == probe).tolist():
            peak = stain.photons * factor[probe] * rng.lognormal(0.0, stain.light)
            peak *= per_nucleus[signals.nucleus[index]]
            own = width * rng.uniform(0.9, 1.1)
            place = signals.places[index]
            if rng.random() < stain.split:
                away, angle = rng.uniform(*stain.split_distance) / size, rng.uniform(0, 2 * np.pi)
                half = 0.5 * away * np.array([np.sin(angle), np.cos(angle)])
                for middle in (place - half, place + half):
                    _add_spot(light[probe], middle, own, 0.5 * peak)
            else:
                _add_spot(light[probe], place, own, peak)
    dust = np.zeros(shape, np.float32)
    for _ in range(int(rng.poisson(stain.debris * nuclei))):
        width = np.exp(rng.uniform(np.log(0.2), np.log(1.6))) / size
        _add_spot(dust, rng.random(2) * shape, width, stain.photons * rng.lognormal(-0.5, 0.7))
    planes = []
    for probe in range(probes):
        seen = light[probe].copy()
        for other in (probe - 1, probe + 1):
            if 0 <= other < probes:
                seen += rng.uniform(*stain.bleed) * light[other]
        vignette, uneven = _illumination(rng, shape, stain)
        ground = rng.uniform(*stain.background) * uneven + rng.uniform(*stain.glow) * height
        seen += ground.astype(np.float32) + rng.uniform(0.4, 1.0) * dust
        planes.append(vignette * seen)
    return planes


def _add_spot(canvas: np.ndarray, place: np.ndarray, width: float, peak: float) -> None:
    """Add a Gaussian spot; what lies outside the canvas is lost."""
    reach = int(np.ceil(4.0 * width))
    row, col = (round(float(v)) for v in place)
    row0, col0 = max(row - reach, 0), max(col - reach, 0)
    row1, col1 = min(row + reach + 1, canvas.shape[0]), min(col + reach + 1, canvas.shape[1])
    if row0 >= row1 or col0 >= col1:
        return
    down = np.exp(-0.5 * ((np.arange(row0, row1) - place[0]) / width) ** 2)
    across = np.exp(-0.5 * ((np.arange(col0, col1) - place[1]) / width) ** 2)
    canvas[row0:row1, col0:col1] += (peak * down[:, None] * across[None, :]).astype(np.float32)


def _illumination(
    rng: np.random.Generator, shape: tuple[int, int], stain: FishStain
) -> tuple[np.ndarray, np.ndarray]:
    """Vignette (at most 1) and slow unevenness (about 1), float32."""
    rows = np.linspace(-1, 1, shape[0], dtype=np.float32)[:, None]
    cols = np.linspace(-1, 1, shape[1], dtype=np.float32)[None, :]
    vignette = 1.0 - 0.5 * stain.vignetting * (rows**2 + cols**2)
    grid = ndimage.gaussian_filter(rng.standard_normal((24, 24)), 3.0)
    grid = np.exp(stain.unevenness * grid / max(float(grid.std()), 1e-6))
    return vignette, _stretched(grid, shape)


def _soft(plane: np.ndarray, width: float) -> np.ndarray:
    """A wide blur, made on a coarse grid."""
    step = max(1, int(width / 4))
    coarse = ndimage.uniform_filter(plane, step)[::step, ::step]
    return _stretched(ndimage.gaussian_filter(coarse, width / step), plane.shape)


def _stretched(grid: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    from PIL import Image as Pillow

    picture = Pillow.fromarray(np.asarray(grid, np.float32))
    return np.asarray(picture.resize(shape[::-1], Pillow.Resampling.BICUBIC), np.float32)


def _camera(rng: np.random.Generator, photons: np.ndarray, stain: FishStain) -> np.ndarray:
    """Counts of a 16-bit camera with a gain of 4, 2 photons of read noise and an offset of 200."""
    taken = rng.poisson(np.maximum(photons, 0.0) / stain.noise**2).astype(np.float32)
    taken += 2.0 * rng.standard_normal(photons.shape, np.float32)
    return np.clip(np.rint(4.0 * taken + 200.0), 0, 65535).astype(np.uint16)


def _touching(
    seen: Sequence[tuple[tuple[int, int, int, int], np.ndarray]], shape: tuple[int, int]
) -> np.ndarray:
    """(N,) bool: nuclei with at most one pixel between them and another one."""
    owner = np.zeros(shape, np.int32)
    for i, ((row0, col0, row1, col1), mask) in enumerate(seen, start=1):
        owner[row0:row1, col0:col1][mask] = i
    near = np.zeros(len(seen) + 1, bool)
    for gap in (1, 2):
        for a, b in ((owner[:-gap], owner[gap:]), (owner[:, :-gap], owner[:, gap:])):
            meet = (a != b) & (a > 0) & (b > 0)
            near[a[meet]] = near[b[meet]] = True
    return near[1:]


def _stream(seed: int, frame: int, part: int) -> np.random.Generator:
    """Random numbers of one part of one frame, independent of all others."""
    return np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(frame, part)))
