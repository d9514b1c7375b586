"""Crops to train on: drawn from labelled frames, the same for the same seed, epoch and number."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import Dataset as TorchDataset

from cellwright.augment import LIGHTS, Warp, draw_warp
from cellwright.losses.ignored import IGNORE
from cellwright.train.frames import Frame, Frames, frame_shapes

Crop = tuple[Tensor, dict[str, Tensor]]
Batch = tuple[Tensor, dict[str, Tensor | list[Tensor]]]
#: a crop that shows more cells than the method can answer is drawn again so often, larger each time
REDRAWS, CLOSER = 6, 1.3
#: factor by which a frame is magnified or shrunk at most to bring its cells to a diameter
MOST_ZOOM = 4.0


@dataclass(frozen=True, slots=True)
class CropSettings:
    """How crops are drawn.

    Parameters
    ----------
    size
        Rows and columns of a crop in pixels.
    scale
        Range of magnification.
    seed
        Every crop is a function of this, the epoch and its number in the epoch.
    light
        What is imaged, a name of `cellwright.augment.LIGHTS`: how intensities are changed.
    to_diameter
        Half of the crops have the cells of their frame brought to this typical diameter in
        pixels before they are magnified, as prediction brings images to it; None leaves all as
        they are.
    """

    size: tuple[int, int] = (256, 256)
    scale: tuple[float, float] = (0.6, 1.7)
    seed: int = 0
    light: str = "fluorescence"
    to_diameter: float | None = None


class Crops(TorchDataset[Crop]):
    """The augmented crops of one epoch.

    Parameters
    ----------
    frames
        Where they come from; a frame is drawn in proportion to the square root of its area.
    settings
        Size, magnification and seed.
    epoch
        Number of the epoch.
    count
        Crops in the epoch.
    allowed
        Numbers of the frames that are drawn from; None for all.
    """

    def __init__(
        self,
        frames: Frames,
        *,
        settings: CropSettings,
        epoch: int,
        count: int,
        allowed: Collection[int] | None = None,
    ) -> None:
        self.frames = frames
        self.settings = settings
        self.epoch = epoch
        self.count = count
        rng = np.random.default_rng([settings.seed, epoch])
        areas = np.sqrt([float(np.prod(s)) for s in frame_shapes(frames.samples)])
        if allowed is not None:
            areas = areas * np.isin(np.arange(len(areas)), list(allowed))
        per_frame = areas / areas.sum() * count
        order = np.repeat(np.arange(len(frames)), np.floor(per_frame).astype(int))
        rest = per_frame - np.floor(per_frame)
        missing = count - len(order)
        if missing > 0:
            drawn = rng.choice(len(frames), missing, p=rest / rest.sum(), replace=True)
            order = np.concatenate([order, drawn])
        self.order = rng.permutation(order)[:count]

    def __len__(self) -> int:
        return self.count

    def __getitem__(self, index: int) -> Crop:
        """Image (plane, row, column) and targets by name."""
        rng = np.random.default_rng([self.settings.seed, self.epoch, index])
        frame = self.frames[int(self.order[index])]
        image, targets = frame.crop(self._warp(rng, frame))
        return torch.from_numpy(LIGHTS[self.settings.light](image, rng)), targets

    def _warp(self, rng: np.random.Generator, frame: Frame) -> Warp:
        """A random crop with no more cells than the method can answer."""
        size, scale = self.settings.size, self._scale(rng, frame)
        warp = draw_warp(rng, frame.image.shape[1:], size, scale=scale)
        capacity = getattr(frame.codec, "capacity", None)
        for _ in range(REDRAWS if capacity else 0):
            if frame.count(warp) <= capacity:
                break
            scale = (scale[0] * CLOSER, scale[1] * CLOSER)
            warp = draw_warp(rng, frame.image.shape[1:], size, scale=scale)
        return warp

    def _scale(self, rng: np.random.Generator, frame: Frame) -> tuple[float, float]:
        """Range of magnification of a crop of `frame`."""
        low, high = self.settings.scale
        wanted = self.settings.to_diameter
        if wanted is None or frame.diameter is None or rng.random() < 0.5:
            return low, high
        zoom = min(max(wanted / frame.diameter, 1 / MOST_ZOOM), MOST_ZOOM)
        return low * zoom, high * zoom


class FixedCrops(TorchDataset[Crop]):
    """Crops without augmentation, the same at each epoch: what the validation loss is read on."""

    def __init__(self, frames: Frames, *, settings: CropSettings, per_frame: int = 4) -> None:
        self.frames = frames
        self.settings = settings
        self.places: list[tuple[int, Warp]] = []
        for number, shape in enumerate(frame_shapes(frames.samples)):
            rng = np.random.default_rng([settings.seed, number])
            wanted = -(-shape[0] * shape[1] // (settings.size[0] * settings.size[1]))
            for _ in range(min(wanted, per_frame)):
                spare = np.maximum(np.array(shape) - settings.size, 0)
                corner = rng.integers(0, spare + 1)
                centre = corner + (np.array(settings.size) - 1) / 2
                warp = Warp(np.eye(2), (float(centre[0]), float(centre[1])), settings.size)
                self.places.append((number, warp))

    def __len__(self) -> int:
        return len(self.places)

    def __getitem__(self, index: int) -> Crop:
        """Image (plane, row, column) and targets by name."""
        number, warp = self.places[index]
        image, targets = self.frames[number].crop(warp)
        return torch.from_numpy(image), targets


def collate(crops: Sequence[Crop], *, ragged: Collection[str] = ()) -> Batch:
    """Crops as a batch: images and maps stacked, targets of single cells as lists.

    If some crops say what to ignore, in the others that is nothing.
    """
    images, targets = zip(*crops, strict=True)
    if any(IGNORE in t for t in targets):
        nothing = torch.zeros(1, *images[0].shape[-2:])
        targets = tuple({IGNORE: nothing, **t} for t in targets)
    return torch.stack(images), {
        name: [t[name] for t in targets]
        if name in ragged
        else torch.stack([t[name] for t in targets])
        for name in targets[0]
    }


def crops_per_epoch(shapes: Sequence[tuple[int, int]], size: tuple[int, int]) -> int:
    """Crops that show every frame about once, at least 64."""
    windows = sum(max(1.0, rows * cols / (size[0] * size[1])) for rows, cols in shapes)
    return int(max(64, np.ceil(windows)))
