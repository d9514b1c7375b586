"""VoVNetV2: stages that aggregate all their layers once, with effective squeeze-and-excitation.

Paper: Lee and Park 2020, "CenterMask: Real-Time Anchor-Free Instance Segmentation",
arXiv 1911.06667, 3.3; one-shot aggregation from Lee et al. 2019, arXiv 1904.09730.
Licence: our own code (BSD-3-Clause), written from the papers; the numbers of the variants are
those of the authors' public model descriptions (V-19-slim-dw-eSE to V-99-eSE).
Deviations: batch normalisation is trainable (the authors freeze it when they fine-tune), and
images of fewer than 64 rows or columns are padded by zeros so that it has values to average.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn


@dataclass(frozen=True, slots=True)
class VoVNetSize:
    """The numbers of a VoVNetV2.

    Parameters
    ----------
    stem
        Channels of the three convolutions of the stem (strides 2, 1, 2).
    widths
        Channels of the layers in stages 2 to 5.
    outputs
        Channels that stages 2 to 5 give.
    layers
        3 x 3 layers in each one-shot aggregation.
    blocks
        Aggregations in stages 2 to 5.
    depthwise
        Whether 3 x 3 layers are depthwise, followed by a 1 x 1 convolution.
    """

    stem: tuple[int, int, int]
    widths: tuple[int, int, int, int]
    outputs: tuple[int, int, int, int]
    layers: int
    blocks: tuple[int, int, int, int]
    depthwise: bool = False


_SLIM = ((64, 80, 96, 112), (112, 256, 384, 512))
_FULL = ((128, 160, 192, 224), (256, 512, 768, 1024))

SIZES: dict[str, VoVNetSize] = {
    "v19-slim-dw": VoVNetSize((64, 64, 64), *_SLIM, 3, (1, 1, 1, 1), depthwise=True),
    "v19-dw": VoVNetSize((64, 64, 64), *_FULL, 3, (1, 1, 1, 1), depthwise=True),
    "v19-slim": VoVNetSize((64, 64, 128), *_SLIM, 3, (1, 1, 1, 1)),
    "v19": VoVNetSize((64, 64, 128), *_FULL, 3, (1, 1, 1, 1)),
    "v39": VoVNetSize((64, 64, 128), *_FULL, 5, (1, 1, 2, 2)),
    "v57": VoVNetSize((64, 64, 128), *_FULL, 5, (1, 1, 4, 3)),
    "v99": VoVNetSize((64, 64, 128), *_FULL, 5, (1, 3, 9, 3)),
}

#: fewer rows or columns would leave stage 5 a single value per channel
LEAST = 64


class ConvUnit(nn.Sequential):
    """Convolution, batch normalisation, ReLU.

    `depthwise` makes it a 3 x 3 convolution of each channel by itself and a 1 x 1 convolution
    across channels, with nothing between the two.
    """

    def __init__(
        self, inputs: int, outputs: int, kernel: int, *, stride: int = 1, depthwise: bool = False
    ) -> None:
        super().__init__()
        shape = {"kernel_size": kernel, "stride": stride, "padding": kernel // 2, "bias": False}
        if depthwise:
            self.depth = nn.Conv2d(inputs, inputs, groups=inputs, **shape)
            self.point = nn.Conv2d(inputs, outputs, 1, bias=False)
        else:
            self.conv = nn.Conv2d(inputs, outputs, **shape)
        self.norm = nn.BatchNorm2d(outputs)
        self.relu = nn.ReLU(inplace=True)


class EffectiveSqueezeExcitation(nn.Module):
    """Weights each channel by one fully connected layer of all channels' means.

    arXiv 1911.06667 Eq. 4: no narrower hidden layer, and a hard sigmoid.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.fc = nn.Conv2d(channels, channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        """Same shape as the input."""
        return x * nn.functional.hardsigmoid(self.fc(x.mean(dim=(2, 3), keepdim=True)))


class OneShotAggregation(nn.Module):
    """Layers in a row, whose input and outputs are joined once by a 1 x 1 convolution.

    Parameters
    ----------
    inputs, width, outputs
        Channels that come, of each layer, and that are given.
    layers
        How many.
    depthwise
        See `ConvUnit`; if `inputs` and `width` differ, a 1 x 1 layer leads in.
    residual
        Whether the input is added to the result; `inputs` equals `outputs` then.
    """

    def __init__(
        self,
        inputs: int,
        width: int,
        outputs: int,
        *,
        layers: int,
        depthwise: bool,
        residual: bool,
    ) -> None:
        super().__init__()
        self.residual = residual
        leads_in = depthwise and inputs != width
        self.reduction = ConvUnit(inputs, width, 1) if leads_in else nn.Identity()
        self.layers = nn.ModuleList(
            ConvUnit(inputs if i == 0 and not depthwise else width, width, 3, depthwise=depthwise)
            for i in range(layers)
        )
        self.concat = ConvUnit(inputs + layers * width, outputs, 1)
        self.ese = EffectiveSqueezeExcitation(outputs)

    def forward(self, x: Tensor) -> Tensor:
        """(image, inputs, row, column) to (image, outputs, row, column)."""
        outputs = [x]
        last = self.reduction(x)
        for layer in self.layers:
            last = layer(last)
            outputs.append(last)
        joined = self.ese(self.concat(torch.cat(outputs, dim=1)))
        return joined + x if self.residual else joined


class VoVNet(nn.Module):
    """The backbone: stem and stages 2 to 5, at strides 4, 8, 16 and 32.

    Parameters
    ----------
    inputs
        Input channels.
    size
        Its numbers, see `SIZES`.
    """

    def __init__(self, inputs: int, size: VoVNetSize) -> None:
        super().__init__()
        first, second, third = size.stem
        self.stem = nn.Sequential(
            ConvUnit(inputs, first, 3, stride=2),
            ConvUnit(first, second, 3, depthwise=size.depthwise),
            ConvUnit(second, third, 3, stride=2, depthwise=size.depthwise),
        )
        self.outputs = size.outputs
        self.stages = nn.ModuleList()
        channels: Sequence[int] = (third, *size.outputs)
        for i, blocks in enumerate(size.blocks):
            self.stages.append(
                nn.Sequential(
                    nn.MaxPool2d(3, stride=2, ceil_mode=True) if i else nn.Identity(),
                    *(
                        OneShotAggregation(
                            channels[i + 1] if block else channels[i],
                            size.widths[i],
                            size.outputs[i],
                            layers=size.layers,
                            depthwise=size.depthwise,
                            residual=block > 0,
                        )
                        for block in range(blocks)
                    ),
                )
            )
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight)
        for module in self.modules():
            if isinstance(module, EffectiveSqueezeExcitation):
                nn.init.zeros_(module.fc.bias)

    def forward(self, x: Tensor) -> list[Tensor]:
        """(image, inputs, row, column) to the outputs of stages 2 to 5.

        Rows and columns must be multiples of 32.
        """
        rows, cols = x.shape[-2:]
        if rows < LEAST or cols < LEAST:
            x = nn.functional.pad(x, (0, max(LEAST - cols, 0), 0, max(LEAST - rows, 0)))
        x = self.stem(x)
        outputs = []
        for stage in self.stages:
            x = stage(x)
            outputs.append(x)
        return outputs
