"""What the registry knows of a method: its name, builder, source and training defaults."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from cellwright.types import Tag

#: widths that train in minutes on two cores: 1.9 million parameters in a U-Net
COMPACT = (16, 32, 64, 128, 256)

Prepare = Callable[[Sequence[Mapping[str, Tag]], Mapping[str, Any]], dict[str, Any]]


def without_weights(arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Arguments that build the same network without weights to start from.

    Examples
    --------
    >>> without_weights({"weights": "coco", "queries": 5})
    {'weights': 'none', 'queries': 5}
    """
    named = isinstance(arguments.get("weights"), str)
    return dict(arguments) | ({"weights": "none"} if named else {})


@dataclass(frozen=True, slots=True)
class MethodEntry:
    """A trainable method under its public name.

    Parameters
    ----------
    name
        As in ``cellwright train --method``.
    build
        Called with ``inputs``, ``class_names`` and the method's own options, all of them
        numbers, strings, lists or tables: a model folder keeps the call and repeats it.
    summary, paper
        One line each, for ``cellwright methods``.
    training
        Training settings that suit the method, used where none were given.
    prepare
        Gives further arguments of `build` from the tags of the training images and the
        options so far; None for most.
    settled
        Turns the arguments of a training into those by which its model folder builds the
        network again: nothing is downloaded or read then.
    """

    name: str
    build: Callable[..., Any]
    summary: str
    paper: str
    training: Mapping[str, Any] = field(default_factory=dict)
    prepare: Prepare | None = None
    settled: Callable[[Mapping[str, Any]], dict[str, Any]] = without_weights
