"""U-Net.

Paper: Ronneberger, Fischer, Brox 2015, "U-Net", arXiv 1505.04597.
Licence: our own code (BSD-3-Clause), written from the paper.
Deviations: padded convolutions (output as large as the input), batch normalisation,
nearest-neighbour upsampling with a 3 x 3 convolution instead of the transposed one,
width and depth are arguments.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

import torch
from torch import Tensor, nn

from cellwright.nets.blocks import ConvBlock, upsample


class UNet(nn.Module):
    """Encoder, decoder with skip connections, one 1 x 1 head.

    Parameters
    ----------
    inputs
        Input channels (or planes).
    outputs
        Output channels (logits).
    widths
        Channels of each level, from full resolution down; its length less one is
        the number of poolings, and windows are multiples of ``2 ** (len(widths) - 1)``.
    attention
        Builder called with the channels of each block, or None.
    """

    def __init__(
        self,
        inputs: int,
        outputs: int,
        *,
        widths: tuple[int, ...] = (64, 128, 256, 512, 1024),
        attention: Callable[[int], nn.Module] | None = None,
    ) -> None:
        super().__init__()

        def block(a: int, b: int) -> ConvBlock:
            return ConvBlock(a, b, attention=attention(b) if attention else None)

        self.stride = 2 ** (len(widths) - 1)
        self.down = nn.ModuleList(
            block(a, b) for a, b in zip((inputs, *widths[:-1]), widths, strict=True)
        )
        self.up = nn.ModuleList(
            nn.Sequential(
                nn.Conv2d(b, a, 3, padding=1, bias=False), nn.BatchNorm2d(a), nn.ReLU(inplace=True)
            )
            for a, b in pairwise(widths)
        )
        self.join = nn.ModuleList(block(2 * a, a) for a in widths[:-1])
        self.head = nn.Conv2d(widths[0], outputs, 1)

    def forward(self, x: Tensor) -> Tensor:
        """(image, inputs, row, column) to logits (image, outputs, row, column)."""
        skips = []
        for level, block in enumerate(self.down):
            x = block(x if level == 0 else nn.functional.max_pool2d(x, 2))
            skips.append(x)
        for level in reversed(range(len(self.join))):
            x = self.up[level](upsample(x))
            x = self.join[level](torch.cat([skips[level], x], dim=1))
        return self.head(x)
