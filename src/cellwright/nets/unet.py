"""U-Net.

Paper: Ronneberger, Fischer, Brox 2015, "U-Net", arXiv 1505.04597.
Licence: our own code (BSD-3-Clause), written from the paper.
Deviations: padded convolutions (output as large as the input). By default also batch
normalisation and nearest-neighbour upsampling with a 3 x 3 convolution, which train faster
from scratch and leave no chequerboard; ``upsampling="transposed", normalise=False`` has the
layers and the number of parameters of the paper. Width and depth are arguments.
"""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor, nn

from cellwright.nets.encoder_decoder import Attention, Decoder, Encoder, contract, expand


class UNet(nn.Module):
    """Encoder, decoder with skip connections, one 1 x 1 head.

    Parameters
    ----------
    inputs
        Input channels (or planes).
    outputs
        Output channels (logits).
    widths
        Channels of each level, from full resolution down; its length less one is
        the number of poolings, and windows are multiples of ``2 ** (len(widths) - 1)``.
    attention
        Builder called with the channels of each block, or None.
    upsampling
        "nearest" (and a 3 x 3 convolution) or "transposed" (2 x 2, the paper's).
    normalise
        Whether convolutions are followed by batch normalisation (not in the paper).
    """

    def __init__(
        self,
        inputs: int,
        outputs: int,
        *,
        widths: Sequence[int] = (64, 128, 256, 512, 1024),
        attention: Attention | None = None,
        upsampling: str = "nearest",
        normalise: bool = True,
    ) -> None:
        super().__init__()
        encoder = Encoder(inputs, widths=widths, attention=attention, normalise=normalise)
        decoder = Decoder(
            widths=widths, attention=attention, upsampling=upsampling, normalise=normalise
        )
        self.stride = encoder.stride
        # Kept as lists, not as halves: so are the weights of saved models called.
        self.down, self.up, self.join = encoder.down, decoder.up, decoder.join
        self.head = nn.Conv2d(widths[0], outputs, 1)

    def forward(self, x: Tensor) -> Tensor:
        """(image, inputs, row, column) to logits (image, outputs, row, column)."""
        skips = contract(x, down=self.down)
        return self.head(expand(skips, up=self.up, join=self.join)[-1])
