"""The peers' packages, loaded when one of them is used: versions, licences, side effects."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from importlib import import_module, metadata
from types import ModuleType

from cellwright.types import InputError

log = logging.getLogger(__name__)

AGPL = (
    "Ultralytics is AGPL-3.0: what is built on it, and served to others over a network, falls "
    "under that licence; see https://www.ultralytics.com/license"
)
#: what the package does on its own unless told not to: install packages, ask servers, print
QUIET = {"YOLO_AUTOINSTALL": "false", "YOLO_OFFLINE": "true", "YOLO_VERBOSE": "false"}


class MissingPackage(InputError):
    """A peer is not installed, or in a version that does not have what is wanted."""


def version(name: str) -> tuple[int, ...]:
    """The first two numbers of the installed version of `name`.

    Raises
    ------
    MissingPackage
        If it is not installed.
    """
    try:
        text = metadata.version(name)
    except metadata.PackageNotFoundError as error:
        raise MissingPackage(
            f"{name} is not installed: `pip install cellwright[peers]`, or `pip install {name}`"
        ) from error
    return tuple(int(part) for part in text.split(".")[:2] if part.isdigit())


def cellpose(*, major: int | None = None) -> ModuleType:
    """The package cellpose, of version `major` if that is given, else 3 or later.

    Raises
    ------
    MissingPackage
        If it is not installed, in another version, or does not load.
    """
    found = version("cellpose")[0]
    if major is not None and found != major:
        raise MissingPackage(
            f"Cellpose {major} is wanted here, {metadata.version('cellpose')} is installed: "
            f'`pip install "cellpose>={major},<{major + 1}"`, best in an environment of its own'
        )
    if found < 3:
        raise MissingPackage(
            f"Cellpose {metadata.version('cellpose')} is installed, 3 or later is wanted: "
            '`pip install "cellpose>=3.1"`'
        )
    return _load("cellpose")


def ultralytics() -> ModuleType:
    """The package ultralytics, with its side effects undone and its licence said once.

    Raises
    ------
    MissingPackage
        If it is not installed, too old, or does not load.
    """
    if version("ultralytics") < (8, 4):
        raise MissingPackage(
            f"ultralytics {metadata.version('ultralytics')} is installed, 8.4 or later is wanted: "
            '`pip install "ultralytics>=8.4"`'
        )
    for name, value in QUIET.items():
        os.environ.setdefault(name, value)
    with _kept_as_it_was():
        _load("ultralytics.nn.tasks")
    _say_licence()
    return _load("ultralytics")


def _load(name: str) -> ModuleType:
    try:
        return import_module(name)
    except ImportError as error:
        raise MissingPackage(
            f"{name} is installed but does not load ({error}): `pip install cellwright[peers]`"
        ) from error


@cache
def _say_licence() -> None:
    log.warning(AGPL)


@contextmanager
def _kept_as_it_was() -> Iterator[None]:
    """Undo what importing ultralytics replaces: print formats, ``torch.save``, ``Image.open``."""
    import numpy as np
    import torch
    from PIL import Image

    shown, save, opened = np.get_printoptions(), torch.save, Image.open
    try:
        yield
    finally:
        np.set_printoptions(**shown)
        torch.set_printoptions(profile="default")
        torch.save, Image.open = save, opened
