"""A paper's rows with the measured figures beside them."""

from __future__ import annotations

import json
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cellwright.experiment.config import PaperRow, Recipe
from cellwright.types import InputError

#: the path of a column that is no score
PER_FRAME = "seconds_per_frame"


@dataclass(frozen=True, slots=True)
class Row:
    """One row of the comparison, both sides in the paper's unit.

    Parameters
    ----------
    name
        What the paper calls it.
    variant
        Whose scores were measured; "" for none.
    paper
        Column -> published figure.
    measured
        Column -> ours; None where it is not defined. Empty if nothing was run; a column that
        the paper does not fill in this row may be left out.
    notes
        What has to be known of it.
    by_seed
        Column -> ours with each seed, of which `measured` is the mean; empty for one seed.
    """

    name: str
    variant: str
    paper: Mapping[str, float]
    measured: Mapping[str, float | None]
    notes: tuple[str, ...] = ()
    by_seed: Mapping[str, tuple[float | None, ...]] = field(default_factory=dict)

    def spread(self, column: str) -> float | None:
        """Standard deviation of a column over the seeds (n - 1); None for fewer than two."""
        known = [v for v in self.by_seed.get(column, ()) if v is not None]
        return statistics.stdev(known) if len(known) > 1 else None


def rows(
    recipe: Recipe,
    output: Path,
    not_run: Mapping[str, str],
    seconds: Mapping[str, float] | None = None,
) -> list[Row]:
    """Every row of the recipe's paper table.

    Parameters
    ----------
    recipe
        The recipe.
    output
        The folder it was run in.
    not_run
        Variants without scores, and why.
    seconds
        Stage -> how long it took, for the column `PER_FRAME`.

    Raises
    ------
    InputError
        If a column that the paper fills is not among the scores of a variant that was run.
    """
    scores: dict[Path, Mapping[str, Any]] = {}
    variants = {v.name: v for v in recipe.variants()}
    found = []
    for row in recipe.paper:
        reason = not_run.get(row.variant or "") or (f"needs {row.needs}" if row.needs else "")
        runs: list[dict[str, float | None]] = []
        for run in recipe.runs(variants[row.variant]) if row.variant and not reason else ():
            path = output / run.place / "scores.json"
            if path not in scores:
                scores[path] = json.loads(path.read_text(encoding="utf-8"))
            timed = _per_frame(run.name, scores[path], seconds or {})
            runs.append(_measured(recipe, row, {**scores[path], PER_FRAME: timed}))
        by_seed = {c: tuple(r.get(c) for r in runs) for r in runs for c in r}
        notes = ((f"not run: {reason}",) if reason else ()) + ((row.note,) if row.note else ())
        measured = {column: _mean(values) for column, values in by_seed.items()}
        several = by_seed if len(runs) > 1 else {}
        found.append(Row(row.name, row.variant or "", row.figures, measured, notes, several))
    return found


def _per_frame(run: str, scores: Mapping[str, Any], seconds: Mapping[str, float]) -> float | None:
    """Seconds of finding the cells of a test image, of reading and writing too."""
    taken = seconds.get(f"{run}.predict", seconds.get(f"{run}.segment"))
    images = scores.get("images")
    return taken / images if taken is not None and isinstance(images, int) and images else None


def _mean(values: Sequence[float | None]) -> float | None:
    """Mean of the values that are defined; None if none is."""
    known = [v for v in values if v is not None]
    return statistics.fmean(known) if known else None


def _measured(recipe: Recipe, row: PaperRow, scores: Mapping[str, Any]) -> dict[str, float | None]:
    measured: dict[str, float | None] = {}
    for column, path in recipe.columns.items():
        try:
            value = score_at(scores, f"{row.within}/{path}" if row.within else path)
        except InputError:
            if column in row.figures:
                raise
            continue
        percent = value is not None and column in recipe.percent
        measured[column] = 100 * value if percent and value is not None else value
    return measured


def score_at(scores: Mapping[str, Any], path: str) -> float | None:
    """The score at a path such as ``"matching/0.50/accuracy"``; None if it is not defined.

    In a list of records, as the error analysis is, a part of the path is the name of one:
    ``"analysis/gt mask/coco/segm/AP"``.

    Raises
    ------
    InputError
        If there is none; the line lists what is there.

    Examples
    --------
    >>> score_at({"analysis": [{"name": "gt mask", "AP": 0.5}]}, "analysis/gt mask/AP")
    0.5
    """
    value: Any = scores
    for part in path.split("/"):
        if isinstance(value, list):
            value = {str(record.get("name")): record for record in value}
        if not isinstance(value, Mapping) or part not in value:
            there = ", ".join(map(str, value)) if isinstance(value, Mapping) else "a number"
            raise InputError(f"no score {path!r}: {part!r} is not among {there or 'nothing'}")
        value = value[part]
    if value is not None and not isinstance(value, int | float):
        raise InputError(f"no score {path!r}: it is not a number")
    return None if value is None else float(value)
