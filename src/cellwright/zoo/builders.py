"""The registered methods: each builder shows its numbers; the registry is one tuple."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from inspect import signature
from typing import Any

from cellwright.codecs.distance import DistanceCodec
from cellwright.codecs.foreground import ForegroundCodec
from cellwright.losses.pixel import DistanceCriterion, ForegroundCriterion
from cellwright.nets.se_unet import se_unet
from cellwright.nets.unet import UNet
from cellwright.types import InputError
from cellwright.zoo.entry import COMPACT, MethodEntry
from cellwright.zoo.method import DenseMethod


def unet_distance(
    *, inputs: int = 1, class_names: Sequence[str] = ("cell",), widths: Sequence[int] = COMPACT
) -> DenseMethod:
    """U-Net, foreground and distance, seeded watershed: the default."""
    codec = DistanceCodec(tuple(class_names))
    net = UNet(inputs, sum(codec.maps.values()), widths=tuple(widths))
    return DenseMethod(net, criterion=DistanceCriterion(), codec=codec)


def unet_foreground(
    *, inputs: int = 1, class_names: Sequence[str] = ("cell",), widths: Sequence[int] = COMPACT
) -> DenseMethod:
    """U-Net, foreground only, distance watershed of the mask."""
    codec = ForegroundCodec(tuple(class_names))
    net = UNet(inputs, sum(codec.maps.values()), widths=tuple(widths))
    return DenseMethod(net, criterion=ForegroundCriterion(), codec=codec)


def seunet_distance(
    *, inputs: int = 1, class_names: Sequence[str] = ("cell",), widths: Sequence[int] = COMPACT
) -> DenseMethod:
    """SEU-Net (P4), foreground and distance, seeded watershed."""
    codec = DistanceCodec(tuple(class_names))
    net = se_unet(inputs, sum(codec.maps.values()), widths=tuple(widths))
    return DenseMethod(net, criterion=DistanceCriterion(), codec=codec)


def seunet_foreground(
    *, inputs: int = 1, class_names: Sequence[str] = ("cell",), widths: Sequence[int] = COMPACT
) -> DenseMethod:
    """SEU-Net (P4), foreground only, distance watershed of the mask."""
    codec = ForegroundCodec(tuple(class_names))
    net = se_unet(inputs, sum(codec.maps.values()), widths=tuple(widths))
    return DenseMethod(net, criterion=ForegroundCriterion(), codec=codec)


METHODS: tuple[MethodEntry, ...] = (
    MethodEntry(
        "unet-distance",
        unet_distance,
        "U-Net with foreground and distance maps; touching cells split by seeded watershed",
        "Ronneberger 2015",
    ),
    MethodEntry(
        "unet-foreground",
        unet_foreground,
        "U-Net with a foreground map; cells by distance watershed",
        "Ronneberger 2015, P2",
    ),
    MethodEntry(
        "seunet-distance",
        seunet_distance,
        "SEU-Net (squeeze-and-excitation) with foreground and distance maps",
        "Prytula 2023 (P4)",
    ),
    MethodEntry(
        "seunet-foreground",
        seunet_foreground,
        "SEU-Net (squeeze-and-excitation) with a foreground map",
        "Prytula 2023 (P4)",
    ),
)

DEFAULT_METHOD = "unet-distance"


def entry(name: str) -> MethodEntry:
    """The registered method `name`; an unknown name raises and lists the known ones."""
    for known in METHODS:
        if known.name == name:
            return known
    raise InputError(
        f"there is no method {name!r}; known methods are {', '.join(m.name for m in METHODS)}"
    )


def build(name: str, **arguments: object) -> Any:
    """Build a registered method with fresh weights."""
    return built(entry(name), arguments)


def built(known: MethodEntry, arguments: Mapping[str, Any]) -> Any:
    """A method with fresh weights; an option that it has not is an InputError."""
    options = set(signature(known.build).parameters)
    unknown = sorted(set(arguments) - options)
    if unknown:
        named = sorted(options - {"inputs", "class_names"})
        raise InputError(
            f"method {known.name} has no option {', '.join(unknown)}; it has "
            f"{', '.join(named) or 'none'}"
        )
    try:
        return known.build(**arguments)
    except InputError:
        raise
    except (TypeError, ValueError) as error:
        raise InputError(f"method {known.name} cannot be built so: {error}") from error
