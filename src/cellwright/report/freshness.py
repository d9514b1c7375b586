"""Whether scores were made from the files that the page shows, told by their digests."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

from cellwright.report.score_section import image_scores
from cellwright.report.score_tables import image_name
from cellwright.report.sources import DatasetSource, PredictionSource, ScoresSource

Shown = PredictionSource | DatasetSource


def cells_file(source: Shown) -> Path:
    """The file with the cells of a source."""
    name = "predictions.json" if isinstance(source, PredictionSource) else "annotations.json"
    return source.path / name


def digest(path: Path) -> str:
    """SHA-256 of a file; "" if there is none."""
    if not path.is_file():
        return ""
    facts = path.stat()
    return _digest(path.resolve(), facts.st_size, facts.st_mtime_ns)


@lru_cache(maxsize=64)
def _digest(path: Path, _size: int, _changed: int) -> str:
    with path.open("rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()


def made_from(scores: Mapping[str, Any], side: str, source: Shown) -> bool | None:
    """Whether scores were made from the cells of `source`; None if they do not say.

    Parameters
    ----------
    scores
        The scores.
    side
        "pred" or "truth".
    source
        What the page shows.
    """
    record = _record(scores, side)
    if not record.get("sha256"):
        return None
    return record["sha256"] == digest(cells_file(source))


def stale(scores: ScoresSource, shown: Sequence[Shown]) -> list[str]:
    """Sentences about files shown on the page that are not those the scores were made from.

    A file of the same path has changed since. Predictions of the same images from elsewhere
    are others, or were moved and changed.
    """
    found = []
    for side, noun in (("pred", "predictions"), ("truth", "true cells")):
        record = _record(scores.scores, side)
        if not record.get("sha256") or any(made_from(scores.scores, side, s) for s in shown):
            continue
        same = [s for s in shown if cells_file(s).resolve() == Path(record["path"]).resolve()]
        made = (scores.scores.get("settings") or {}).get("made")
        when = f" on {made}" if made else ""
        if same:
            found.append(
                f"These scores are out of date: they were made{when} from other {noun} than "
                f"{record['path']} holds now. Run cellwright evaluate again."
            )
        elif side == "pred" and record["path"].endswith(".json") and _same_images(scores, shown):
            found.append(
                f"These scores were made{when} from other predictions than the page shows: from "
                f"{record['path']}. Run cellwright evaluate on those shown, or show those scored."
            )
    return found


def accuracies(run: PredictionSource, scores: Sequence[ScoresSource]) -> dict[str, float]:
    """Accuracy of each image of a run: from scores made from it, else from those that do not say.

    Scores of other predictions are left out.
    """
    known = [(made_from(s.scores, "pred", run), image_scores(s.scores)) for s in scores]
    for wanted in (True, None):
        if found := [values for own, values in known if own is wanted]:
            return {name: value for values in found for name, value in values.items()}
    return {}


def _record(scores: Mapping[str, Any], side: str) -> Mapping[str, Any]:
    sources = (scores.get("settings") or {}).get("sources") or {}
    record = sources.get(side) or {}
    return record if record.get("path") else {}


def _same_images(scores: ScoresSource, shown: Sequence[Shown]) -> bool:
    scored = {image_name(record) for record in scores.scores.get("per_image") or []}
    runs = [s for s in shown if isinstance(s, PredictionSource)]
    return any(scored & set(map(str, run.cells.names)) for run in runs)
