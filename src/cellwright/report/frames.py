"""Where the picture and the cells of a named image come from, of all that a page shows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from cellwright.formats.dataset import Dataset
from cellwright.formats.files import read_image
from cellwright.report.pictures import Frame
from cellwright.report.sources import DatasetSource, PredictionSource
from cellwright.types import Image


def prediction_frame(
    source: PredictionSource,
    index: int,
    truths: Sequence[DatasetSource],
    *,
    notes: tuple[str, ...] = (),
) -> Frame:
    """An image of a run with its predictions, and its truth if a data set has its name.

    The image is read from where the run found it, or from the data set.
    """
    name = str(source.cells.names[index])
    path = _image_path(source, record_of(source, name))
    known = truth_frame(name, truths)
    image = known.image if known else None
    if path is not None:
        image = lambda: _read(path, source.run)  # noqa: E731
    ready = source.path / f"{name}_overlay.png"
    return Frame(
        name,
        image,
        prediction=lambda: source.cells.instances(index),
        truth=known.truth if known else None,
        ready=ready if ready.is_file() else None,
        notes=notes,
    )


def truth_frame(
    name: str, truths: Sequence[DatasetSource], *, notes: tuple[str, ...] = ()
) -> Frame | None:
    """The image of that name with its true cells, from the first data set that has it."""
    for source in truths:
        data = source.dataset
        if name in data.names:
            return _of_dataset(data, data.names.index(name), notes)
    return None


def _of_dataset(data: Dataset, index: int, notes: tuple[str, ...]) -> Frame:
    return Frame(
        data.names[index],
        lambda: data.image(index, lazy=True),
        truth=(lambda: data.instances(index)) if data.labelled(index) else None,
        notes=notes,
    )


def record_of(source: PredictionSource, name: str) -> Mapping[str, Any]:
    """What the run says of an image; empty if it says nothing."""
    for record in source.run.get("images") or []:
        if str(record.get("name")) == name:
            return dict(record)
    return {}


def _image_path(source: PredictionSource, record: Mapping[str, Any]) -> Path | None:
    if not record.get("path"):
        return None
    path = Path(str(record["path"]))
    return next((p for p in (path, source.path / path) if p.exists()), None)


def _read(path: Path, run: Mapping[str, Any]) -> Image:
    axes = (run.get("settings") or {}).get("axes")
    return read_image(path, axes=axes if isinstance(axes, str) else None, lazy=True)
