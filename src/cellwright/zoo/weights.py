"""Weights on disk: safetensors, written atomically, read only with the hash of their card."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from safetensors import SafetensorError
from safetensors.torch import load, save

from cellwright.formats.atomic import atomic_path
from cellwright.types import InputError

if TYPE_CHECKING:
    from torch import Tensor


def write_weights(state: Mapping[str, Tensor], path: Path) -> str:
    """Write tensors, on the CPU and contiguous, to `path`; the SHA-256 of the file."""
    blob = save(dict(state))
    with atomic_path(path) as part:
        part.write_bytes(blob)
    return hashlib.sha256(blob).hexdigest()


def read_weights(path: Path, expected: str, *, card: str, what: str) -> dict[str, Tensor]:
    """The tensors of a file.

    Parameters
    ----------
    path
        Where `write_weights` wrote.
    expected
        SHA-256 that the file must have.
    card, what
        Name of the card that states it, and what its folder is called, for errors.

    Raises
    ------
    InputError
        If the file is missing, has another hash, or is no safetensors file.
    """
    try:
        blob = path.read_bytes()
    except FileNotFoundError as error:
        raise InputError(f"{path.parent} has no {path.name}; copy the whole {what}") from error
    if hashlib.sha256(blob).hexdigest() != expected:
        raise InputError(
            f"{path} does not have the hash its {card} states: the file is damaged "
            f"or from another training; copy the whole {what} again"
        )
    try:
        return load(blob)
    except SafetensorError as error:
        raise InputError(f"{path}: these are no weights: {error}") from error
