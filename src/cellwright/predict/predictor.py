"""The predictor: a trained method that segments frames of any size."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import torch
from torch import Tensor

from cellwright.augment import intensity_range, normalise
from cellwright.codecs.instances import FLOOR
from cellwright.device import computes_in_half, resolve
from cellwright.nets.folded_norm import without_norms
from cellwright.predict.evidence import Candidates, Evidence, Maps
from cellwright.predict.windows import (
    MAP_TILE,
    Tiling,
    batches,
    outer_shape,
    placed,
    quarters,
    thinned,
)
from cellwright.tiling.maps import MapStore, average_weight
from cellwright.tiling.plan import Window
from cellwright.types import Image, InputError, Instances
from cellwright.zoo.checkpoint import ModelCard
from cellwright.zoo.instance import least_score
from cellwright.zoo.method import DenseMethod

log = logging.getLogger(__name__)

#: rows and columns of a window where the model does not say what it was trained on
WINDOW = (256, 256)
#: share of the cells a method can answer above which a window is cut into four
CROWDED = 0.8
#: rows or columns below which a core is not cut further
LEAST_CORE = 32


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
    inverted
        Show the network images turned bright for dark.
    """

    method: Any
    card: ModelCard
    tiling: Tiling = field(default_factory=Tiling)
    device: str = "cpu"
    half: bool = False
    batch_size: int = 8
    inverted: bool = False

    def segment(self, image: Image) -> Instances:
        """Cells of `image`, whose planes must be as many as the model was trained on."""
        return self.segment_many([image])[0]

    def segment_many(self, images: Sequence[Image]) -> list[Instances]:
        """Cells of several images; windows of equal shape share a batch."""
        seen = self.evidence(images, least=least_score(self.method.codec))
        try:
            return [one.cells(self.method) for one in seen]
        finally:
            for one in seen:
                one.close()

    def evidence(self, images: Sequence[Image], *, least: float = FLOOR) -> list[Evidence]:
        """What the network sees in each image; close each after use.

        Cells of a score below `least` are left out where each cell is drawn by itself.
        """
        for image in images:
            self.check(image)
        if hasattr(self.method, "for_tags"):
            routed = (replace(self, method=self.method.for_tags(i.tags)) for i in images)
            return [p._maps([i])[0] for p, i in zip(routed, images, strict=True)]
        if isinstance(self.method, DenseMethod):
            return self._maps(images)
        if self.tiling.average:
            raise InputError(
                f"windows of {self.card.method} cannot be averaged: it draws each cell by itself "
                "and has no maps; leave out --average"
            )
        return [self._candidates(image, least) for image in images]

    def probabilities(self, image: Image) -> np.ndarray:
        """All maps of a frame, (map channel, row, column) float32."""
        (seen,) = self.evidence([image])
        try:
            if not isinstance(seen, Maps):
                raise InputError(f"{self.card.method} has no maps: it draws each cell by itself")
            return seen.array()
        finally:
            seen.close()

    def check(self, image: Image) -> None:
        """Raise InputError if the model was not made for such an image."""
        if image.planes != self.card.inputs:
            named = f" ({', '.join(self.card.channels)})" if self.card.channels else ""
            raise InputError(
                f"the image has {image.planes} planes (axes {image.axes!r}), the model takes "
                f"{self.card.inputs}{named}; choose channels or a projection at import, "
                "or train a model on such images"
            )

    @torch.inference_mode()
    def _maps(self, images: Sequence[Image]) -> list[Evidence]:
        """Run the network over all windows of all images."""
        channels = sum(self.method.codec.maps.values())
        largest = getattr(self.method.net, "tile", MAP_TILE)
        stores = [MapStore((channels, *image.shape)) for image in images]
        bounds = [self._bounds(image) for image in images]
        windows = [
            self.tiling.windows(
                image.shape, multiple=self.method.stride, seen=None, largest=largest
            )
            for image in images
        ]
        jobs = ((n, w) for n, some in enumerate(windows) for w in some)
        try:
            for batch in batches(jobs, self._batch_limit):
                inputs = self._inputs([(images[n], w, bounds[n]) for n, w in batch])
                look = self.method.probabilities if self.tiling.average else self.method.kept
                with self._autocast():
                    outputs = look(inputs).cpu().numpy()
                for (n, window), maps in zip(batch, outputs, strict=True):
                    if self.tiling.average:
                        weight = average_weight(window, windows[n])
                        stores[n].add(*window.slices, maps * weight)
                    else:
                        stores[n].write(*window.core_slices, maps[(..., *window.core_in_outer)])
        except BaseException:
            for store in stores:
                store.__exit__(None, None, None)
            raise
        return [
            Maps(store, tuple(self.tiling.blocks(image.shape)), image.shape)
            for store, image in zip(stores, images, strict=True)
        ]

    @torch.inference_mode()
    def _candidates(self, image: Image, least: float) -> Candidates:
        """Run the network over the windows of an image; crowded ones are cut into four."""
        bounds = self._bounds(image)
        seen = self.card.window or WINDOW
        halo = self.tiling.halo or (seen[0] // 4, seen[1] // 4)
        stride = self.method.stride
        waiting = self.tiling.windows(image.shape, multiple=stride, seen=seen)
        parts: list[tuple[Window, Instances]] = []
        while waiting:
            again: list[Window] = []
            for batch in batches(((0, w) for w in waiting), self._batch_limit):
                inputs = self._inputs([(image, w, bounds) for _, w in batch])
                with self._autocast():
                    outputs = self.method.candidates(inputs, least=least)
                for (_, window), found in zip(batch, outputs, strict=True):
                    if self._crowded(window, found):
                        again.extend(quarters(window, image.shape, halo))
                    else:
                        parts.append((window, placed(found, window.outer[:2], image.shape)))
            if again:
                log.info(
                    "%d windows hold nearly the %d cells that %s can answer: they are cut in four",
                    len(again) // 4, self.method.codec.capacity, self.card.method,
                )  # fmt: skip
            waiting = again
        return Candidates(tuple(parts))

    def _crowded(self, window: Window, found: Instances) -> bool:
        capacity = getattr(self.method.codec, "capacity", None)
        r0, c0, r1, c1 = window.core
        if not capacity or min(r1 - r0, c1 - c0) < 2 * LEAST_CORE:
            return False
        return len(self.method.codec.select(found)) >= CROWDED * capacity

    def _inputs(self, some: Sequence[tuple[Image, Window, Any]]) -> Tensor:
        """Windows of one shape as a batch on the device."""
        planes = np.stack([normalise(i.stack(w.slices), *bounds) for i, w, bounds in some])
        tensor = torch.from_numpy(1 - planes if self.inverted else planes).to(self.device)
        return tensor.contiguous(memory_format=torch.channels_last)

    def _autocast(self) -> AbstractContextManager[Any]:
        kind = torch.device(self.device).type
        return torch.autocast(kind, torch.bfloat16) if self.half else nullcontext()

    def _batch_limit(self, window: Window) -> int:
        """Windows of this size that fit a batch: at most a mega pixel, at least one."""
        rows, cols = outer_shape(window)
        return max(1, min(self.batch_size, 2**20 // (rows * cols)))

    def _bounds(self, image: Image) -> tuple[np.ndarray, np.ndarray]:
        how = self.card.normalisation
        ends = (100 - how.high, 100 - how.low) if self.inverted else (how.low, how.high)
        return intensity_range(thinned(image), low=ends[0], high=ends[1], kind=how.kind)


def predictor_for(
    method: Any, card: ModelCard, *, device: str = "auto", tiling: Tiling | None = None
) -> Predictor:
    """A predictor on `device`, in bfloat16 where the device computes with it natively."""
    where = resolve(device)
    method = method.to(where, memory_format=torch.channels_last).eval()
    if type(method) is DenseMethod:
        method = method.with_net(without_norms(method.net))
    return Predictor(method, card, tiling or Tiling(), device=where, half=computes_in_half(where))
