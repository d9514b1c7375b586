"""The registered methods: the registry is one tuple of the entries of each file of builders."""

from __future__ import annotations

from collections.abc import Mapping
from inspect import signature
from typing import Any

from cellwright.types import InputError
from cellwright.zoo import (
    centermask,
    ensemble,
    fast,
    iaunet,
    maskrcnn,
    overlap_heads,
    peers,
    seunets,
    sparse,
    unets,
)
from cellwright.zoo.entry import MethodEntry

METHODS: tuple[MethodEntry, ...] = (
    *unets.ENTRIES,
    *fast.ENTRIES,
    *ensemble.ENTRIES,
    *seunets.ENTRIES,
    *overlap_heads.ENTRIES,
    *sparse.ENTRIES,
    *iaunet.ENTRIES,
    *maskrcnn.ENTRIES,
    *centermask.ENTRIES,
    *peers.ENTRIES,
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
