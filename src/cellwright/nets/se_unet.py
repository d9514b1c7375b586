"""SEU-Net: U-Net with squeeze-and-excitation in encoder and decoder.

Paper: Prytula 2023 (P4) 4.2.1; squeeze-and-excitation by Hu et al. 2018, arXiv 1709.01507.
Licence: our own code (BSD-3-Clause), written from the papers.
Deviations: the thesis gives no layer sizes; ours are those of the U-Net beside it, with
the usual reduction of 16. The decoupled heads of 4.2.3 are not part of this network.
"""

from __future__ import annotations

from cellwright.nets.blocks import SqueezeExcitation
from cellwright.nets.unet import UNet


def se_unet(
    inputs: int,
    outputs: int,
    *,
    widths: tuple[int, ...] = (64, 128, 256, 512, 1024),
    reduction: int = 16,
) -> UNet:
    """A U-Net whose every block ends in squeeze-and-excitation; arguments as `UNet`."""
    return UNet(
        inputs,
        outputs,
        widths=widths,
        attention=lambda channels: SqueezeExcitation(channels, reduction=reduction),
    )
