"""Feature pyramid on a VoVNet: levels 2 or 3 to 7.

Paper: Lin et al. 2017, "Feature Pyramid Networks", arXiv 1612.03144; P6 and P7 as of FCOS
(Tian et al. 2019, arXiv 1904.01355, 3.2); levels and channels of CenterMask (arXiv 1911.06667)
and of its lite form, whose pyramid has half the channels (128).
Licence: our own code (BSD-3-Clause) around `torchvision.ops.FeaturePyramidNetwork` (BSD-3-Clause).
Deviations: a pyramid may begin with level 2 (stride 4), for cells of a few pixels, and may end
at any level.
"""

from __future__ import annotations

from collections import OrderedDict

import torch
from torch import Tensor, nn
from torchvision.ops import FeaturePyramidNetwork
from torchvision.ops.feature_pyramid_network import ExtraFPNBlock

from cellwright.nets.vovnet import VoVNet

#: level of the backbone's first and last stage; a level's stride is two to its power
FIRST_STAGE, LAST_STAGE = 2, 5


class CoarserLevels(ExtraFPNBlock):
    """Further levels by 3 x 3 convolutions of stride 2, with ReLU between two of them."""

    def __init__(self, channels: int, levels: int) -> None:
        super().__init__()
        self.convs = nn.ModuleList(
            nn.Conv2d(channels, channels, 3, stride=2, padding=1) for _ in range(levels)
        )
        for conv in self.convs:
            nn.init.kaiming_uniform_(conv.weight, a=1)
            nn.init.zeros_(conv.bias)

    def forward(
        self, results: list[Tensor], x: list[Tensor], names: list[str]
    ) -> tuple[list[Tensor], list[str]]:
        """The pyramid and its names with the further levels at their ends."""
        for i, conv in enumerate(self.convs):
            last = results[-1]
            results.append(conv(torch.relu(last) if i else last))
            names.append(str(LAST_STAGE + 1 + i))
        return results, names


class Pyramid(nn.Module):
    """Backbone and pyramid.

    Parameters
    ----------
    backbone
        Gives the outputs of stages 2 to 5.
    channels
        Of every level.
    first, last
        Levels of the pyramid, 2 <= first <= 5 <= last <= 7; CenterMask has 3 and 7.

    Attributes
    ----------
    strides
        Of each level, finest first.
    """

    def __init__(
        self, backbone: VoVNet, *, channels: int = 256, first: int = 3, last: int = 7
    ) -> None:
        super().__init__()
        if not FIRST_STAGE <= first <= LAST_STAGE <= last <= 7:
            raise ValueError(f"levels {first} to {last} came: 2 to 5, up to 5, 6 or 7, are wanted")
        self.backbone = backbone
        self.first = first
        self.strides = tuple(2**level for level in range(first, last + 1))
        self.fpn = FeaturePyramidNetwork(
            list(backbone.outputs[first - FIRST_STAGE :]),
            channels,
            CoarserLevels(channels, last - LAST_STAGE),
        )

    def forward(self, x: Tensor) -> list[Tensor]:
        """(image, inputs, row, column) to the levels, finest first."""
        stages = self.backbone(x)[self.first - FIRST_STAGE :]
        named = OrderedDict((str(self.first + i), stage) for i, stage in enumerate(stages))
        return list(self.fpn(named).values())
