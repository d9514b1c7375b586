"""Geometric and intensity transforms of a sample, drawn once, applied to all its parts."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from cellwright.types import InputError, Instances


@dataclass(frozen=True, slots=True)
class Warp:
    """A crop taken from a frame after turning, mirroring and scaling it.

    Parameters
    ----------
    matrix
        (2, 2): crop offsets from its centre to frame offsets, (row, column).
    centre
        (row, column) of the frame that the centre of the crop shows.
    size
        Rows and columns of the crop.
    """

    matrix: np.ndarray
    centre: tuple[float, float]
    size: tuple[int, int]

    @property
    def offset(self) -> np.ndarray:
        """Frame position of the crop's first pixel."""
        middle = (np.array(self.size) - 1) / 2
        return np.array(self.centre) - self.matrix @ middle

    def array(
        self, frame: np.ndarray, *, order: int = 1, outside: np.ndarray | None = None
    ) -> np.ndarray:
        """The crop of each channel of (channel, row, column).

        `order` 0 takes the nearest pixel (for labels), 1 interpolates. Beyond the frame the
        crop is mirrored, or has the value of its channel in `outside`.
        """
        low, high = self._reach(frame.shape[-2:])
        part = frame[:, low[0] : high[0], low[1] : high[1]].astype(np.float32, copy=False)
        return np.stack(
            [
                ndimage.affine_transform(
                    channel,
                    self.matrix,
                    self.offset - low,
                    output_shape=self.size,
                    order=order,
                    mode="mirror" if outside is None else "constant",
                    cval=0.0 if outside is None else float(outside[number]),
                )
                for number, channel in enumerate(part)
            ]
        )

    def _reach(self, shape: tuple[int, int]) -> tuple[np.ndarray, np.ndarray]:
        """The part of the frame that the crop reads; all of it where the crop leaves the frame."""
        half = np.abs(self.matrix) @ (np.array(self.size) / 2) + 2
        low = np.floor(np.array(self.centre) - half).astype(int)
        high = np.ceil(np.array(self.centre) + half).astype(int)
        inside = (low >= 0) & (high <= shape)
        return np.where(inside, low, 0), np.where(inside, high, shape)

    def instances(self, instances: Instances) -> Instances:
        """The instances seen by the crop (nearest pixel); those outside are left out.

        Unlike `array`, nothing is mirrored in from beyond the frame.
        """
        inverse = np.linalg.inv(self.matrix)
        boxes, masks, kept = [], [], []
        for number, (box, mask) in enumerate(zip(instances.boxes, instances.masks, strict=True)):
            corners = np.array(
                [(r, c) for r in (box[0] - 0.5, box[2] - 0.5) for c in (box[1] - 0.5, box[3] - 0.5)]
            )
            seen = (corners - self.offset) @ inverse.T
            low = np.maximum(np.floor(seen.min(axis=0)).astype(int), 0)
            high = np.minimum(np.ceil(seen.max(axis=0)).astype(int) + 1, self.size)
            if (low >= high).any():
                continue
            grid = np.indices(high - low).reshape(2, -1) + low[:, None]
            source = np.rint(self.matrix @ grid + self.offset[:, None]).astype(int)
            source -= box[:2, None]
            inside = ((source >= 0) & (source < np.array(mask.shape)[:, None])).all(axis=0)
            out = np.zeros(grid.shape[1], dtype=bool)
            out[inside] = mask[tuple(source[:, inside])]
            if out.any():
                boxes.append((*low, *high))
                masks.append(out.reshape(high - low))
                kept.append(number)
        chosen = instances[np.array(kept, dtype=int)]
        return Instances(
            self.size,
            np.array(boxes).reshape(-1, 4),
            tuple(masks),
            chosen.scores,
            chosen.classes,
            chosen.class_names,
            chosen.tags,
        )


def draw_warp(
    rng: np.random.Generator,
    shape: tuple[int, int],
    size: tuple[int, int],
    *,
    scale: tuple[float, float] = (0.6, 1.7),
    turn: bool = True,
) -> Warp:
    """A random crop: place, mirror, turn by any angle, scale, a little unequal in its axes.

    Parameters
    ----------
    shape, size
        Rows and columns of the frame and of the crop.
    scale
        Range of magnification, drawn evenly on a log scale.
    turn
        Any angle; otherwise quarter turns only.
    """
    zoom = np.exp(rng.uniform(np.log(scale[0]), np.log(scale[1])))
    stretch = np.exp(rng.uniform(-0.1, 0.1))
    angle = (
        rng.uniform(0, 2 * np.pi) if turn and rng.random() < 0.5 else rng.integers(4) * np.pi / 2
    )
    rotation = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    mirror = np.diag([1.0, rng.choice([-1.0, 1.0])])
    matrix = rotation @ mirror @ np.diag([1 / (zoom * stretch), stretch / zoom])
    matrix = np.where(np.abs(matrix) < 1e-12, 0, matrix)
    half = np.minimum(np.array(size) / zoom, shape) / 2
    centre = tuple(
        rng.uniform(h - 0.5, s - h - 0.5 + 1e-9) for h, s in zip(half, shape, strict=True)
    )
    return Warp(matrix, centre, size)


def change_intensity(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Gamma, gain, uneven light, offset, blur and noise at random, per channel.

    The ranges are wide on purpose: images of another microscope differ from those trained on
    more than these among each other.

    Parameters
    ----------
    image
        (channel, row, column) float32, normalised so that most values lie in [0, 1].
    """
    image = image.copy()
    for channel in image:
        _gamma(channel, rng, chance=0.5, most=0.7)
        channel *= np.exp(rng.uniform(-0.5, 0.5))
        if rng.random() < 0.4:
            channel *= uneven_light(rng, channel.shape, strength=rng.uniform(0.2, 0.8))
        channel += rng.normal(0, 0.05)
        _blur_and_noise(channel, rng, blurred=0.2)
    return image


def change_transmitted(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Sign and size of the contrast, gamma, uneven light, blur and noise at random, per channel.

    For light that passes the cells: they are darker or brighter than a background of middle
    intensity, and both through focus, so that three crops in ten are inverted and contrast
    changes about the background.

    Parameters
    ----------
    image
        As of `change_intensity`.
    """
    image = image.copy()
    for channel in image:
        if rng.random() < 0.3:
            channel[:] = 1 - channel
        _gamma(channel, rng, chance=0.3, most=0.4)
        middle = np.median(channel[::4, ::4])
        channel[:] = middle + (channel - middle) * np.exp(rng.uniform(-0.7, 0.7))
        if rng.random() < 0.4:
            channel *= uneven_light(rng, channel.shape, strength=rng.uniform(0.05, 0.3))
        channel += rng.normal(0, 0.1)
        _blur_and_noise(channel, rng, blurred=0.25)
    return image


def _gamma(channel: np.ndarray, rng: np.random.Generator, *, chance: float, most: float) -> None:
    """Raise a channel to a power between exp(-most) and exp(most), its sign kept."""
    if rng.random() < chance:
        gamma = np.exp(rng.uniform(-most, most))
        channel[:] = np.sign(channel) * np.abs(channel) ** gamma


def _blur_and_noise(channel: np.ndarray, rng: np.random.Generator, *, blurred: float) -> None:
    """Blur a channel, with the chance `blurred`, and add noise to three in ten."""
    if rng.random() < blurred:
        channel[:] = ndimage.gaussian_filter(channel, rng.uniform(0.4, 1.6))
    if rng.random() < 0.3:
        channel += rng.normal(0, rng.uniform(0.01, 0.1), channel.shape).astype(np.float32)


def uneven_light(
    rng: np.random.Generator, shape: tuple[int, ...], *, strength: float
) -> np.ndarray:
    """A smooth field of gains around 1, float32 (row, column): some places bright, some dim.

    `strength` is the standard deviation of the gain's logarithm, drawn on a coarse grid of
    5 x 5 points and interpolated between them.
    """
    coarse = rng.normal(0, strength, (5, 5))
    rows, cols = (np.linspace(0, 4, n) for n in shape)
    lines = np.stack([np.interp(cols, np.arange(5), line) for line in coarse])
    low = np.minimum(rows.astype(int), 3)
    share = (rows - low)[:, None]
    field = lines[low] * (1 - share) + lines[low + 1] * share
    return np.exp(field).astype(np.float32)


def normalise(image: np.ndarray, low: np.ndarray, high: np.ndarray) -> np.ndarray:
    """Intensities with `low` at 0 and `high` at 1, float32, not clipped.

    Parameters
    ----------
    image
        (channel, row, column).
    low, high
        (channel,), from `intensity_range`.
    """
    span = np.maximum(high - low, 1e-6)[:, None, None]
    moved = image - low[:, None, None]
    moved /= span
    return moved.astype(np.float32, copy=False)


#: how intensities are changed for training, by what is imaged
LIGHTS: dict[str, Callable[[np.ndarray, np.random.Generator], np.ndarray]] = {
    "fluorescence": change_intensity,
    "transmitted": change_transmitted,
}

NORMALISATIONS = ("percentile", "min-max", "z-score")


def intensity_range(
    planes: np.ndarray, *, low: float = 1.0, high: float = 99.8, kind: str = "percentile"
) -> tuple[np.ndarray, np.ndarray]:
    """What `normalise` maps to 0 and 1 in each plane.

    Parameters
    ----------
    planes
        (plane, row, column).
    low, high
        Percentiles, for "percentile".
    kind
        "percentile"; "min-max" (P2, section 4.3: pixel values between 0 and 1); "z-score": the
        mean, and the mean and one standard deviation.

    Returns
    -------
    tuple
        Two float32 arrays of (plane,).
    """
    flat = planes.reshape(len(planes), -1)
    if kind == "min-max":
        return flat.min(axis=1).astype(np.float32), flat.max(axis=1).astype(np.float32)
    if kind == "z-score":
        mean = flat.mean(axis=1, dtype=np.float64)
        spread = flat.std(axis=1, dtype=np.float64)
        return mean.astype(np.float32), (mean + spread).astype(np.float32)
    if kind != "percentile":
        raise InputError(f"normalisation {kind!r} is not known; one of {NORMALISATIONS} is wanted")
    bounds = np.percentile(flat, [low, high], axis=1).astype(np.float32)
    return bounds[0], bounds[1]
