"""The registered promptable segmenters, by name; what is big is loaded when it is built."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cellwright.label.sam.weights import SAM_WEIGHTS
from cellwright.types import InputError, PromptSegmenter

DEFAULT_PROMPT_SEGMENTER = "region"


@dataclass(frozen=True, slots=True)
class PromptSegmenterEntry:
    """A promptable segmenter under its public name.

    Parameters
    ----------
    name
        Public name.
    summary
        What it is, in a few words.
    build
        Makes the segmenter from keyword options.
    needs_download
        Whether it needs weights that do not come with the package.
    by_hand
        Options that suit boxes drawn by hand, which are a few pixels off.
    """

    name: str
    summary: str
    build: Callable[..., PromptSegmenter]
    needs_download: bool = False
    by_hand: Mapping[str, Any] = field(default_factory=dict)


def _region(**options: Any) -> PromptSegmenter:
    from cellwright.label.region import RegionSegmenter

    return RegionSegmenter(**options)


def _plain(**options: Any) -> PromptSegmenter:
    return _region(learned=False, **options)


def _walker(**options: Any) -> PromptSegmenter:
    from cellwright.label.walker import WalkerSegmenter

    return WalkerSegmenter(**options)


def _sam(name: str, summary: str) -> PromptSegmenterEntry:
    def build(**options: Any) -> PromptSegmenter:
        from cellwright.label import sam

        return sam.build(name, **options)

    return PromptSegmenterEntry(name, summary, build, needs_download=True)


PROMPT_SEGMENTERS: tuple[PromptSegmenterEntry, ...] = (
    PromptSegmenterEntry(
        "region",
        "closed outline from intensity, texture and edges, its cost fitted; answers at once",
        _region,
        by_hand={"exact_boxes": False},
    ),
    PromptSegmenterEntry(
        "region-plain",
        "the same outline with a cost set by hand, nothing fitted",
        _plain,
        by_hand={"exact_boxes": False},
    ),
    PromptSegmenterEntry(
        "random-walker",
        "random walks from seeds made of the prompts (Grady 2006); nothing fitted",
        _walker,
    ),
    *(_sam(model.name, model.summary) for model in SAM_WEIGHTS),
)


def prompt_segmenter(
    name: str = DEFAULT_PROMPT_SEGMENTER, *, by_hand: bool = False, **options: Any
) -> PromptSegmenter:
    """The promptable segmenter called `name`, built with `options`.

    Parameters
    ----------
    name
        A name of `PROMPT_SEGMENTERS`; or a checkpoint of the SAM family, as a file, a folder or
        an id of the Hugging Face hub (``owner/model``).
    by_hand
        Whether a person draws the prompts: takes the options that suit that, where not given.
    **options
        Of the segmenter.

    Raises
    ------
    InputError
        If there is none of that name, it does not take one of the options, or its weights or
        packages are not there (the message says how to get them).
    """
    entries = {entry.name: entry for entry in PROMPT_SEGMENTERS}
    if name not in entries and ("/" in name or Path(name).exists()):
        return _sam(name, "").build(**options)
    if name not in entries:
        raise InputError(
            f"there is no promptable segmenter {name!r}; there are {', '.join(entries)}"
        )
    if by_hand:
        options = {**entries[name].by_hand, **options}
    try:
        return entries[name].build(**options)
    except TypeError as error:
        raise InputError(f"promptable segmenter {name!r}: {error}") from error
