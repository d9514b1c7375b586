"""Training state on disk without pickles: tensors as safetensors, the rest as JSON beside them.

Lightning hands over a nested structure of dicts, lists, numbers and tensors. Tensors go
into one safetensors file; its metadata holds the structure with references to them.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import torch
from lightning.fabric.plugins.io.checkpoint_io import CheckpointIO
from safetensors import SafetensorError, safe_open
from safetensors.torch import save

from cellwright.formats.atomic import atomic_path
from cellwright.types import InputError


def pack(value: Any, tensors: dict[str, torch.Tensor]) -> Any:
    """`value` as JSON types; tensors are put into `tensors` and referred to by number."""
    if isinstance(value, torch.Tensor):
        name = str(len(tensors))
        tensors[name] = value.detach().cpu().contiguous().clone()
        return {"tensor": name}
    if isinstance(value, dict):
        return {"items": [[pack(k, tensors), pack(v, tensors)] for k, v in value.items()]}
    if isinstance(value, tuple):
        return {"tuple": [pack(v, tensors) for v in value]}
    if isinstance(value, list):
        return [pack(v, tensors) for v in value]
    if isinstance(value, Path):
        return str(value)
    if value is None or isinstance(value, bool | int | float | str):
        return value
    raise TypeError(f"{type(value).__name__} cannot be kept in a training state")


def unpack(value: Any, tensors: dict[str, torch.Tensor]) -> Any:
    """The inverse of `pack`."""
    if isinstance(value, list):
        return [unpack(v, tensors) for v in value]
    if isinstance(value, dict):
        if "tensor" in value:
            return tensors[value["tensor"]]
        if "tuple" in value:
            return tuple(unpack(v, tensors) for v in value["tuple"])
        return {unpack(k, tensors): unpack(v, tensors) for k, v in value["items"]}
    return value


def write_state(state: dict[str, Any], path: Path) -> None:
    """Write a training state atomically."""
    tensors: dict[str, torch.Tensor] = {}
    tree = json.dumps(pack(state, tensors))
    blob = save(tensors, metadata={"tree": tree})
    with atomic_path(path) as target:
        target.write_bytes(blob)


def read_state(path: Path) -> dict[str, Any]:
    """Read a training state; a damaged file is an InputError."""
    try:
        with safe_open(path, framework="pt") as file:
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
            tree = json.loads((file.metadata() or {})["tree"])
    except (SafetensorError, KeyError, ValueError) as error:
        raise InputError(
            f"{path} is not a training state of Cellwright ({error}); "
            "delete it to begin the training anew"
        ) from error
    return unpack(tree, tensors)


class StateIO(CheckpointIO):
    """Lightning's door to `write_state` and `read_state`."""

    def save_checkpoint(
        self, checkpoint: dict[str, Any], path: Any, storage_options: Any | None = None
    ) -> None:
        """Write `checkpoint` to `path` atomically."""
        write_state(checkpoint, Path(path))

    def load_checkpoint(
        self, path: Any, map_location: Any | None = None, weights_only: bool | None = None
    ) -> dict[str, Any]:
        """Read the checkpoint at `path`, on the CPU."""
        return read_state(Path(path))

    def remove_checkpoint(self, path: Any) -> None:
        """Delete the checkpoint at `path` if it is there."""
        Path(path).unlink(missing_ok=True)
