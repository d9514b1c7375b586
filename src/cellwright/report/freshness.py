"""Whether scores were made from the files that the page shows, told by their digests."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any, TypeVar

from cellwright.report.score_section import image_scores
from cellwright.report.score_tables import image_name
from cellwright.report.sources import DatasetSource, PredictionSource, ScoresSource

Shown = PredictionSource | DatasetSource
AnyShown = TypeVar("AnyShown", PredictionSource, DatasetSource)


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


def scored_of(scores: Mapping[str, Any], side: str, shown: Sequence[AnyShown]) -> list[AnyShown]:
    """Those of `shown` that scores were made from; the only one where the scores do not say."""
    known = [(made_from(scores, side, source), source) for source in shown]
    own = [source for made, source in known if made]
    return own or [source for made, source in known if made is None and len(known) == 1]


def accuracies(
    runs: Sequence[PredictionSource], scores: Sequence[ScoresSource]
) -> list[dict[str, float]]:
    """Accuracy of each image of each run, from scores that were made from it.

    Where there is a single run, scores that do not say what they were made from are taken too.
    """
    found: list[dict[str, float]] = [{} for _ in runs]
    for source in scores:
        own = scored_of(source.scores, "pred", runs)
        for values, run in zip(found, runs, strict=True):
            if any(run is one for one in own):
                values |= image_scores(source.scores)
    return found


def _record(scores: Mapping[str, Any], side: str) -> Mapping[str, Any]:
    sources = (scores.get("settings") or {}).get("sources") or {}
    record = sources.get(side) or {}
    return record if record.get("path") else {}


def _same_images(scores: ScoresSource, shown: Sequence[Shown]) -> bool:
    scored = {image_name(record) for record in scores.scores.get("per_image") or []}
    runs = [s for s in shown if isinstance(s, PredictionSource)]
    return any(scored & set(map(str, run.cells.names)) for run in runs)
