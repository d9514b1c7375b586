"""SEU-Net with a decoder for overlaps: P4's overlap awareness.

Paper: Prytula 2023 (P4) 4.3, 5.4, Table 5.3: decoders for cytoplasm and overlap trained side by
side, the overlap by a focal loss that a map of the likelihood of overlaps weights.
Licence: our own code (BSD-3-Clause), written from the paper.
Deviations: see `cellwright.nets.se_unet`, `cellwright.codecs.overlap_head`,
`cellwright.codecs.likelihood` and `cellwright.losses.overlap`. The thesis gives neither the
weights of the losses nor alpha and gamma; and the highest value of a map is 0.9, so that
1 - P leaves something of the annotated overlaps. The weighting is "relaxed" unless another one is
asked for: with those of the text and of Eq. 4.5 the head's probabilities stay below its threshold.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import log

from torch import nn

from cellwright.codecs.overlap_head import OverlapCodec
from cellwright.losses.overlap import WEIGHTINGS, OverlapCriterion
from cellwright.nets.se_unet import SEUNet
from cellwright.types import InputError
from cellwright.zoo.entry import COMPACT, MethodEntry
from cellwright.zoo.method import DenseMethod
from cellwright.zoo.unets import checked_widths


def seunet_overlap(
    *,
    inputs: int = 1,
    class_names: Sequence[str] = ("cell",),
    widths: Sequence[int] = COMPACT,
    reduction: int = 16,
    heads: Sequence[str] = ("cytoplasm",),
    map: str = "v4",
    weighting: str = "relaxed",
    invert: bool = False,
    ceiling: float = 0.9,
    alpha: float = 0.25,
    gamma: float = 2.0,
    prior: float = 0.05,
    cytoplasm_weight: float = 1.0,
    nuclei_weight: float = 1.0,
    border_weight: float = 1.0,
    background_weight: float = 1.0,
    overlap_weight: float = 1.0,
) -> DenseMethod:
    """SEU-Net with a decoder for each of `heads` and one for the overlaps.

    With `map` or `weighting` "none" it is trained without a map (the first row of Table 5.3).
    `prior` is the probability of an overlap that its head begins with (Lin 2017, 4.1): where
    overlaps are rare, the focal loss takes long to come down from one half.
    """
    given = {
        "cytoplasm": cytoplasm_weight,
        "nuclei": nuclei_weight,
        "border": border_weight,
        "background": background_weight,
        "overlap": overlap_weight,
    }
    if any(not w >= 0 for w in given.values()) or reduction < 1:
        raise InputError(
            f"weights {given} and reduction {reduction} came: weights of 0 or more and a "
            "reduction of 1 or more are wanted"
        )
    if weighting not in WEIGHTINGS:
        raise InputError(
            f"weighting {weighting!r} is not known; choose one of {', '.join(WEIGHTINGS)}"
        )
    if not (0 <= alpha <= 1 and gamma >= 0 and 0 < prior < 1):
        raise InputError(
            f"alpha {alpha}, gamma {gamma} and prior {prior} came: alpha in [0, 1], gamma 0 or "
            "more and prior between 0 and 1 are wanted"
        )
    likelihood = "none" if weighting == "none" else map
    codec = OverlapCodec(tuple(class_names), tuple(heads), likelihood, ceiling)
    criterion = OverlapCriterion(
        {name: given[name] for name in codec.maps},
        weighting="none" if map == "none" else weighting,
        invert=invert,
        alpha=alpha,
        gamma=gamma,
    )
    net = SEUNet(inputs, codec.maps, widths=checked_widths(widths), reduction=reduction)
    nn.init.constant_(net.heads["overlap"].bias, log(prior / (1 - prior)))
    return DenseMethod(net, criterion=criterion, codec=codec)


ENTRIES: tuple[MethodEntry, ...] = (
    MethodEntry(
        "seunet-overlap",
        seunet_overlap,
        "SEU-Net with decoders for cytoplasm and overlaps; overlapping cells come out whole",
        "Prytula 2023 (P4) 4.3",
    ),
)
