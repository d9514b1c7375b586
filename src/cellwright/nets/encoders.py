"""Encoders that give features at several strides: our compact one, and torchvision's ResNets.

Paper: He et al. 2016, "Deep residual learning", arXiv 1512.03385; squeeze-and-excitation of the
compact one by Hu et al. 2018, arXiv 1709.01507.
Licence: our own code (BSD-3-Clause) around `torchvision.models.resnet` (BSD-3-Clause).
Deviations: a ResNet takes any number of channels in [0, 1] and brings them to the range that
weights of ImageNet were trained with by one mean and one spread for all channels.
"""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor, nn
from torchvision.models import resnet

from cellwright.nets.pixel_decoder import normalisation
from cellwright.nets.se_unet import Encoder, squeeze_excitation

RESNETS = ("resnet18", "resnet50")
#: mean and spread of ImageNet, averaged over its colours
_MEAN, _SPREAD = 0.449, 0.226


class CompactEncoder(nn.Module):
    """The SEU-Net's encoder: two 3 x 3 convolutions and squeeze-and-excitation per level.

    Parameters
    ----------
    inputs
        Input channels.
    widths
        Channels of each level, from full resolution down.
    normalise
        "batch" or "group", as of `cellwright.nets.pixel_decoder`.

    Attributes
    ----------
    widths, strides
        Of each level of the output.
    """

    def __init__(self, inputs: int, *, widths: Sequence[int], normalise: str = "batch") -> None:
        super().__init__()
        self.widths = tuple(widths)
        self.strides = tuple(2**level for level in range(len(self.widths)))
        self.body = Encoder(inputs, widths=self.widths, attention=squeeze_excitation())
        if normalise != "batch":
            for block in self.body.down:
                for index, layer in enumerate(block.layers):
                    if isinstance(layer, nn.BatchNorm2d):
                        block.layers[index] = normalisation(layer.num_features, kind=normalise)

    def forward(self, x: Tensor) -> list[Tensor]:
        """(image, inputs, row, column) to the features of each level, full resolution first."""
        return self.body(x)


class ResNetEncoder(nn.Module):
    """Stages 2 to 5 of a ResNet: strides 4, 8, 16 and 32.

    Parameters
    ----------
    inputs
        Input channels.
    name
        One of `RESNETS`.

    Attributes
    ----------
    widths, strides
        Of each level of the output.
    """

    def __init__(self, inputs: int, *, name: str) -> None:
        super().__init__()
        if name not in RESNETS:
            raise ValueError(f"ResNet {name!r} came: one of {', '.join(RESNETS)} is wanted")
        body = getattr(resnet, name)(weights=None)
        if inputs != 3:
            body.conv1 = nn.Conv2d(inputs, 64, 7, stride=2, padding=3, bias=False)
            nn.init.kaiming_normal_(body.conv1.weight, mode="fan_out", nonlinearity="relu")
        body.fc = nn.Identity()
        self.body = body
        self.widths = tuple((256, 512, 1024, 2048) if name == "resnet50" else (64, 128, 256, 512))
        self.strides = (4, 8, 16, 32)

    def forward(self, x: Tensor) -> list[Tensor]:
        """(image, inputs, row, column) in [0, 1] to the features of each stage, finest first."""
        net = self.body
        x = net.maxpool(net.relu(net.bn1(net.conv1((x - _MEAN) / _SPREAD))))
        stages = []
        for layer in (net.layer1, net.layer2, net.layer3, net.layer4):
            x = layer(x)
            stages.append(x)
        return stages
