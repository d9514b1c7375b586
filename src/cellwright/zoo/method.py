"""The method that predicts maps: network, criterion and codec put together."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor, nn

from cellwright.losses.ignored import judged
from cellwright.types import Codec, InputError, Instances

Criterion = Callable[[Mapping[str, Tensor], Mapping[str, Tensor]], dict[str, Tensor]]


class DenseMethod(nn.Module):
    """A network whose channels are the codec's maps.

    Parameters
    ----------
    net
        (image, inputs, row, column) to logits (image, sum of map channels, row, column);
        its `stride` is what rows and columns must be multiples of.
    criterion
        Losses by name from logits by name and targets by name.
    codec
        Its `maps` gives the names and channels of the network's outputs.
    """

    def __init__(self, net: nn.Module, *, criterion: Criterion, codec: Codec) -> None:
        super().__init__()
        self.net = net
        self.criterion = criterion
        self.codec = codec

    @property
    def stride(self) -> int:
        """Rows and columns are padded to multiples of this."""
        return int(self.net.stride)

    def logits(self, images: Tensor) -> dict[str, Tensor]:
        """Maps by name, of any rows and columns: padded by reflection, cut back after."""
        parts = self._raw(images).split(list(self.codec.maps.values()), dim=1)
        return dict(zip(self.codec.maps, parts, strict=True))

    def _raw(self, images: Tensor) -> Tensor:
        rows, cols = images.shape[-2:]
        return self.net(pad_to_multiple(images, self.stride))[..., :rows, :cols]

    def losses(self, images: Tensor, targets: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Scalar losses by name for a batch of (image, channel, row, column).

        Pixels of the target ``ignore``, if there is one, do not count.
        """
        return self.criterion(*judged(self.logits(images), targets))

    def probabilities(self, images: Tensor) -> Tensor:
        """All maps side by side, (image, map channel, row, column) float32 in [0, 1]."""
        return self._raw(images).float().sigmoid()

    def kept(self, images: Tensor) -> Tensor:
        """The same as float16, as maps of a frame are kept.

        A network with a faster way to them, a `probabilities` of its own, takes that.
        """
        own = getattr(self.net, "probabilities", None)
        if own is None:
            return self.probabilities(images).half()
        rows, cols = images.shape[-2:]
        return own(pad_to_multiple(images, self.stride))[..., :rows, :cols]

    def decode(self, maps: Tensor) -> Instances:
        """Cells of one image from its probabilities, (map channel, row, column)."""
        parts = maps.split(list(self.codec.maps.values()), dim=0)
        return self.codec.decode(dict(zip(self.codec.maps, parts, strict=True)))

    @torch.inference_mode()
    def predict(self, images: Tensor) -> list[Instances]:
        """Cells of each image of the batch."""
        return [self.decode(maps) for maps in self.probabilities(images).cpu()]

    def with_codec(self, codec: Codec) -> DenseMethod:
        """The same network and criterion with another codec."""
        return DenseMethod(self.net, criterion=self.criterion, codec=codec)

    def with_net(self, net: nn.Module) -> DenseMethod:
        """The same criterion and codec on another network with the same outputs."""
        return DenseMethod(net, criterion=self.criterion, codec=self.codec)


def pad_to_multiple(images: Tensor, multiple: int) -> Tensor:
    """Rows and columns padded at their ends to multiples of `multiple`.

    The padding mirrors the image; where the image is smaller than the padding it
    repeats its last row or column instead.
    """
    rows, cols = images.shape[-2:]
    add = (-rows % multiple, -cols % multiple)
    if add == (0, 0):
        return images
    mode = "reflect" if add[0] < rows and add[1] < cols else "replicate"
    return nn.functional.pad(images, (0, add[1], 0, add[0]), mode=mode)


@dataclass(frozen=True, slots=True)
class Normalisation:
    """How raw intensities become network input, per channel over the whole image.

    Parameters
    ----------
    low, high
        Percentiles mapped to 0 and 1 (1 and 99.8, as the field does).
    kind
        "percentile", or without percentiles "min-max" or "z-score", as of
        `cellwright.augment.intensity_range`.
    """

    low: float = 1.0
    high: float = 99.8
    kind: str = "percentile"


def with_thresholds(method: Any, thresholds: Mapping[str, Any]) -> Any:
    """`method` with its codec's thresholds replaced; the network is shared."""
    known = set(type(method.codec).grid)
    unknown = sorted(set(thresholds) - known)
    if unknown:
        raise InputError(f"unknown thresholds {unknown}; known are {sorted(known)}")
    return method.with_codec(replace(method.codec, **thresholds))
