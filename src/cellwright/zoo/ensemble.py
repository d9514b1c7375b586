"""An ensemble of deep U-Nets, one for each value of a tag.

Paper: Kim, Song, Zheng 2022 (P3) 3.2.1: one deep U-Net per cell line, some with one and some with
two levels more than the U-Net; its future work has one per phase in time.
Licence: our own code (BSD-3-Clause), written from the paper.
Deviations: tag, members and their levels are data. An image without the tag, or with a value that
no member was trained on, gets the mean of all members' probabilities; P3 always knows the cell
line. All members train together, each on its own images.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from torch import Tensor

from cellwright.codecs.foreground import ForegroundCodec
from cellwright.losses.pixel import cross_entropy
from cellwright.losses.weighted import WeightedSum
from cellwright.nets.ensemble import Ensemble
from cellwright.nets.unet import UNet
from cellwright.types import Codec, InputError, Tag
from cellwright.zoo.entry import MethodEntry
from cellwright.zoo.method import Criterion, DenseMethod
from cellwright.zoo.unets import ORIGINAL, checked_widths

#: levels more than the U-Net where nothing is said of a member: P3's deepest
DEEPEST = 2


class EnsembleMethod(DenseMethod):
    """A method for each value of a tag, and their mean for all other images.

    Parameters
    ----------
    net
        All members, in the order of `values`.
    criterion, codec
        Those of every member.
    tag
        Name of the tag of an image that says whose it is.
    values
        Value of the tag for each member, as text.
    """

    #: a member without an image in the batch gets no gradient: several devices have to know
    trains_partly = True

    def __init__(
        self,
        net: Ensemble,
        *,
        criterion: Criterion,
        codec: Codec,
        tag: str,
        values: Sequence[str],
    ) -> None:
        super().__init__(net, criterion=criterion, codec=codec)
        self.tag = tag
        self.values = tuple(values)

    def member_of(self, tags: Mapping[str, Tag]) -> int | None:
        """Number of the member for an image with these tags; None if there is none."""
        value = str(tags[self.tag]) if self.tag in tags else None
        return self.values.index(value) if value in self.values else None

    def member(self, number: int) -> DenseMethod:
        """The method of one member; it shares the weights."""
        return DenseMethod(self.net.members[number], criterion=self.criterion, codec=self.codec)

    def for_tags(self, tags: Mapping[str, Tag]) -> DenseMethod:
        """The member's method for an image with these tags, or this one, which averages."""
        number = self.member_of(tags)
        return self if number is None else self.member(number)

    def losses(self, images: Tensor, targets: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Scalar losses by name, each image by its own member.

        Parameters
        ----------
        images
            (image, channel, row, column).
        targets
            Maps by name, and ``member``: (image,) int64. Members without an image in the
            batch are not run.
        """
        if "member" not in targets:
            raise ValueError("an ensemble learns from targets with the member of each image")
        numbers = targets["member"]
        maps = {name: value for name, value in targets.items() if name != "member"}
        total: dict[str, Tensor] = {}
        for number in numbers.unique().tolist():
            mine = numbers == number
            share = mine.float().mean()
            own = {name: value[mine] for name, value in maps.items()}
            for name, value in self.member(number).losses(images[mine], own).items():
                total[name] = total.get(name, 0) + share * value
        return total

    def with_codec(self, codec: Codec) -> EnsembleMethod:
        """The same networks and criterion with another codec."""
        return EnsembleMethod(
            self.net, criterion=self.criterion, codec=codec, tag=self.tag, values=self.values
        )


def unet_deep_ensemble(
    *,
    inputs: int = 1,
    class_names: Sequence[str] = ("cell",),
    tag: str = "cell_line",
    members: Mapping[str, int | Sequence[int]] | Sequence[str] = (),
    widths: Sequence[int] = ORIGINAL,
    upsampling: str = "transposed",
    normalise: bool = True,
) -> EnsembleMethod:
    """A deep U-Net for each value of a tag (P3).

    `members` names the values: with the levels each has more than `widths` (0, 1, 2 ...), with
    widths of its own, or as a list of values with two levels more each.
    """
    codec = ForegroundCodec(tuple(class_names))
    base = checked_widths(widths)
    known = members if isinstance(members, Mapping) else dict.fromkeys(members, DEEPEST)
    if not known:
        raise InputError(
            "an ensemble without members came; train it on a data set whose images have the tag "
            f'{tag!r}, or give members, such as {{"A172": 1, "BV2": 2}}'
        )
    nets = [
        UNet(
            inputs,
            sum(codec.maps.values()),
            widths=member_widths(base, depth),
            upsampling=upsampling,
            normalise=normalise,
        )
        for depth in known.values()
    ]
    return EnsembleMethod(
        Ensemble(nets),
        criterion=WeightedSum({"foreground": 1.0}, loss=cross_entropy),
        codec=codec,
        tag=tag,
        values=[str(value) for value in known],
    )


def member_widths(base: Sequence[int], depth: object) -> tuple[int, ...]:
    """Channels of each level of a member: its own, or `base` and as many levels more.

    Examples
    --------
    >>> member_widths((64, 128, 1024), 2)
    (64, 128, 1024, 1024, 2048)
    >>> member_widths((64, 128, 1024), [8, 16])
    (8, 16)
    """
    if isinstance(depth, int) and not isinstance(depth, bool) and depth >= 0:
        return (*base, *(base[-1] * 2**level for level in range(depth)))
    if isinstance(depth, int):
        raise InputError(f"a member of {depth} levels more came: 0 or more is wanted")
    return checked_widths(depth)


def members_from(tags: Sequence[Mapping[str, Tag]], options: Mapping[str, Any]) -> dict[str, Any]:
    """A member for each value that the training images have of the tag."""
    if options.get("members"):
        return {}
    tag = str(options.get("tag", "cell_line"))
    values = sorted({str(t[tag]) for t in tags if tag in t})
    if not values:
        known = sorted({name for t in tags for name in t})
        raise InputError(
            f"no image has the tag {tag!r} that the ensemble goes by; choose another with "
            f"--option tag=NAME (there are {', '.join(known) or 'none'}), or take unet-deep"
        )
    return {"members": dict.fromkeys(values, DEEPEST)}


ENTRIES: tuple[MethodEntry, ...] = (
    MethodEntry(
        "unet-deep-ensemble",
        unet_deep_ensemble,
        "a deep U-Net for each value of a tag, such as the cell line; their mean if it is unknown",
        "Kim, Song, Zheng 2022 (P3)",
        prepare=members_from,
    ),
)
