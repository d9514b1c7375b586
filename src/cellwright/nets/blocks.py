"""Building blocks shared by the encoder-decoder networks."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class ConvBlock(nn.Module):
    """Two 3 x 3 convolutions, each followed by batch normalisation and ReLU.

    Parameters
    ----------
    inputs, outputs
        Channels in and out.
    attention
        Module applied to the result (squeeze-and-excitation in SEU-Net), or None.
    """

    def __init__(self, inputs: int, outputs: int, *, attention: nn.Module | None = None) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Conv2d(inputs, outputs, 3, padding=1, bias=False),
            nn.BatchNorm2d(outputs),
            nn.ReLU(inplace=True),
            nn.Conv2d(outputs, outputs, 3, padding=1, bias=False),
            nn.BatchNorm2d(outputs),
            nn.ReLU(inplace=True),
        )
        self.attention = attention if attention is not None else nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        """(image, inputs, row, column) to (image, outputs, row, column)."""
        return self.attention(self.layers(x))


class SqueezeExcitation(nn.Module):
    """Weights each channel by what the whole window holds (Hu et al. 2018, Eqs 2-4).

    Parameters
    ----------
    channels
        Channels in and out.
    reduction
        Factor by which the hidden layer is narrower.
    """

    def __init__(self, channels: int, *, reduction: int = 16) -> None:
        super().__init__()
        hidden = max(channels // reduction, 4)
        self.excite = nn.Sequential(
            nn.Conv2d(channels, hidden, 1),
            nn.ReLU(inplace=True),
            nn.Conv2d(hidden, channels, 1),
            nn.Sigmoid(),
        )

    def forward(self, x: Tensor) -> Tensor:
        """Same shape as the input."""
        return x * self.excite(x.mean(dim=(2, 3), keepdim=True))


def upsample(x: Tensor) -> Tensor:
    """Twice the rows and columns, by nearest neighbour."""
    return torch.nn.functional.interpolate(x, scale_factor=2.0, mode="nearest")
