"""Compare two or more runs on the same images: who is better, by how much, and how sure."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from cellwright.evaluate.coco import PRESETS, AveragePrecision
from cellwright.evaluate.compare import MAIN
from cellwright.evaluate.compare import compare as compare_scores
from cellwright.evaluate.contest import RunComparison
from cellwright.evaluate.paired import SWAPS
from cellwright.evaluate.scorer import Scorer
from cellwright.evaluate.scores import Scores
from cellwright.steps.cells import Cells, open_cells
from cellwright.steps.compared_runs import RunSource, find_runs
from cellwright.steps.learnt import TrainingImages
from cellwright.steps.machine import versions
from cellwright.steps.progress import track
from cellwright.types import InputError

if TYPE_CHECKING:
    from cellwright.report.compare_pictures import Sheet

logger = logging.getLogger(__name__)

RECORD, PAGE, TABLES = "comparison.json", "comparison.html", "tables"


@dataclass(frozen=True, slots=True)
class _Scored:
    """Scores of a run and, if it was scored just now, its detections."""

    scores: Scores
    precision: AveragePrecision | None = None


def compare(
    sources: Sequence[str | Path],
    output: str | Path | None = None,
    *,
    truth: str | Path | None = None,
    by: Sequence[str] = (),
    names: Sequence[str] | None = None,
    figure: str = MAIN,
    preset: str = "coco",
    max_images: int = 6,
    on_training_images: bool = False,
    resamples: int = 1000,
    swaps: int = SWAPS,
    seed: int = 0,
    quiet: bool = False,
) -> RunComparison:
    """Compare runs on the images they share, with paired tests.

    Parameters
    ----------
    sources
        Two or more: each a scores file of ``evaluate`` or a folder that holds ``scores.json``;
        or, with `truth`, predictions in any form that ``evaluate`` takes. Predictions are
        scored anew, whatever scores lie beside them.
    output
        ``NAME.json`` for the record, ``NAME.html`` for the page, or a folder that gets both
        and each table of the page as CSV, Markdown and LaTeX; None for nothing.
    truth
        True cells, as for ``evaluate``. With a data set, the page shows the images in which
        the runs differ most.
    by
        Tags by whose values the main figure is compared too.
    names
        Names of the runs, one per source; None for the names of their files or folders.
    figure
        Path of the main figure, which ranks the runs, as ``matching/mean/accuracy``,
        ``coco/segm/AP`` or another of `headlines.HEADLINES`.
    preset
        "coco" or "livecell": see ``evaluate``; for what is scored here.
    max_images
        Images shown on the page at most.
    on_training_images
        Whether images may be scored here that a model learnt from, as for ``evaluate``.
    resamples, swaps, seed
        Of the intervals over images, and of the swap test.
    quiet
        Show no progress.

    Returns
    -------
    RunComparison

    Raises
    ------
    InputError
        If a source is no scores and there is no truth for it, scores lack the sums of each
        image (older ones do), the runs share no image, or were scored on another truth, or a
        model learnt from an image that is scored here.
    """
    target = None if output is None else Path(output)
    if target is not None and target.suffix not in ("", ".json", ".html"):
        raise InputError(f"{target}: wanted is NAME.json, NAME.html or a folder without suffix")
    if preset not in PRESETS:
        raise InputError(f"there is no preset {preset!r}: known are {', '.join(PRESETS)}")
    runs = find_runs(sources, names=names, truth=truth is not None)
    true = None if truth is None else open_cells(truth, truth=True)
    scored = {r.name: _Scored(r.scores) for r in runs if r.scores is not None}
    fresh = [r for r in runs if r.cells is not None]
    if true is not None and fresh:
        scored |= _score(true, fresh, preset=preset, allowed=on_training_images, quiet=quiet)
    found = compare_scores(
        {r.name: scored[r.name].scores for r in runs},
        gathered={n: s.precision for n, s in scored.items() if s.precision is not None},
        by=by,
        main=figure,
        resamples=resamples,
        swaps=swaps,
        seed=seed,
    )
    for name, lost in found.missing.items():
        logger.warning(
            "%s lacks %d images that another run has; they are left out", name, len(lost)
        )
    settings = {
        **found.settings,
        "sources": {run.name: str(run.path) for run in runs},
        "scored_now": [run.name for run in fresh],
        "truth": None if true is None else true.record(),
        "made": f"{datetime.now(UTC):%Y-%m-%d %H:%M:%S} UTC",
    }
    found = replace(found, settings=settings, versions=versions())
    if target is not None:
        sheets = []
        if true is not None and target.suffix != ".json":
            sheets = _sheets(found, true, fresh, limit=max_images)
        _write(found, target, sheets, quiet=quiet)
    return found


def _score(
    true: Cells, runs: Sequence[RunSource], *, preset: str, allowed: bool, quiet: bool
) -> dict[str, _Scored]:
    """Score predictions image by image; a true image is read once for all runs."""
    most, bins = PRESETS[preset]
    scorers = {r.name: Scorer(max_detections=most, areas=bins, resamples=0) for r in runs}
    seen = {
        r.name: TrainingImages(c, [n for n in true.read if n in c.read], allowed=allowed)
        for r in runs
        if (c := r.cells) is not None
    }
    for name in track(list(true.read), "compare", quiet=quiet):
        holders = [r for r in runs if r.cells is not None and name in r.cells.read]
        cells = true.read[name]() if holders else None
        for run in holders:
            assert run.cells is not None
            assert cells is not None
            seen[run.name].look(name, cells)
            tags = true.tags.get(name) or run.cells.tags.get(name)
            try:
                scorers[run.name].add(name, cells, run.cells.read[name](), tags=tags)
            except InputError as error:
                raise InputError(f"{run.name}: {error}") from error
    for run in runs:
        seen[run.name].warn()
        if not len(scorers[run.name]):
            raise InputError(
                f"{run.path} and {true.path} do not belong together: no image name of one is in "
                "the other"
            )
    return {n: _Scored(s.result(), s.precision) for n, s in scorers.items()}


def _sheets(
    found: RunComparison, true: Cells, runs: Sequence[RunSource], *, limit: int
) -> list[Sheet]:
    """The images in which the runs differ most, with their cells, where images are there."""
    from cellwright.formats.dataset import read_coco
    from cellwright.report.compare_pictures import Sheet
    from cellwright.report.compare_tables import most_different

    if not runs or not true.path.is_file():
        return []
    dataset = read_coco(true.path)
    numbers = {name: k for k, name in enumerate(dataset.names)}
    return [
        Sheet(
            name=str(record["name"]),
            image=lambda k=numbers[record["name"]]: dataset.image(k, lazy=True),  # type: ignore[misc]
            truth=true.read[record["name"]],
            runs={r.name: r.cells.read[record["name"]] for r in runs if r.cells is not None},
            values=record["values"],
        )
        for record in most_different(found, limit)
        if dataset.path(numbers[record["name"]]).exists()
    ]


def _write(found: RunComparison, target: Path, sheets: Sequence[Sheet], *, quiet: bool) -> None:
    from cellwright.formats.atomic import write_json, write_text

    folder = target.suffix == ""
    if target.suffix != ".html":
        write_json(found.to_json(), target / RECORD if folder else target)
    if target.suffix == ".json":
        return
    from cellwright.report.compare_page import compare_page
    from cellwright.report.table_files import write_tables

    text, failed = compare_page(
        found, sheets, track=lambda frames, label: track(frames, label, quiet=quiet)
    )
    for name, reason in failed:
        logger.warning("%s is not shown: %s", name, reason)
    page = target / PAGE if folder else target
    page.parent.mkdir(parents=True, exist_ok=True)
    write_text(text, page)
    if folder:
        write_tables(text, target / TABLES)
