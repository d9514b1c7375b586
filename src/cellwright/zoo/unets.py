"""U-Nets: the default with distances, P2's with BCE or MSE, P3's with more levels.

Papers: Ronneberger et al. 2015 (arXiv 1505.04597); Munteanu 2024 (P2) 4.3, which trains a U-Net
with binary cross-entropy or squared error; Kim, Song, Zheng 2022 (P3) 3.2.1, which adds one or two
levels at its bottom.
Licence: our own code (BSD-3-Clause), written from the papers.
Deviations: see `cellwright.nets.unet`; batch normalisation is ours (P2 and P3 do not say; the
training harness of P3, milesial's, has it). Cells come from the maps by a distance watershed,
where P2 and P3 stop at the map.
"""

from __future__ import annotations

from collections.abc import Sequence

from cellwright.codecs.distance import DistanceCodec
from cellwright.codecs.foreground import ForegroundCodec
from cellwright.losses.pixel import DistanceCriterion, cross_entropy, squared_error
from cellwright.losses.weighted import WeightedSum
from cellwright.nets.unet import UNet
from cellwright.types import InputError
from cellwright.zoo.entry import COMPACT, MethodEntry
from cellwright.zoo.method import Criterion, DenseMethod

#: channels of each level in Ronneberger et al. 2015, Fig. 1
ORIGINAL = (64, 128, 256, 512, 1024)


def unet_distance(
    *, inputs: int = 1, class_names: Sequence[str] = ("cell",), widths: Sequence[int] = COMPACT
) -> DenseMethod:
    """U-Net, foreground and distance, seeded watershed: the default."""
    codec = DistanceCodec(tuple(class_names))
    net = UNet(inputs, sum(codec.maps.values()), widths=checked_widths(widths))
    return DenseMethod(net, criterion=DistanceCriterion(), codec=codec)


def unet_bce(
    *,
    inputs: int = 1,
    class_names: Sequence[str] = ("cell",),
    widths: Sequence[int] = ORIGINAL,
    upsampling: str = "transposed",
    normalise: bool = True,
) -> DenseMethod:
    """U-Net of the paper's size, foreground, binary cross-entropy (P2)."""
    return foreground_unet(
        inputs, class_names, checked_widths(widths), upsampling=upsampling, normalise=normalise
    )


def unet_mse(
    *,
    inputs: int = 1,
    class_names: Sequence[str] = ("cell",),
    widths: Sequence[int] = ORIGINAL,
    upsampling: str = "transposed",
    normalise: bool = True,
) -> DenseMethod:
    """U-Net of the paper's size, foreground, squared error of the probability (P2)."""
    return foreground_unet(
        inputs,
        class_names,
        checked_widths(widths),
        upsampling=upsampling,
        normalise=normalise,
        criterion=WeightedSum({"foreground": 1.0}, loss=squared_error),
    )


def unet_deep(
    *,
    inputs: int = 1,
    class_names: Sequence[str] = ("cell",),
    widths: Sequence[int] = (*ORIGINAL, 1024),
    upsampling: str = "transposed",
    normalise: bool = True,
) -> DenseMethod:
    """U-Net with one more level of 1024 channels at the bottom (P3)."""
    return foreground_unet(
        inputs, class_names, checked_widths(widths), upsampling=upsampling, normalise=normalise
    )


def unet_deep_2(
    *,
    inputs: int = 1,
    class_names: Sequence[str] = ("cell",),
    widths: Sequence[int] = (*ORIGINAL, 1024, 2048),
    upsampling: str = "transposed",
    normalise: bool = True,
) -> DenseMethod:
    """U-Net with two more levels, of 1024 and 2048 channels, at the bottom (P3)."""
    return foreground_unet(
        inputs, class_names, checked_widths(widths), upsampling=upsampling, normalise=normalise
    )


def foreground_unet(
    inputs: int,
    class_names: Sequence[str],
    widths: Sequence[int],
    *,
    upsampling: str = "transposed",
    normalise: bool = True,
    criterion: Criterion | None = None,
) -> DenseMethod:
    """A U-Net with a foreground map for each class; the criterion is cross-entropy by default."""
    codec = ForegroundCodec(tuple(class_names))
    if upsampling not in ("nearest", "transposed"):
        raise InputError(f"upsampling {upsampling!r} came: nearest or transposed is wanted")
    net = UNet(
        inputs,
        sum(codec.maps.values()),
        widths=widths,
        upsampling=upsampling,
        normalise=normalise,
    )
    return DenseMethod(
        net,
        criterion=criterion or WeightedSum({"foreground": 1.0}, loss=cross_entropy),
        codec=codec,
    )


def checked_widths(widths: object) -> tuple[int, ...]:
    """`widths` as channels of each level; anything else raises InputError."""
    if not isinstance(widths, Sequence) or isinstance(widths, str) or not widths:
        raise InputError(
            f"widths {widths!r} came: channels of each level are wanted, such as [16, 32, 64]"
        )
    if any(isinstance(w, bool) or not isinstance(w, int) or w < 1 for w in widths):
        raise InputError(f"widths {list(widths)} came: whole numbers of 1 or more are wanted")
    return tuple(widths)


ENTRIES: tuple[MethodEntry, ...] = (
    MethodEntry(
        "unet-distance",
        unet_distance,
        "U-Net with foreground and distance maps; touching cells split by seeded watershed",
        "Ronneberger 2015",
    ),
    MethodEntry(
        "unet-bce",
        unet_bce,
        "U-Net of 64 to 1024 channels, foreground by cross-entropy; cells by distance watershed",
        "Ronneberger 2015, Munteanu 2024 (P2)",
    ),
    MethodEntry(
        "unet-mse",
        unet_mse,
        "U-Net of 64 to 1024 channels, foreground by squared error; cells by distance watershed",
        "Ronneberger 2015, Munteanu 2024 (P2)",
    ),
    MethodEntry(
        "unet-deep",
        unet_deep,
        "U-Net with one more level of 1024 channels; cells by distance watershed",
        "Kim, Song, Zheng 2022 (P3)",
    ),
    MethodEntry(
        "unet-deep-2",
        unet_deep_2,
        "U-Net with two more levels, of 1024 and 2048 channels; cells by distance watershed",
        "Kim, Song, Zheng 2022 (P3)",
    ),
)
