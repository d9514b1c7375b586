"""Building blocks shared by the encoder-decoder networks."""

from __future__ import annotations

import torch
from torch import Tensor, nn

#: ways to twice the rows and columns, see `upsampling_layer`
UPSAMPLINGS = ("nearest", "transposed")


class ConvBlock(nn.Module):
    """Two 3 x 3 convolutions, each followed by batch normalisation and ReLU.

    Parameters
    ----------
    inputs, outputs
        Channels in and out.
    attention
        Module applied to the result (squeeze-and-excitation in SEU-Net), or None.
    normalise
        Whether there is batch normalisation; without it the convolutions have a bias,
        as in Ronneberger et al. 2015.
    """

    def __init__(
        self,
        inputs: int,
        outputs: int,
        *,
        attention: nn.Module | None = None,
        normalise: bool = True,
    ) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        for channels in (inputs, outputs):
            layers.append(nn.Conv2d(channels, outputs, 3, padding=1, bias=not normalise))
            if normalise:
                layers.append(nn.BatchNorm2d(outputs))
            layers.append(nn.ReLU(inplace=True))
        self.layers = nn.Sequential(*layers)
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
        Factor by which the hidden layer is narrower; it has 4 channels at least.
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


def upsampling_layer(inputs: int, outputs: int, *, kind: str, normalise: bool = True) -> nn.Module:
    """What carries features one level up: twice the rows and columns, other channels.

    Parameters
    ----------
    inputs, outputs
        Channels in and out.
    kind
        "transposed": a transposed 2 x 2 convolution of stride 2 with bias ("up-convolution",
        Ronneberger et al. 2015). "nearest": the 3 x 3 convolution, normalisation and ReLU
        that follow `upsample`, which the caller applies first.
    normalise
        As in `ConvBlock`; the transposed convolution is never normalised.
    """
    if kind == "transposed":
        return nn.ConvTranspose2d(inputs, outputs, 2, stride=2)
    if kind == "nearest":
        convolution = nn.Conv2d(inputs, outputs, 3, padding=1, bias=not normalise)
        middle = [nn.BatchNorm2d(outputs)] if normalise else []
        return nn.Sequential(convolution, *middle, nn.ReLU(inplace=True))
    raise ValueError(f"upsampling {kind!r} came: one of {', '.join(UPSAMPLINGS)} is wanted")
