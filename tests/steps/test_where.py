"""Tags that images must have, in each form."""

from __future__ import annotations

import doctest

import pytest

from cellwright.steps import where
from cellwright.steps.where import wanted_tags


def test_the_examples_hold() -> None:
    assert doctest.testmod(where).attempted == 2
    assert doctest.testmod(where).failed == 0


@pytest.mark.parametrize("nothing", [(), {}, []])
def test_nothing_wanted(nothing) -> None:
    assert wanted_tags(nothing) == {}
