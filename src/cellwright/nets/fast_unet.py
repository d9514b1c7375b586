"""A U-Net for two CPU cores: 2 x 2 pixels folded into channels, one convolution per step.

Papers: Ronneberger, Fischer, Brox 2015, "U-Net", arXiv 1505.04597; Shi et al. 2016, "Real-time
single image super-resolution", arXiv 1609.05158, for the fold and its reverse at the head.
Licence: our own code (BSD-3-Clause), written from the papers.
Deviations: the first level is at half the resolution, yet nothing of the image is thrown away;
levels shrink by strided convolutions; the decoder adds the skip connection instead of joining it
and has one 3 x 3 convolution per level. About 7,600 multiplications per pixel at the widths of
`unet-fast`, where the compact `UNet` (16 to 256 channels) has 62,000.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from torch import Tensor, nn

from cellwright.nets import bands
from cellwright.nets.blocks import upsample

#: rows and columns of the pixels that become one
FOLD = 2


def convolution(inputs: int, outputs: int, *, size: int = 3, stride: int = 1) -> nn.Sequential:
    """Convolution, batch normalisation, ReLU."""
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, size, stride=stride, padding=size // 2, bias=False),
        nn.BatchNorm2d(outputs),
        nn.ReLU(inplace=True),
    )


class FastUNet(nn.Module):
    """Folded stem, strided encoder, additive decoder, unfolded 1 x 1 head.

    Parameters
    ----------
    inputs
        Input channels (or planes).
    outputs
        Output channels (logits), at full resolution.
    widths
        Channels of each level, from half resolution down; windows are multiples of
        ``2 ** len(widths)``.

    Attributes
    ----------
    tile
        Rows and columns of a tile of a large frame: its few channels at half the resolution leave
        room for more than other networks have, and large tiles have less halo.
    """

    tile = 4608

    def __init__(
        self, inputs: int, outputs: int, *, widths: Sequence[int] = (32, 48, 96, 128, 128)
    ) -> None:
        super().__init__()
        if not widths or min(widths) < 1 or inputs < 1:
            raise ValueError(
                f"widths {tuple(widths)} and {inputs} inputs came: one positive number per level "
                "and at least one input are wanted"
            )
        self.stride = FOLD * 2 ** (len(widths) - 1)
        self.fold = nn.PixelUnshuffle(FOLD)
        self.stem = convolution(inputs * FOLD**2, widths[0])
        self.down = nn.ModuleList(
            nn.Sequential(convolution(a, b, stride=2), convolution(b, b))
            for a, b in pairwise(widths)
        )
        self.carry = nn.ModuleList(nn.Conv2d(b, a, 1) for a, b in pairwise(widths))
        self.join = nn.ModuleList(convolution(a, a) for a in widths[:-1])
        self.head = nn.Conv2d(widths[0], outputs * FOLD**2, 1)
        self.unfold = nn.PixelShuffle(FOLD)

    def forward(self, x: Tensor) -> Tensor:
        """(image, inputs, row, column) to logits (image, outputs, row, column)."""
        skips = [self.stem(self.fold(x))]
        for block in self.down:
            skips.append(block(skips[-1]))
        x = skips.pop()
        for level in reversed(range(len(skips))):
            x = self.join[level](upsample(self.carry[level](x)).add_(skips.pop()))
        return self.unfold(self.head(x))

    def probabilities(self, images: Tensor) -> Tensor:
        """The sigmoid of `forward` for prediction, float16; made in bands of rows."""
        if len(self.down) < 2:
            return self(images).float().sigmoid().half()
        return bands.probabilities(self, images)
