"""The methods that draw each cell by itself: by queries, or by boxes.

Both give candidates, cells with scores whose masks may overlap; the codec chooses among them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from cellwright.codecs.instances import FLOOR
from cellwright.types import Instances
from cellwright.zoo.method import pad_to_multiple

Targets = Mapping[str, Any]
QueryCriterion = Callable[[Mapping[str, Any], Targets], dict[str, Tensor]]


def least_score(codec: Any) -> float:
    """The score below which `codec` takes no candidate for a cell; 0 if it does not say."""
    return float(getattr(codec, "score", 0.0))


class QueryMethod(nn.Module):
    """A network that answers with a fixed number of masks.

    Parameters
    ----------
    net
        (image, inputs, row, column) to outputs by name, the image on the first axis; its
        `stride` is what rows and columns must be multiples of.
    criterion
        Losses by name from the outputs and the targets of a batch.
    codec
        Reads the outputs that it names in `reads`.
    """

    def __init__(self, net: nn.Module, *, criterion: QueryCriterion, codec: Any) -> None:
        super().__init__()
        self.net = net
        self.criterion = criterion
        self.codec = codec

    @property
    def stride(self) -> int:
        """Rows and columns are padded to multiples of this."""
        return int(self.net.stride)

    def losses(self, images: Tensor, targets: Targets) -> dict[str, Tensor]:
        """Scalar losses by name for a batch of (image, channel, row, column)."""
        return self.criterion(self.net(pad_to_multiple(images, self.stride)), targets)

    @torch.inference_mode()
    def candidates(self, images: Tensor, *, least: float = FLOOR) -> list[Instances]:
        """All of a score of `least` or more that might be a cell, for each image."""
        padded = pad_to_multiple(images, self.stride)
        outputs = self.net(padded)
        shapes = {"shape": tuple(images.shape[-2:]), "padded": tuple(padded.shape[-2:])}
        return [
            self.codec.candidates(
                {n: outputs[n][i] for n in self.codec.reads}, **shapes, least=least
            )
            for i in range(len(images))
        ]

    def predict(self, images: Tensor) -> list[Instances]:
        """Cells of each image of the batch."""
        found = self.candidates(images, least=least_score(self.codec))
        return [self.codec.select(one) for one in found]

    def with_codec(self, codec: Any) -> QueryMethod:
        """The same network and criterion with another codec."""
        return QueryMethod(self.net, criterion=self.criterion, codec=codec)


class DetectorMethod(nn.Module):
    """A network that finds boxes and draws a mask in each.

    Its criterion is the network's own: what is sampled for the losses of its later stages
    depends on what its earlier ones found.

    Parameters
    ----------
    net
        Has ``losses(images, targets)``, ``detect(images, least=)`` and `stride`; masks of
        boxes below the score `least` need not be drawn.
    codec
        Turns the detections of one image into instances.
    """

    def __init__(self, net: nn.Module, *, codec: Any) -> None:
        super().__init__()
        self.net = net
        self.codec = codec

    @property
    def stride(self) -> int:
        """Rows and columns are padded to multiples of this."""
        return int(self.net.stride)

    def losses(self, images: Tensor, targets: Targets) -> dict[str, Tensor]:
        """Scalar losses by name for a batch of (image, channel, row, column)."""
        return self.net.losses(pad_to_multiple(images, self.stride), targets)

    @torch.inference_mode()
    def candidates(self, images: Tensor, *, least: float = FLOOR) -> list[Instances]:
        """All of a score of `least` or more that might be a cell, for each image."""
        padded = pad_to_multiple(images, self.stride)
        found: Sequence[Mapping[str, Tensor]] = self.net.detect(padded, least=least)
        shapes = {"shape": tuple(images.shape[-2:]), "padded": tuple(padded.shape[-2:])}
        return [self.codec.candidates(one, **shapes, least=least) for one in found]

    def predict(self, images: Tensor) -> list[Instances]:
        """Cells of each image of the batch."""
        found = self.candidates(images, least=least_score(self.codec))
        return [self.codec.select(one) for one in found]

    def with_codec(self, codec: Any) -> DetectorMethod:
        """The same network with another codec."""
        return DetectorMethod(self.net, codec=codec)
