"""The registry of promptable segmenters."""

from __future__ import annotations

import pytest

from cellwright.label.prompting import (
    DEFAULT_PROMPT_SEGMENTER,
    PROMPT_SEGMENTERS,
    prompt_segmenter,
)
from cellwright.types import InputError, PromptSegmenter


def test_names_are_unique_and_the_default_needs_no_download() -> None:
    names = [entry.name for entry in PROMPT_SEGMENTERS]
    assert len(set(names)) == len(names)
    default = next(e for e in PROMPT_SEGMENTERS if e.name == DEFAULT_PROMPT_SEGMENTER)
    assert not default.needs_download


@pytest.mark.parametrize("entry", [e for e in PROMPT_SEGMENTERS if not e.needs_download])
def test_what_needs_no_download_can_be_built(entry) -> None:
    assert isinstance(prompt_segmenter(entry.name), PromptSegmenter)


def test_an_unknown_name_lists_those_there_are() -> None:
    with pytest.raises(InputError, match=r"'sma'.*region.*sam-vit-b"):
        prompt_segmenter("sma")


def test_an_unknown_option_is_named() -> None:
    with pytest.raises(InputError, match=r"region.*colour"):
        prompt_segmenter("region", colour="red")
