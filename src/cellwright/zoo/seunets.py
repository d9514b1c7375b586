"""SEU-Nets: P4's variants with one decoder, or one for each head.

Paper: Prytula 2023 (P4) 4.2, Fig. 4.4 and Tables 5.1, 5.2.
Licence: our own code (BSD-3-Clause), written from the paper.
Deviations: see `cellwright.nets.se_unet` and `cellwright.codecs.heads`. The lambdas of Eq. 4.2 are
arguments; the thesis gives no values, so each is 1. Two bright-field planes are two inputs.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from cellwright.codecs.distance import DistanceCodec
from cellwright.codecs.heads import HeadsCodec
from cellwright.losses.pixel import DistanceCriterion
from cellwright.losses.weighted import WeightedSum
from cellwright.nets.se_unet import SEUNet, se_unet
from cellwright.types import InputError
from cellwright.zoo.entry import COMPACT, MethodEntry
from cellwright.zoo.method import DenseMethod
from cellwright.zoo.unets import checked_widths


def seunet_distance(
    *, inputs: int = 1, class_names: Sequence[str] = ("cell",), widths: Sequence[int] = COMPACT
) -> DenseMethod:
    """SEU-Net (P4), foreground and distance, seeded watershed."""
    codec = DistanceCodec(tuple(class_names))
    net = se_unet(inputs, sum(codec.maps.values()), widths=checked_widths(widths))
    return DenseMethod(net, criterion=DistanceCriterion(), codec=codec)


def seunet_1head(
    *,
    inputs: int = 1,
    class_names: Sequence[str] = ("cell",),
    widths: Sequence[int] = COMPACT,
    reduction: int = 16,
) -> DenseMethod:
    """SEU-Net with one decoder for the cytoplasm (P4 Fig. 4.4a)."""
    return with_heads(
        inputs, class_names, {"cytoplasm": 1.0}, widths, reduction=reduction, decoupled=False
    )


def seunet_4channel(
    *,
    inputs: int = 1,
    class_names: Sequence[str] = ("cell", "nucleus"),
    widths: Sequence[int] = COMPACT,
    reduction: int = 16,
    cytoplasm_weight: float = 1.0,
    nuclei_weight: float = 1.0,
    border_weight: float = 1.0,
    background_weight: float = 1.0,
) -> DenseMethod:
    """SEU-Net with one decoder for all four channels (P4 Fig. 4.4b)."""
    weights = {
        "cytoplasm": cytoplasm_weight,
        "nuclei": nuclei_weight,
        "border": border_weight,
        "background": background_weight,
    }
    return with_heads(inputs, class_names, weights, widths, reduction=reduction, decoupled=False)


def seunet_2head(
    *,
    inputs: int = 1,
    class_names: Sequence[str] = ("cell", "nucleus"),
    widths: Sequence[int] = COMPACT,
    reduction: int = 16,
    cytoplasm_weight: float = 1.0,
    nuclei_weight: float = 1.0,
) -> DenseMethod:
    """SEU-Net with a decoder each for cytoplasm and nuclei (P4 Fig. 4.4c)."""
    weights = {"cytoplasm": cytoplasm_weight, "nuclei": nuclei_weight}
    return with_heads(inputs, class_names, weights, widths, reduction=reduction)


def seunet_3head(
    *,
    inputs: int = 1,
    class_names: Sequence[str] = ("cell",),
    widths: Sequence[int] = COMPACT,
    reduction: int = 16,
    cytoplasm_weight: float = 1.0,
    border_weight: float = 1.0,
    background_weight: float = 1.0,
) -> DenseMethod:
    """SEU-Net with a decoder each for cytoplasm, border and background (P4 Fig. 4.4c)."""
    weights = {
        "cytoplasm": cytoplasm_weight,
        "border": border_weight,
        "background": background_weight,
    }
    return with_heads(inputs, class_names, weights, widths, reduction=reduction)


def seunet_4head(
    *,
    inputs: int = 1,
    class_names: Sequence[str] = ("cell", "nucleus"),
    widths: Sequence[int] = COMPACT,
    reduction: int = 16,
    cytoplasm_weight: float = 1.0,
    nuclei_weight: float = 1.0,
    border_weight: float = 1.0,
    background_weight: float = 1.0,
) -> DenseMethod:
    """SEU-Net with a decoder each for cytoplasm, nuclei, border and background (P4 Fig. 4.4c)."""
    weights = {
        "cytoplasm": cytoplasm_weight,
        "nuclei": nuclei_weight,
        "border": border_weight,
        "background": background_weight,
    }
    return with_heads(inputs, class_names, weights, widths, reduction=reduction)


def with_heads(
    inputs: int,
    class_names: Sequence[str],
    weights: Mapping[str, float],
    widths: Sequence[int],
    *,
    reduction: int = 16,
    decoupled: bool = True,
) -> DenseMethod:
    """A SEU-Net with the heads that `weights` names; the weights are the lambdas of Eq. 4.2."""
    codec = HeadsCodec(tuple(class_names), tuple(weights))
    if any(not w >= 0 for w in weights.values()) or reduction < 1:
        raise InputError(
            f"weights {dict(weights)} and reduction {reduction} came: weights of 0 or more and a "
            "reduction of 1 or more are wanted"
        )
    net = SEUNet(
        inputs,
        codec.maps,
        widths=checked_widths(widths),
        reduction=reduction,
        decoupled=decoupled,
    )
    return DenseMethod(net, criterion=WeightedSum(weights), codec=codec)


ENTRIES: tuple[MethodEntry, ...] = (
    MethodEntry(
        "seunet-distance",
        seunet_distance,
        "SEU-Net (squeeze-and-excitation) with foreground and distance maps",
        "Prytula 2023 (P4)",
    ),
    MethodEntry(
        "seunet-1head",
        seunet_1head,
        "SEU-Net, one decoder, cytoplasm; cells by distance watershed",
        "Prytula 2023 (P4) Fig. 4.4a",
    ),
    MethodEntry(
        "seunet-4channel",
        seunet_4channel,
        "SEU-Net, one decoder, cytoplasm, nuclei, border, background; watershed from nuclei",
        "Prytula 2023 (P4) Fig. 4.4b",
    ),
    MethodEntry(
        "seunet-2head",
        seunet_2head,
        "SEU-Net, decoders for cytoplasm and nuclei; watershed from nuclei",
        "Prytula 2023 (P4) Fig. 4.4c",
    ),
    MethodEntry(
        "seunet-3head",
        seunet_3head,
        "SEU-Net, decoders for cytoplasm, border and background; watershed",
        "Prytula 2023 (P4) Fig. 4.4c",
    ),
    MethodEntry(
        "seunet-4head",
        seunet_4head,
        "SEU-Net, decoders for cytoplasm, nuclei, border and background; watershed from nuclei",
        "Prytula 2023 (P4) Fig. 4.4c",
    ),
)
