"""What `compare` is given: scores, or predictions to be scored, each under a name of its own."""

from __future__ import annotations

import json
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from cellwright.evaluate.scores import Scores
from cellwright.steps.cells import ANNOTATIONS, PREDICTIONS, Cells, open_cells
from cellwright.types import InputError

logger = logging.getLogger(__name__)

SCORES = "scores.json"


@dataclass(frozen=True, slots=True)
class RunSource:
    """One run: its scores, or its cells where it is still to be scored.

    Parameters
    ----------
    name
        What it is called in the comparison.
    path
        Where it was found.
    scores, cells
        One of the two.
    """

    name: str
    path: Path
    scores: Scores | None = None
    cells: Cells | None = None


def find_runs(
    sources: Sequence[str | Path], *, names: Sequence[str] | None = None, truth: bool
) -> list[RunSource]:
    """Open each source as scores, or, if there is a truth, as predicted cells.

    Raises
    ------
    InputError
        If there are fewer than two, one is neither, or names are missing or twice the same.
    """
    if isinstance(sources, str | Path) or len(sources) < 2:
        raise InputError("one run cannot be compared: name two or more sources")
    paths = [Path(source) for source in sources]
    called = _named(paths, names)
    return [_open(name, path, truth=truth) for name, path in zip(called, paths, strict=True)]


def _open(name: str, path: Path, *, truth: bool) -> RunSource:
    if not path.exists():
        raise InputError(f"{path} does not exist: wanted are scores or predictions")
    file = path / SCORES if path.is_dir() else path
    if path.is_dir() and truth:
        predicted = any((path / own).is_file() for own in (PREDICTIONS, ANNOTATIONS))
        if predicted or not file.is_file():
            return RunSource(name, path, cells=open_cells(path, truth=False))
    scores = _read_scores(file) if file.is_file() and file.suffix.lower() == ".json" else None
    if scores is not None:
        _warn_if_old(scores, path)
        return RunSource(name, file, scores=scores)
    if truth:
        return RunSource(name, path, cells=open_cells(path, truth=False))
    wanted = f"{path} has no {SCORES}" if path.is_dir() else f"{path} holds no scores"
    raise InputError(f"{wanted}: give the truth too (--truth), or run evaluate on it first")


def _read_scores(path: Path) -> Scores | None:
    """Scores of a file; None if it is a JSON file of another kind."""
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InputError(f"{path} could not be read as JSON ({error}): write it again") from error
    if not isinstance(data, dict) or not {"matching", "pixel"} & set(data):
        return None
    try:
        scores = Scores.from_json(data)
    except InputError as error:
        raise InputError(f"{path}: {error}") from error
    if scores.schema_version < 2 or any("sums" not in r for r in scores.per_image):
        raise InputError(
            f"{path} does not hold the sums of each image (schema version "
            f"{scores.schema_version}), an older Cellwright wrote it: run evaluate again"
        )
    return scores


def _warn_if_old(scores: Scores, path: Path) -> None:
    """Say so where predictions beside the scores are no longer those that were scored."""
    if not path.is_dir() or not (path / PREDICTIONS).is_file():
        return
    record = (scores.settings.get("sources") or {}).get("pred") or {}
    now = open_cells(path, truth=False).record()
    if record.get("path") == now["path"] and record.get("sha256") != now["sha256"]:
        logger.warning(
            "%s has changed since it was scored: run evaluate again, or give --truth", now["path"]
        )


def _named(paths: Sequence[Path], names: Sequence[str] | None) -> list[str]:
    if names:
        if len(names) != len(paths):
            raise InputError(
                f"{len(names)} names came for {len(paths)} sources: give one for each, or none"
            )
        called = [str(name) for name in names]
    else:
        called = [_own_name(path) for path in paths]
        twice = {name for name in called if called.count(name) > 1}
        called = [
            f"{path.resolve().parent.name}/{name}" if name in twice else name
            for path, name in zip(paths, called, strict=True)
        ]
    if len(set(called)) < len(called):
        twice = {name for name in called if called.count(name) > 1}
        raise InputError(f"two runs are named {sorted(twice)[0]!r}: name each with --name")
    return called


def _own_name(path: Path) -> str:
    """Name of the folder, or of the file without suffix; that of its folder for scores.json."""
    path = path.resolve()
    if path.is_dir():
        return path.name
    return path.parent.name if path.name in (SCORES, PREDICTIONS, ANNOTATIONS) else path.stem
