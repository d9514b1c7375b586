"""The U-Net that the shipped models are made of: fast on a CPU, with borders between cells.

Papers: Ronneberger et al. 2015 (arXiv 1505.04597); Caicedo et al. 2019 (Nature Methods 16, 1247)
for the borders that the best entries of the 2018 Data Science Bowl learnt.
Licence: our own code (BSD-3-Clause), written from the papers.
Deviations: see `cellwright.nets.fast_unet` and `cellwright.codecs.borders`.
"""

from __future__ import annotations

from collections.abc import Sequence

from cellwright.codecs.borders import BordersCodec
from cellwright.losses.pixel import BordersCriterion
from cellwright.nets.fast_unet import FastUNet
from cellwright.zoo.entry import MethodEntry
from cellwright.zoo.method import DenseMethod
from cellwright.zoo.unets import checked_widths

#: channels of each level, from half resolution down
WIDTHS = (24, 48, 64, 96, 96)


def unet_fast(
    *, inputs: int = 1, class_names: Sequence[str] = ("cell",), widths: Sequence[int] = WIDTHS
) -> DenseMethod:
    """Folded U-Net; foreground, distance and borders; basins of the distance."""
    codec = BordersCodec(tuple(class_names))
    net = FastUNet(inputs, sum(codec.maps.values()), widths=checked_widths(widths))
    return DenseMethod(net, criterion=BordersCriterion(), codec=codec)


ENTRIES: tuple[MethodEntry, ...] = (
    MethodEntry(
        "unet-fast",
        unet_fast,
        "U-Net on folded pixels with foreground, distance and borders between cells; for CPUs",
        "Ronneberger 2015, Caicedo 2019",
    ),
)
