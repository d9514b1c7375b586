"""The predictor: a trained method as a tiled `Segmenter` for frames of any size."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field

import numpy as np
import torch
from torch import Tensor

from cellwright.augment import intensity_range, normalise
from cellwright.device import computes_in_half, resolve
from cellwright.tiling.maps import MapStore, average_weight
from cellwright.tiling.merge import merge
from cellwright.tiling.plan import Window, plan
from cellwright.types import Image, InputError, Instances
from cellwright.zoo.checkpoint import ModelCard
from cellwright.zoo.method import DenseMethod

#: pixels of a frame up to which the intensity percentiles are exact
EXACT_PIXELS = 2**24


@dataclass(frozen=True, slots=True)
class Tiling:
    """How a frame is cut.

    Parameters
    ----------
    tile_shape
        Rows and columns of a tile, without its halo.
    halo
        Rows and columns seen around a tile; at least the reach of the network.
    average
        Keep the halo and average overlapping windows (P4: tile 256, halo 128 gives
        windows of 512 that overlap by 256) instead of cutting it off.
    block
        Rows and columns that are turned into cells at a time.
    block_halo
        Pixels around a block; a cell larger than this is put together from its parts.
    """

    tile_shape: tuple[int, int] = (1024, 1024)
    halo: tuple[int, int] = (128, 128)
    average: bool = False
    block: int = 4096
    block_halo: int = 256


@dataclass(frozen=True, slots=True)
class Predictor:
    """A method with its card, ready to segment images.

    Parameters
    ----------
    method, card
        From `load_model`.
    tiling
        How frames are cut.
    device
        ``"cpu"``, ``"cuda"``, ``"mps"`` or another torch device.
    half
        Compute in bfloat16 (autocast).
    batch_size
        Windows of equal shape computed at once.
    """

    method: DenseMethod
    card: ModelCard
    tiling: Tiling = field(default_factory=Tiling)
    device: str = "cpu"
    half: bool = False
    batch_size: int = 8

    def segment(self, image: Image) -> Instances:
        """Cells of `image`, whose planes must be as many as the model was trained on."""
        return self.segment_many([image])[0]

    def segment_many(self, images: Sequence[Image]) -> list[Instances]:
        """Cells of several images; windows of equal shape share a batch."""
        stores = [self._store(image) for image in images]
        try:
            self._fill(images, stores)
            return [
                self._decode(store, image.shape)
                for store, image in zip(stores, images, strict=True)
            ]
        finally:
            for store in stores:
                store.__exit__(None, None, None)

    def probabilities(self, image: Image) -> np.ndarray:
        """All maps of a frame, (map channel, row, column) float32."""
        with self._store(image) as store:
            self._fill([image], [store])
            return store.read(slice(None), slice(None))

    def check(self, image: Image) -> None:
        """Raise InputError if the model was not made for such an image."""
        if image.planes != self.card.inputs:
            named = f" ({', '.join(self.card.channels)})" if self.card.channels else ""
            raise InputError(
                f"the image has {image.planes} planes (axes {image.axes!r}), the model takes "
                f"{self.card.inputs}{named}; choose channels or a projection at import, "
                "or train a model on such images"
            )

    def _store(self, image: Image) -> MapStore:
        self.check(image)
        return MapStore((sum(self.method.codec.maps.values()), *image.shape))

    def _windows(self, shape: tuple[int, int]) -> list[Window]:
        tiling = self.tiling
        return list(plan(shape, tiling.tile_shape, tiling.halo, multiple=self.method.stride))

    @torch.inference_mode()
    def _fill(self, images: Sequence[Image], stores: Sequence[MapStore]) -> None:
        """Run the network over all windows of all images."""
        bounds = [self._bounds(image) for image in images]
        windows = [self._windows(image.shape) for image in images]
        jobs = ((n, w) for n, some in enumerate(windows) for w in some)
        for batch in batches(jobs, self._batch_limit):
            inputs = np.stack([normalise(images[n].stack(w.slices), *bounds[n]) for n, w in batch])
            outputs = self._run(torch.from_numpy(inputs))
            for (n, window), maps in zip(batch, outputs, strict=True):
                if self.tiling.average:
                    weight = average_weight(window, windows[n])
                    stores[n].add(*window.slices, maps * weight)
                else:
                    stores[n].write(*window.core_slices, maps[(..., *window.core_in_outer)])

    def _run(self, inputs: Tensor) -> np.ndarray:
        inputs = inputs.to(self.device).contiguous(memory_format=torch.channels_last)
        kind = torch.device(self.device).type
        with torch.autocast(kind, torch.bfloat16) if self.half else nullcontext():
            return self.method.probabilities(inputs).cpu().numpy()

    def _batch_limit(self, window: Window) -> int:
        """Windows of this size that fit a batch: at most a mega pixel, at least one."""
        r0, c0, r1, c1 = window.outer
        return max(1, min(self.batch_size, 2**20 // ((r1 - r0) * (c1 - c0))))

    def _bounds(self, image: Image) -> tuple[np.ndarray, np.ndarray]:
        how = self.card.normalisation
        return intensity_range(thinned(image), low=how.low, high=how.high, kind=how.kind)

    def _decode(self, store: MapStore, shape: tuple[int, int]) -> Instances:
        parts = []
        for window in self._blocks(shape):
            maps = torch.from_numpy(store.read(*window.slices))
            found = self.method.decode(maps)
            parts.append((window, placed(found, window.outer[:2], shape)))
        return parts[0][1] if len(parts) == 1 else merge(parts)

    def _blocks(self, shape: tuple[int, int]) -> Iterator[Window]:
        """Blocks of about equal size."""
        side = self.tiling.block
        even = tuple(-(-s // -(-s // side)) for s in shape)
        halo = self.tiling.block_halo
        return plan(shape, (even[0], even[1]), (halo, halo))


def predictor_for(
    method: DenseMethod, card: ModelCard, *, device: str = "auto", tiling: Tiling | None = None
) -> Predictor:
    """A predictor on `device`, in bfloat16 where the device computes with it natively."""
    where = resolve(device)
    method = method.to(where, memory_format=torch.channels_last).eval()
    return Predictor(method, card, tiling or Tiling(), device=where, half=computes_in_half(where))


def placed(found: Instances, corner: tuple[int, int], shape: tuple[int, int]) -> Instances:
    """Instances of a window in the coordinates of a frame of `shape`."""
    return Instances(
        shape,
        found.boxes + np.tile(corner, 2),
        found.masks,
        found.scores,
        found.classes,
        found.class_names,
        found.tags,
    )


def thinned(image: Image) -> np.ndarray:
    """Planes of a frame, thinned beyond `EXACT_PIXELS`, read in bands; (plane, row, column)."""
    rows, cols = image.shape
    step = int(np.ceil(np.sqrt(rows * cols / EXACT_PIXELS))) if rows * cols > EXACT_PIXELS else 1
    if step == 1:
        return image.stack()
    band = step * max(1, 2**22 // (cols * step))
    return np.concatenate(
        [
            image.stack((slice(r, min(r + band, rows)), slice(None)))[:, ::step, ::step]
            for r in range(0, rows, band)
        ],
        axis=1,
    )


def batches(
    jobs: Iterator[tuple[int, Window]], limit: Callable[[Window], int]
) -> Iterator[list[tuple[int, Window]]]:
    """Consecutive jobs whose outer windows have one shape, at most ``limit(window)`` at a time."""
    batch: list[tuple[int, Window]] = []
    for job in jobs:
        size = outer_shape(job[1])
        if batch and (outer_shape(batch[0][1]) != size or len(batch) >= limit(job[1])):
            yield batch
            batch = []
        batch.append(job)
    if batch:
        yield batch


def outer_shape(window: Window) -> tuple[int, int]:
    """Rows and columns of the outer window."""
    r0, c0, r1, c1 = window.outer
    return r1 - r0, c1 - c0
