"""Crops to train on: drawn from labelled frames, the same for the same seed, epoch and number."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import Dataset as TorchDataset

from cellwright.augment import Warp, change_intensity, draw_warp, intensity_range, normalise
from cellwright.types import Codec, InputError, Sample
from cellwright.zoo.method import Normalisation

Batch = tuple[Tensor, dict[str, Tensor]]


class Frames:
    """Labelled frames with their targets, encoded once and kept up to a number of bytes.

    Parameters
    ----------
    samples
        Samples with instances; read lazily.
    codec
        Encodes the instances.
    normalisation
        Of the input.
    memory_limit
        Bytes of frames and targets kept; further frames are read again at each use.
    """

    def __init__(
        self,
        samples: Sequence[Sample],
        *,
        codec: Codec,
        normalisation: Normalisation,
        memory_limit: int = 4 * 2**30,
    ) -> None:
        self.samples = samples
        self.codec = codec
        self.normalisation = normalisation
        self._free = memory_limit
        self._kept: dict[int, tuple[np.ndarray, dict[str, np.ndarray]]] = {}

    def __len__(self) -> int:
        return len(self.samples)

    def __getitem__(self, index: int) -> tuple[np.ndarray, dict[str, np.ndarray]]:
        """Image (plane, row, column) float32 and targets by name (channel, row, column)."""
        if index in self._kept:
            return self._kept[index]
        sample = self.samples[index]
        if sample.instances is None:
            raise InputError(f"{sample.name} has no labels; label it or leave it out with --where")
        planes = sample.image.stack()
        how = self.normalisation
        bounds = intensity_range(planes, low=how.low, high=how.high, kind=how.kind)
        image = normalise(planes, *bounds)
        targets = {
            name: value.numpy().astype(np.float16)
            for name, value in self.codec.encode(sample.instances).items()
        }
        size = image.nbytes + sum(t.nbytes for t in targets.values())
        if size <= self._free:
            self._free -= size
            self._kept[index] = image, targets
        return image, targets


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
    """

    size: tuple[int, int] = (256, 256)
    scale: tuple[float, float] = (0.6, 1.7)
    seed: int = 0


class Crops(TorchDataset[Batch]):
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
    """

    def __init__(self, frames: Frames, *, settings: CropSettings, epoch: int, count: int) -> None:
        self.frames = frames
        self.settings = settings
        self.epoch = epoch
        self.count = count
        rng = np.random.default_rng([settings.seed, epoch])
        areas = np.sqrt([float(np.prod(s)) for s in frame_shapes(frames.samples)])
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

    def __getitem__(self, index: int) -> Batch:
        """Image (plane, row, column) and targets by name."""
        rng = np.random.default_rng([self.settings.seed, self.epoch, index])
        image, targets = self.frames[int(self.order[index])]
        warp = draw_warp(rng, image.shape[1:], self.settings.size, scale=self.settings.scale)
        crop = change_intensity(warp.array(image), rng)
        return torch.from_numpy(crop), {
            name: torch.from_numpy(warp.array(value)) for name, value in targets.items()
        }


class FixedCrops(TorchDataset[Batch]):
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

    def __getitem__(self, index: int) -> Batch:
        """Image (plane, row, column) and targets by name."""
        number, warp = self.places[index]
        image, targets = self.frames[number]
        return torch.from_numpy(warp.array(image)), {
            name: torch.from_numpy(warp.array(value)) for name, value in targets.items()
        }


def frame_shapes(samples: Sequence[Sample]) -> list[tuple[int, int]]:
    """Rows and columns of each sample, without reading pixels where the data set knows them."""
    shape = getattr(samples, "shape", None)
    if shape is not None:
        return [shape(i) for i in range(len(samples))]
    return [s.image.shape for s in samples]


def crops_per_epoch(shapes: Sequence[tuple[int, int]], size: tuple[int, int]) -> int:
    """Crops that show every frame about once, at least 64."""
    windows = sum(max(1.0, rows * cols / (size[0] * size[1])) for rows, cols in shapes)
    return int(max(64, np.ceil(windows)))
