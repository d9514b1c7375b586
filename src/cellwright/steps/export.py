"""A model folder for others: half the bytes, nothing of the machine that made it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from cellwright.steps.result import StepResult
from cellwright.types import InputError


def export_model(
    model: str | Path, output: str | Path, *, diameter: float | None = None
) -> StepResult:
    """Write a model folder anew with float16 kernels and without paths.

    Parameters
    ----------
    model
        Model folder, or the name of a model that ships.
    output
        Folder to write; another one.
    diameter
        Typical diameter in pixels of the training cells; None keeps what the card says.

    Returns
    -------
    StepResult
        `details` has the bytes of the weights.

    Raises
    ------
    InputError
        No model, or the folder of the model itself as output.
    """
    from cellwright.zoo.checkpoint import WEIGHTS, load_model, save_model
    from cellwright.zoo.shipped import model_folder

    source, folder = model_folder(model), Path(output)
    if folder.resolve() == source.resolve():
        raise InputError(f"{folder} is the model itself; name another folder")
    method, card = load_model(source)
    card = replace(
        card,
        provenance=_without_paths(card.provenance),
        diameter=card.diameter if diameter is None else float(diameter),
    )
    save_model(method, card, folder, half=True)
    return StepResult(folder, done=1, details={"bytes": (folder / WEIGHTS).stat().st_size})


def _without_paths(value: Any) -> Any:
    """Paths replaced by their last part, at any depth."""
    if isinstance(value, dict):
        return {key: _without_paths(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [_without_paths(part) for part in value]
    if isinstance(value, str) and Path(value).is_absolute():
        return Path(value).name
    return value
