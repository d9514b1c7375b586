"""What a report is made from: recognised by the files it holds, read without guessing."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cellwright.formats.dataset import Dataset, open_dataset, read_coco
from cellwright.types import InputError

SCHEMA = 1
SCORES_SCHEMA = 2
_WANTED = (
    "a model folder (model.json or translator.json), a prediction folder (predictions.json), "
    "a data-set folder (annotations.json) or a scores.json"
)


@dataclass(frozen=True, slots=True)
class Curves:
    """Columns over training: the x values by name and order, and the other columns.

    Parameters
    ----------
    x_label
        Name of the first column.
    panels
        Series ``name -> (x, y)`` by name of the panel they are drawn in.
    """

    x_label: str
    panels: Mapping[str, Mapping[str, tuple[list[float], list[float]]]]


@dataclass(frozen=True, slots=True)
class ModelSource:
    """A model's or translator's folder: its record, curves and picture where there are some."""

    path: Path
    record: Mapping[str, Any]
    curves: Curves | None
    picture: Path | None = None


@dataclass(frozen=True, slots=True)
class PredictionSource:
    """A prediction folder: its cells and the record of the run."""

    path: Path
    cells: Dataset
    run: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class ScoresSource:
    """A scores file."""

    path: Path
    scores: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class DatasetSource:
    """A data-set folder."""

    path: Path
    dataset: Dataset


Source = ModelSource | PredictionSource | ScoresSource | DatasetSource


def read_sources(paths: Sequence[str | Path]) -> list[Source]:
    """Everything a report can show of `paths`, in their order.

    A folder may be several things at once, for example predictions with their scores.

    Raises
    ------
    InputError
        If there is nothing, if a path does not exist or holds nothing known, or if a
        file is damaged or of a newer version.
    """
    found: list[Source] = []
    for path in map(Path, paths):
        parts = _read_folder(path) if path.is_dir() else _read_file(path)
        if not parts:
            raise InputError(f"{path} is nothing a report can show: wanted {_WANTED}")
        found += parts
    if not found:
        raise InputError(f"no sources came for the report: wanted {_WANTED}")
    return found


def read_json(path: Path) -> dict[str, Any]:
    """A JSON object of a schema version known here, or without one."""
    try:
        data = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise InputError(f"{path} could not be read as JSON ({error}): write it again") from error
    if not isinstance(data, dict):
        raise InputError(f"{path} holds a {type(data).__name__}: wanted a JSON object")
    version = data.get("schema_version", SCHEMA)
    newest = SCORES_SCHEMA if _is_scores(data) else SCHEMA
    if not isinstance(version, int) or version > newest:
        raise InputError(
            f"{path} has schema version {version}, this Cellwright reads up to {newest}: "
            "install a newer Cellwright"
        )
    return data


def read_curves(path: Path) -> Curves:
    """Training curves from a CSV file: the first column is x, other columns are lines.

    A text column named ``split`` makes one line per split. Seconds and a second counter
    (``step``, ``epoch``) are left out; the learning rate and scores have panels of
    their own. A cell that is empty or not a number is a gap.
    """
    with path.open(newline="", encoding="utf-8") as handle:
        reader = csv.DictReader(handle)
        columns = list(reader.fieldnames or ())
        rows = list(reader)
    if not columns:
        raise InputError(f"{path} is empty: wanted a header line and one line per epoch")
    x_label = columns[0]
    panels: dict[str, dict[str, tuple[list[float], list[float]]]] = {}
    for column in columns[1:]:
        if column in _NOT_LINES:
            continue
        for row in rows:
            x, y = _number(row[x_label]), _number(row[column])
            if x is None or y is None:
                continue
            name = f"{row['split']} {column}" if row.get("split") else column
            line = panels.setdefault(_panel(column, columns), {}).setdefault(name, ([], []))
            line[0].append(x)
            line[1].append(y)
    return Curves(x_label, {name: panels[name] for name in _PANELS if name in panels})


_PANELS = ("Losses", "Parts of the loss", "Scores", "Learning rate")
_NOT_LINES = {"split", "seconds", "step", "epoch", "time"}
_SCORE_WORDS = {
    "accuracy",
    "precision",
    "recall",
    "f1",
    "iou",
    "dice",
    "ap",
    "ap50",
    "score",
    "fid",
}


def _panel(column: str, columns: Sequence[str]) -> str:
    """Panel of a column; what is trained on (``train_x``) is a loss whatever its name."""
    words = set(re.split(r"[^a-z0-9]+", column.lower()))
    if "lr" in words or {"learning", "rate"} <= words:
        return "Learning rate"
    if words & {"loss", "total"}:
        return "Losses"
    trained = f"train_{column.removeprefix('val_').removeprefix('train_')}" in columns
    return "Scores" if words & _SCORE_WORDS and not trained else "Parts of the loss"


def _number(text: str | None) -> float | None:
    try:
        return float(text or "")
    except ValueError:
        return None


def _read_folder(path: Path) -> list[Source]:
    found: list[Source] = []
    for card in ("model.json", "translator.json"):
        if not (path / card).is_file():
            continue
        curves, picture = path / "curves.csv", path / "examples.png"
        found.append(
            ModelSource(
                path,
                read_json(path / card),
                read_curves(curves) if curves.is_file() else None,
                picture if picture.is_file() else None,
            )
        )
    if (path / "scores.json").is_file():
        found += _read_file(path / "scores.json")
    if (path / "predictions.json").is_file():
        run = path / "run.json"
        found.append(
            PredictionSource(
                path, read_coco(path / "predictions.json"), read_json(run) if run.is_file() else {}
            )
        )
    if (path / "annotations.json").is_file():
        found.append(DatasetSource(path, open_dataset(path)))
    return found


def _read_file(path: Path) -> list[Source]:
    if not path.exists():
        raise InputError(f"{path} does not exist: wanted {_WANTED}")
    if path.suffix.lower() != ".json":
        return []
    data = read_json(path)
    if _is_scores(data):
        return [ScoresSource(path, data)]
    names = {"model.json", "translator.json", "predictions.json", "annotations.json"}
    return _read_folder(path.parent) if path.name in names else []


def _is_scores(data: Mapping[str, Any]) -> bool:
    return "matching" in data or "pixel" in data
