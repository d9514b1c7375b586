"""SEU-Net: U-Net with squeeze-and-excitation and one decoder, or one per head.

Paper: Prytula 2023 (P4) 4.2.1, 4.2.3 and Fig. 4.4; squeeze-and-excitation by Hu et al. 2018,
arXiv 1709.01507.
Licence: our own code (BSD-3-Clause), written from the papers.
Deviations: the thesis gives no layer sizes; ours are those of the U-Net beside it (64 to 1024),
one squeeze-and-excitation at the end of each block of encoder and decoder, with the usual
reduction of 16, batch normalisation, upsampling by nearest neighbour and a 3 x 3 convolution.
The encoder's deepest block is shared by all decoders.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn

from cellwright.nets.blocks import SqueezeExcitation
from cellwright.nets.encoder_decoder import Attention, Decoder, Encoder
from cellwright.nets.unet import UNet

__all__ = ["Decoder", "Encoder", "SEUNet", "se_unet", "squeeze_excitation"]


class SEUNet(nn.Module):
    """One encoder, and a decoder for all heads or one for each.

    Parameters
    ----------
    inputs
        Input channels (or planes; P4 gives two bright-field planes).
    heads
        Output channels of each head by its name, in the order of the output.
    widths
        Channels of each level, from full resolution down.
    reduction
        That of the squeeze-and-excitation.
    decoupled
        Whether each head has a decoder of its own (Fig. 4.4c); without it all heads are
        1 x 1 convolutions on one decoder (Fig. 4.4a and b).

    Attributes
    ----------
    stride
        Rows and columns must be multiples of it.
    decoders
        By head name; only "shared" if not decoupled.
    """

    def __init__(
        self,
        inputs: int,
        heads: Mapping[str, int],
        *,
        widths: Sequence[int] = (64, 128, 256, 512, 1024),
        reduction: int = 16,
        decoupled: bool = True,
    ) -> None:
        super().__init__()
        if not heads or min(heads.values()) < 1:
            raise ValueError(f"heads {dict(heads)} came: at least one with a channel is wanted")
        attention = squeeze_excitation(reduction)
        self.encoder = Encoder(inputs, widths=widths, attention=attention)
        self.stride = self.encoder.stride
        self.decoupled = decoupled
        names = heads if decoupled else ("shared",)
        self.decoders = nn.ModuleDict(
            {name: Decoder(widths=widths, attention=attention) for name in names}
        )
        self.heads = nn.ModuleDict(
            {name: nn.Conv2d(widths[0], channels, 1) for name, channels in heads.items()}
        )

    def features(self, x: Tensor) -> dict[str, list[Tensor]]:
        """Each decoder's features, deepest first, by its name; see `Decoder.forward`."""
        skips = self.encoder(x)
        return {name: decoder(skips) for name, decoder in self.decoders.items()}

    def forward(self, x: Tensor) -> Tensor:
        """(image, inputs, row, column) to logits, the heads' channels side by side."""
        features = self.features(x)
        return torch.cat(
            [
                head(features[name if self.decoupled else "shared"][-1])
                for name, head in self.heads.items()
            ],
            dim=1,
        )


def squeeze_excitation(reduction: int = 16) -> Attention:
    """A builder of squeeze-and-excitation, as `attention` of `Encoder` and `Decoder`."""
    return lambda channels: SqueezeExcitation(channels, reduction=reduction)


def se_unet(
    inputs: int,
    outputs: int,
    *,
    widths: Sequence[int] = (64, 128, 256, 512, 1024),
    reduction: int = 16,
) -> UNet:
    """A U-Net whose every block ends in squeeze-and-excitation; arguments as `UNet`.

    The same layers as `SEUNet` with one decoder, under the names of the U-Net's weights.
    """
    return UNet(inputs, outputs, widths=widths, attention=squeeze_excitation(reduction))
