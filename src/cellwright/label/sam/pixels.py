"""From a microscope's pixels to what SAM saw in training: 8-bit red, green and blue.

8-bit images of one or three channels are taken as they are, as the reference does. Others
are stretched per channel from percentile 1 to 99.8 of the whole image to 0..255, as micro-SAM's
users do before they open an image there.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from torch import Tensor
from torchvision.transforms import InterpolationMode
from torchvision.transforms.v2 import functional as vision

from cellwright.types import Image, InputError

MEAN = (0.485, 0.456, 0.406)
STD = (0.229, 0.224, 0.225)
#: pixels of a channel beyond which percentiles are taken of an even spread of them
SAMPLED = 2**24
BAND = 1024


@dataclass(frozen=True, slots=True)
class Stretch:
    """How pixels become 8-bit values.

    Parameters
    ----------
    channels
        Indices or names of one to three channels; None takes all, if there are at most three.
    stretch
        ``"auto"`` stretches what is not 8-bit with one or three channels, ``"always"`` and
        ``"never"`` say it.
    percentiles
        Values mapped to 0 and 255.
    """

    channels: tuple[int | str, ...] | None = None
    stretch: Literal["auto", "always", "never"] = "auto"
    percentiles: tuple[float, float] = (1.0, 99.8)

    def __post_init__(self) -> None:
        if self.stretch not in ("auto", "always", "never"):
            raise InputError(f"stretch {self.stretch!r} is unknown: auto, always or never")
        low, high = self.percentiles
        if not 0 <= low < high <= 100:
            raise InputError(f"percentiles {self.percentiles} came: 0 <= low < high <= 100")


@dataclass(frozen=True, slots=True)
class View:
    """A two-dimensional image with the channels to show and the limits of each.

    Parameters
    ----------
    image
        Axes ``"YX"`` or ``"CYX"``.
    channels
        One to three indices.
    limits
        Values that become 0 and 255 for each channel; None leaves 8-bit values as they are.
    """

    image: Image
    channels: tuple[int, ...]
    limits: tuple[tuple[float, float], ...] | None

    def rgb(self, window: tuple[slice, slice]) -> np.ndarray:
        """A window as uint8 (channel, row, column) of red, green and blue."""
        stack = self.image.stack(window)[list(self.channels)]
        if self.limits is None:
            colours = stack.astype(np.uint8)
        else:
            parts = [
                np.clip((plane.astype(np.float32) - low) * (255 / max(high - low, 1e-12)), 0, 255)
                for plane, (low, high) in zip(stack, self.limits, strict=True)
            ]
            colours = np.nan_to_num(np.stack(parts)).astype(np.uint8)
        if len(colours) == 1:
            return np.repeat(colours, 3, axis=0)
        if len(colours) == 2:
            return np.concatenate([colours, np.zeros_like(colours[:1])])
        return colours

    def digest(self) -> str:
        """SHA-256 of the pixels shown, their limits included."""
        found = hashlib.sha256()
        rows, cols = self.image.shape
        found.update(repr((rows, cols, self.channels, self.limits)).encode())
        for top in range(0, rows, BAND):
            window = (slice(top, min(top + BAND, rows)), slice(0, cols))
            band = np.ascontiguousarray(self.image.stack(window)[list(self.channels)])
            found.update(f"{band.dtype.str}{band.shape}".encode())
            found.update(band.tobytes())
        return found.hexdigest()


def view_of(image: Image, stretch: Stretch) -> View:
    """What SAM shall see of `image`.

    Raises
    ------
    InputError
        If the image has planes or time points, or more than three channels without a choice.
    """
    if image.axes not in ("YX", "CYX"):
        raise InputError(
            f"an image with axes {image.axes} came; SAM looks at one plane with axes YX or CYX: "
            "choose a plane or a projection"
        )
    channels = _channels(image, stretch.channels)
    dtype = np.dtype(image.data.dtype)
    plain = dtype == np.uint8 and len(channels) in (1, 3)
    if stretch.stretch == "never" or (stretch.stretch == "auto" and plain):
        if dtype != np.uint8:
            raise InputError(f"pixels of type {dtype} must be stretched; only uint8 can be shown")
        return View(image, channels, None)
    step = max(1, int(np.ceil(np.sqrt(image.shape[0] * image.shape[1] / SAMPLED))))
    sample = image.stack((slice(None, None, step), slice(None, None, step)))[list(channels)]
    limits = []
    for plane in sample:
        values = plane.astype(np.float32).ravel()
        values = values[np.isfinite(values)]
        if not len(values):
            raise InputError("a channel of the image has no finite pixel; nothing can be shown")
        low, high = np.percentile(values, stretch.percentiles)
        if low == high:
            low, high = float(values.min()), float(values.max())
        limits.append((float(low), float(high)))
    return View(image, channels, tuple(limits))


def _channels(image: Image, wanted: tuple[int | str, ...] | None) -> tuple[int, ...]:
    count = image.size("C")
    if wanted is None:
        if count > 3:
            raise InputError(
                f"an image of {count} channels came ({', '.join(image.channels) or 'no names'}); "
                "SAM sees one to three: choose them by channels="
            )
        return tuple(range(count))
    if not 1 <= len(wanted) <= 3:
        raise InputError(f"{len(wanted)} channels were chosen; SAM sees one to three")
    lower = [name.lower() for name in image.channels]
    found = []
    for channel in wanted:
        if isinstance(channel, str):
            if channel.lower() not in lower:
                raise InputError(
                    f"there is no channel {channel!r}; there are {', '.join(image.channels)}"
                )
            found.append(lower.index(channel.lower()))
        elif 0 <= channel < count:
            found.append(channel)
        else:
            raise InputError(f"there is no channel {channel}; the image has {count}, from 0")
    return tuple(found)


def input_size(shape: tuple[int, int], side: int, *, square: bool) -> tuple[int, int]:
    """Rows and columns of an image of `shape` in the network's input of `side` pixels.

    SAM scales the longest side to it and pads, SAM 2 stretches to a square.
    """
    if square:
        return side, side
    scale = side / max(shape)
    return int(shape[0] * scale + 0.5), int(shape[1] * scale + 0.5)


def network_input(rgb: np.ndarray, side: int, *, square: bool) -> Tensor:
    """A uint8 (channel, row, column) picture as the normalised (1, 3, side, side) input."""
    size = input_size(rgb.shape[-2:], side, square=square)
    scaled = vision.resize(
        torch.from_numpy(np.ascontiguousarray(rgb)),
        list(size),
        interpolation=InterpolationMode.BILINEAR,
        antialias=True,
    )
    mean = torch.tensor(MEAN).view(3, 1, 1) * 255
    std = torch.tensor(STD).view(3, 1, 1) * 255
    values = (scaled.float() - mean) / std
    return torch.nn.functional.pad(values, (0, side - size[1], 0, side - size[0]))[None]
