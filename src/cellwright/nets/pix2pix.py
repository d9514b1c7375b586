"""The generator of pix2pix: a U-Net of strided 4 x 4 convolutions with noise by dropout.

Papers: Isola, Zhu, Zhou, Efros 2017, "Image-to-image translation with conditional adversarial
networks", arXiv 1611.07004 (section 6.1.1); Prytula 2023 (P4), section 4.4.2, which takes nine
levels for crops of 512 x 512.
Licence: our own code (BSD-3-Clause), written from the papers.
Deviations: convolutions have no bias but the last (as in the authors' PyTorch code), for batch
normalisation follows; the skip is taken before its activation, so that both its ways choose their
own. P4's "1 x 1 deconvolution" at the end is 4 x 4 with stride 2 here: a 1 x 1 would stop at half
the resolution.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

#: channels of each level in P4: nine halvings of 512 pixels end in one
WIDTHS = (64, 128, 256, 512, 512, 512, 512, 512, 512)
SLOPE = 0.2


class Pix2PixGenerator(nn.Module):
    """U-Net whose decoder drops half of its deepest features, when it is used as well.

    Parameters
    ----------
    inputs, outputs
        Channels (or planes) in and out.
    widths
        Channels of each level, the first at half the resolution; rows and columns are multiples
        of ``2 ** len(widths)``.
    dropped
        Layers of the decoder with dropout, from the deepest on.
    dropout
        Share of the features that are dropped there.
    """

    def __init__(
        self,
        inputs: int,
        outputs: int,
        *,
        widths: Sequence[int] = WIDTHS,
        dropped: int = 3,
        dropout: float = 0.5,
    ) -> None:
        super().__init__()
        if len(widths) < 2 or min(widths) < 1 or inputs < 1 or outputs < 1:
            raise ValueError(
                f"widths {tuple(widths)}, {inputs} inputs and {outputs} outputs came: two or more "
                "positive widths, one input and one output at least are wanted"
            )
        if not 0 <= dropout < 1 or dropped < 0:
            raise ValueError(
                f"dropout {dropout} in {dropped} layers came: a share from 0 to below 1 is wanted"
            )
        self.widths = tuple(widths)
        self.stride = 2 ** len(widths)
        self.dropout = dropout
        self.dropped = min(dropped, len(widths) - 1) if dropout else 0
        before = (inputs, *widths[:-1])
        last = len(widths) - 1
        # Neither the first nor the innermost convolution is normalised: the innermost has one
        # value per channel where crops are as small as the levels allow.
        self.down = nn.ModuleList(
            _halving(a, b, normalise=0 < level < last)
            for level, (a, b) in enumerate(zip(before, widths, strict=True))
        )
        self.up = nn.ModuleList(
            _doubling(widths[level] * (1 if level == last else 2), widths[level - 1])
            for level in range(last, 0, -1)
        )
        self.head = nn.ConvTranspose2d(2 * widths[0], outputs, 4, stride=2, padding=1)
        self.apply(_start)

    def noise_shapes(self, rows: int, columns: int) -> list[tuple[int, int, int]]:
        """(channel, row, column) of what each dropout of a window of that size can drop."""
        shapes = []
        for number in range(self.dropped):
            stride = 2 ** (len(self.widths) - 1 - number)
            shapes.append((self.widths[-2 - number], rows // stride, columns // stride))
        return shapes

    def forward(self, x: Tensor, noise: Sequence[Tensor] | None = None) -> Tensor:
        """(image, inputs, row, column) to (image, outputs, row, column) in [-1, 1].

        Parameters
        ----------
        x
            Rows and columns are multiples of `stride`.
        noise
            What stays of the features of each dropout: ones and zeros of `noise_shapes`, with
            the image in front. None draws them from torch's random numbers, in evaluation mode
            too: the noise is an input of the generator.
        """
        if x.shape[-2] % self.stride or x.shape[-1] % self.stride:
            raise ValueError(
                f"a window of {x.shape[-2]} x {x.shape[-1]} came: multiples of {self.stride} "
                f"are wanted, as {len(self.widths)} levels halve it so often"
            )
        skips: list[Tensor] = []
        for level, layer in enumerate(self.down):
            x = layer(nn.functional.leaky_relu(x, SLOPE) if level else x)
            skips.append(x)
        x = skips.pop()
        for number, layer in enumerate(self.up):
            x = layer(nn.functional.relu(x))
            if number < self.dropped:
                x = self._drop(x, None if noise is None else noise[number])
            x = torch.cat([x, skips.pop()], dim=1)
        return torch.tanh(self.head(nn.functional.relu(x)))

    def _drop(self, x: Tensor, kept: Tensor | None) -> Tensor:
        if kept is None:
            return nn.functional.dropout(x, self.dropout, training=True)
        return x * kept.to(x.dtype) / (1 - self.dropout)


def _halving(inputs: int, outputs: int, *, normalise: bool) -> nn.Sequential:
    """Half the rows and columns."""
    convolution = nn.Conv2d(inputs, outputs, 4, stride=2, padding=1, bias=False)
    return nn.Sequential(convolution, *([nn.BatchNorm2d(outputs)] if normalise else []))


def _doubling(inputs: int, outputs: int) -> nn.Sequential:
    """Twice the rows and columns."""
    return nn.Sequential(
        nn.ConvTranspose2d(inputs, outputs, 4, stride=2, padding=1, bias=False),
        nn.BatchNorm2d(outputs),
    )


def _start(module: nn.Module) -> None:
    """Weights to begin with (Isola 2017, 6.2): Gaussian of deviation 0.02."""
    if isinstance(module, nn.Conv2d | nn.ConvTranspose2d):
        nn.init.normal_(module.weight, 0.0, 0.02)
        if module.bias is not None:
            nn.init.zeros_(module.bias)
    elif isinstance(module, nn.BatchNorm2d):
        nn.init.normal_(module.weight, 1.0, 0.02)
        nn.init.zeros_(module.bias)
