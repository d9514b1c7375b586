"""Frames on disk: ``frames/NAME.json``, the nuclei beside it, and the pictures of called cells."""

from __future__ import annotations

import io
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from cellwright.steps.fishing.frame import Looked
from cellwright.types import InputError

FRAMES = "frames"


def record_path(folder: Path, name: str) -> Path:
    """Where the record of a frame lies; it is written last, so that it says a frame is done."""
    return folder / FRAMES / f"{name}.json"


def write_frame(folder: Path, looked: Looked, *, source: str) -> None:
    """Masks, pictures and record of a frame, each atomically, the record last."""
    from cellwright.formats.atomic import write_bytes, write_json
    from cellwright.formats.files import write_instances

    name = str(looked.record["name"])
    write_instances(looked.nuclei, folder / FRAMES / f"{name}_nuclei.tif", format="labels")
    buffer = io.BytesIO()
    np.savez_compressed(buffer, **{str(k): v for k, v in looked.crops.items()})  # type: ignore
    write_bytes(buffer.getvalue(), folder / FRAMES / f"{name}_crops.npz")
    write_json({**looked.record, "source": source}, record_path(folder, name), indent=None)


def read_frame(folder: Path, name: str) -> dict[str, Any]:
    """The record of a frame."""
    found: dict[str, Any] = json.loads(record_path(folder, name).read_text("utf-8"))
    return found


def frame_names(folder: Path) -> list[str]:
    """Frames that are done, sorted.

    Raises
    ------
    InputError
        If there is none.
    """
    names = sorted(path.stem for path in (folder / FRAMES).glob("*.json"))
    if not names:
        raise InputError(f"{folder}: no frame is done in it yet; give images and --probes")
    return names


def read_nuclei(folder: Path, name: str) -> np.ndarray:
    """Label map of the nuclei of a frame, cell n is n; overlaps are flattened in it."""
    from cellwright.formats import read_image

    return np.asarray(read_image(folder / FRAMES / f"{name}_nuclei.tif").data)


def read_crops(folder: Path, name: str, cells: Sequence[int]) -> dict[int, np.ndarray]:
    """Pictures of those of `cells` that have one."""
    path = folder / FRAMES / f"{name}_crops.npz"
    if not path.is_file():
        return {}
    with np.load(path) as archive:
        return {c: archive[str(c)] for c in cells if str(c) in archive.files}
