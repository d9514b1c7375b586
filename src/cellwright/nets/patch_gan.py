"""The discriminator of pix2pix: judges every patch of 70 x 70 pixels by itself.

Papers: Isola et al. 2017, arXiv 1611.07004 (section 6.1.2); Prytula 2023 (P4), section 4.4.2.
Licence: our own code (BSD-3-Clause), written from the papers.
Deviations: convolutions have a bias only where no batch normalisation follows (as in the authors'
PyTorch code). P4 speaks of five layers of stride 2, which see 94 x 94 pixels; the 70 x 70 that it
names too are those of Isola: five layers, the last two of stride 1.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

SLOPE = 0.2


class PatchDiscriminator(nn.Module):
    """Strided 4 x 4 convolutions that end in one logit per patch.

    Parameters
    ----------
    inputs
        Channels of what is given and of what was made of it, together.
    width
        Channels of the first layer; each further one has twice as many, at most eight times.
    halvings
        Layers of stride 2; two of stride 1 follow. Three see 70 x 70 pixels.
    """

    def __init__(self, inputs: int, *, width: int = 64, halvings: int = 3) -> None:
        super().__init__()
        if inputs < 1 or width < 1 or halvings < 1:
            raise ValueError(
                f"{inputs} inputs, width {width} and {halvings} halvings came: "
                "one at least is wanted of each"
            )
        widths = [width * min(2**k, 8) for k in range(halvings + 1)]
        layers: list[nn.Module] = [nn.Conv2d(inputs, width, 4, stride=2, padding=1)]
        layers.append(nn.LeakyReLU(SLOPE))
        for number in range(1, halvings + 1):
            stride = 2 if number < halvings else 1
            layers += [
                nn.Conv2d(widths[number - 1], widths[number], 4, stride, padding=1, bias=False),
                nn.BatchNorm2d(widths[number]),
                nn.LeakyReLU(SLOPE),
            ]
        layers.append(nn.Conv2d(widths[-1], 1, 4, padding=1))
        self.layers = nn.Sequential(*layers)
        for layer in self.layers:
            if isinstance(layer, nn.Conv2d):
                nn.init.normal_(layer.weight, 0.0, 0.02)

    @property
    def receptive_field(self) -> int:
        """Rows (and columns) of pixels that one logit depends on.

        Examples
        --------
        >>> PatchDiscriminator(3).receptive_field
        70
        """
        size, step = 1, 1
        for layer in self.layers:
            if isinstance(layer, nn.Conv2d):
                size += (layer.kernel_size[0] - 1) * step
                step *= layer.stride[0]
        return size

    def forward(self, given: Tensor, made: Tensor) -> Tensor:
        """Logits (image, 1, patch row, patch column): more than 0 is real.

        Parameters
        ----------
        given, made
            (image, channel, row, column): the source, and the picture of it to be judged.
        """
        return self.layers(torch.cat([given, made], dim=1))
