"""The examples in the docstrings run."""

from __future__ import annotations

import doctest
from importlib import import_module

import pytest

MODULES = ("ratios", "classes", "match", "pixel", "coco", "scores")


@pytest.mark.parametrize("name", MODULES)
def test_examples(name: str) -> None:
    failed, tried = doctest.testmod(import_module(f"cellwright.evaluate.{name}"))
    assert failed == 0
    assert tried > 0
