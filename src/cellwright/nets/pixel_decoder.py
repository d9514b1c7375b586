"""The pixel decoder of IAUNet: a U-Net's way up with a branch of mask features beside it.

Paper: Prytula et al. 2025, "IAUNet: Instance-Aware U-Net", arXiv 2508.01928.
Licence: our own code (BSD-3-Clause), written from the paper; numbers that it leaves out are
those of the public original, SlavkoPrytula/IAUNet.
Deviations: coordinates are an option; channels and normalisation are arguments.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn.functional import interpolate

from cellwright.nets.blocks import SqueezeExcitation
from cellwright.nets.instance_branches import with_coordinates


def convolution(inputs: int, outputs: int, *, normalise: str, size: int = 3) -> nn.Sequential:
    """A convolution, normalisation ("batch" or "group") and ReLU."""
    layer = nn.Conv2d(inputs, outputs, size, padding=size // 2, bias=False)
    nn.init.kaiming_normal_(layer.weight, mode="fan_out", nonlinearity="relu")
    return nn.Sequential(layer, normalisation(outputs, kind=normalise), nn.ReLU(inplace=True))


def normalisation(channels: int, *, kind: str) -> nn.Module:
    """Batch normalisation, or that of groups of 8 channels at least (Wu and He 2018)."""
    if kind == "batch":
        return nn.BatchNorm2d(channels)
    if kind == "group":
        return nn.GroupNorm(next(g for g in (8, 4, 2, 1) if channels % g == 0), channels)
    raise ValueError(f"normalisation {kind!r} came: 'batch' or 'group' is wanted")


class Join(nn.Module):
    """Two 3 x 3 convolutions, and the input added to their result by a 1 x 1 convolution.

    Parameters
    ----------
    inputs, outputs
        Channels in and out.
    normalise, light
        As of `PixelDecoder`.
    """

    def __init__(self, inputs: int, outputs: int, *, normalise: str, light: bool) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        for channels in (inputs, outputs):
            if light:
                layers.append(nn.Conv2d(channels, channels, 3, padding=1, groups=channels))
            size = 1 if light else 3
            layers.append(convolution(channels, outputs, normalise=normalise, size=size))
        self.layers = nn.Sequential(*layers)
        self.across = nn.Conv2d(inputs, outputs, 1) if inputs != outputs else nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        """(image, inputs, row, column) to (image, outputs, row, column)."""
        return self.layers(x) + self.across(x)


class PixelDecoder(nn.Module):
    """Features for the queries at each level, and the features that masks are drawn from.

    Each level joins the level below it with the encoder's features (two 3 x 3 convolutions,
    squeeze-and-excitation) and adds the result to the mask branch, which two more convolutions
    refine. The finest features of the encoder join the mask branch last, without a level.

    Parameters
    ----------
    widths
        Channels of the encoder's features, finest (that of the masks) first.
    dim
        Channels of all that comes out.
    depth
        Convolutions of the mask branch per level.
    coordinates
        Whether each level sees where it is in the frame.
    normalise
        "batch" or "group".
    light
        Whether levels are joined by depthwise-separable convolutions, as in the original: fewer
        weights, but on a CPU no less time.
    """

    def __init__(
        self,
        widths: Sequence[int],
        *,
        dim: int,
        depth: int = 2,
        coordinates: bool = True,
        normalise: str = "batch",
        light: bool = False,
    ) -> None:
        super().__init__()
        if len(widths) < 2:
            raise ValueError(
                f"the encoder has {len(widths)} level(s) from the stride of the masks down: "
                "two at least are wanted (more widths, or a smaller mask_stride)"
            )
        self.coordinates = coordinates
        more = 2 if coordinates else 0
        coarse = widths[:0:-1]
        self.skips = nn.ModuleList(nn.Conv2d(width, dim, 1) for width in coarse)
        self.joins = nn.ModuleList(
            nn.Sequential(
                Join((2 if k else 1) * dim + more, dim, normalise=normalise, light=light),
                SqueezeExcitation(dim, reduction=2),
            )
            for k in range(len(coarse))
        )
        self.masks = nn.ModuleList(
            nn.Sequential(*(convolution(dim, dim, normalise=normalise) for _ in range(depth)))
            for _ in coarse
        )
        self.lateral = nn.Sequential(
            nn.Conv2d(widths[0], dim, 1, bias=False), normalisation(dim, kind=normalise)
        )
        self.last = convolution(dim, dim, normalise=normalise)

    def forward(self, features: Sequence[Tensor]) -> tuple[list[Tensor], Tensor]:
        """Levels, coarsest first, and mask features, from the encoder's, finest first."""
        levels: list[Tensor] = []
        x: Tensor | None = None
        parts = zip(features[:0:-1], self.skips, self.joins, self.masks, strict=True)
        for feature, skip, join, mask in parts:
            below = [] if x is None else [doubled(x)]
            x = torch.cat([*below, skip(feature)], dim=1)
            x = join(with_coordinates(x) if self.coordinates else x)
            levels.append(mask(doubled(levels[-1]) + x if levels else x))
        return levels, self.last(self.lateral(features[0]) + doubled(levels[-1]))


def doubled(x: Tensor) -> Tensor:
    """Twice the rows and columns, bilinear."""
    return interpolate(x, scale_factor=2.0, mode="bilinear", align_corners=False)
