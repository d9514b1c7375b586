"""The two halves of the U-Nets, each usable on its own.

Paper: Ronneberger, Fischer, Brox 2015, "U-Net", arXiv 1505.04597 (Fig. 1).
Licence: our own code (BSD-3-Clause), written from the paper.
Deviations: padded convolutions (output as large as the input), batch normalisation and
nearest-neighbour upsampling with a 3 x 3 convolution by default; width and depth are arguments.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise

import torch
from torch import Tensor, nn

from cellwright.nets.blocks import ConvBlock, upsample, upsampling_layer

#: builds a module for the channels it is called with
Attention = Callable[[int], nn.Module]


class Encoder(nn.Module):
    """Convolution blocks with a 2 x 2 max pooling between them.

    Parameters
    ----------
    inputs
        Input channels (or planes).
    widths
        Channels of each level, from full resolution down.
    attention
        Builder called with the channels of each block, or None.
    normalise
        As in `ConvBlock`.

    Attributes
    ----------
    stride
        Rows and columns must be multiples of it.
    """

    def __init__(
        self,
        inputs: int,
        *,
        widths: Sequence[int],
        attention: Attention | None = None,
        normalise: bool = True,
    ) -> None:
        super().__init__()
        if not widths or min(widths) < 1 or inputs < 1:
            raise ValueError(
                f"widths {tuple(widths)} and {inputs} inputs came: one positive number per level "
                "and at least one input are wanted"
            )
        self.stride = 2 ** (len(widths) - 1)
        self.down = nn.ModuleList(
            ConvBlock(a, b, attention=attention(b) if attention else None, normalise=normalise)
            for a, b in zip((inputs, *widths[:-1]), widths, strict=True)
        )

    def forward(self, x: Tensor) -> list[Tensor]:
        """(image, inputs, row, column) to the features of each level, full resolution first.

        Level k is (image, widths[k], row / 2**k, column / 2**k).
        """
        return contract(x, down=self.down)


class Decoder(nn.Module):
    """Upsampling with skip connections, from the deepest level to full resolution.

    Parameters
    ----------
    widths
        Channels of each level of the encoder, from full resolution down.
    attention
        Builder called with the channels of each block, or None.
    upsampling
        "nearest" or "transposed", as of `upsampling_layer`.
    normalise
        As in `ConvBlock`.
    """

    def __init__(
        self,
        *,
        widths: Sequence[int],
        attention: Attention | None = None,
        upsampling: str = "nearest",
        normalise: bool = True,
    ) -> None:
        super().__init__()
        self.up = nn.ModuleList(
            upsampling_layer(b, a, kind=upsampling, normalise=normalise)
            for a, b in pairwise(widths)
        )
        self.join = nn.ModuleList(
            ConvBlock(2 * a, a, attention=attention(a) if attention else None, normalise=normalise)
            for a in widths[:-1]
        )

    def forward(self, skips: Sequence[Tensor]) -> list[Tensor]:
        """Features of each level, deepest first, from those of the encoder.

        The first is the encoder's deepest level itself, the last has full resolution: entry k
        is (image, widths[-1 - k], ...), as large as the encoder's level of that width.
        """
        return expand(skips, up=self.up, join=self.join)


def contract(x: Tensor, *, down: nn.ModuleList) -> list[Tensor]:
    """What `Encoder.forward` computes, with the blocks given."""
    skips: list[Tensor] = []
    for level, block in enumerate(down):
        x = block(x if level == 0 else nn.functional.max_pool2d(x, 2))
        skips.append(x)
    return skips


def expand(skips: Sequence[Tensor], *, up: nn.ModuleList, join: nn.ModuleList) -> list[Tensor]:
    """What `Decoder.forward` computes, with the layers given."""
    x = skips[-1]
    features = [x]
    for level in reversed(range(len(join))):
        grows = isinstance(up[level], nn.ConvTranspose2d)
        x = up[level](x if grows else upsample(x))
        x = join[level](torch.cat([skips[level], x], dim=1))
        features.append(x)
    return features
