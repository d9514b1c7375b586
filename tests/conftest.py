"""Fixtures shared by all tests."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="session")
def repository() -> Path:
    """The root of the checkout."""
    return REPOSITORY


@pytest.fixture(scope="session")
def data_dir() -> Path:
    """Real images with truth, from $CELLWRIGHT_DATA or ../shared/data; skips where absent."""
    named = os.environ.get("CELLWRIGHT_DATA")
    folder = Path(named) if named else REPOSITORY.parent / "shared" / "data"
    if not folder.is_dir():
        pytest.skip("the real images are not on this machine (set CELLWRIGHT_DATA)")
    return folder


@pytest.fixture(autouse=True)
def log_levels() -> Iterator[None]:
    """Commands that run in the process of the tests set log levels; the next test starts anew."""
    loggers = [logging.getLogger(name) for name in (None, "cellwright", "py.warnings")]
    levels = [logger.level for logger in loggers]
    yield
    for logger, level in zip(loggers, levels, strict=True):
        logger.setLevel(level)
