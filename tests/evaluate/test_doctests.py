"""The examples in the docstrings run."""

from __future__ import annotations

import doctest
from importlib import import_module
from pkgutil import iter_modules

import pytest

MODULES = [m.name for m in iter_modules(import_module("cellwright.evaluate").__path__)]
#: Modules of definitions only, without a function to show.
SILENT = {"metric"}


@pytest.mark.parametrize("name", MODULES)
def test_examples(name: str) -> None:
    failed, tried = doctest.testmod(import_module(f"cellwright.evaluate.{name}"))
    assert failed == 0
    assert (tried > 0) == (name not in SILENT)
