"""Run a recipe stage by stage; what is done with the same settings is not done again."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from cellwright.experiment.config import Recipe
from cellwright.experiment.read import read_recipe
from cellwright.experiment.stages import Stage, data_places, plan
from cellwright.experiment.stamps import Stamps
from cellwright.steps.result import Failure, StepResult, write_failures
from cellwright.types import InputError

log = logging.getLogger(__name__)


def run(
    recipe: Path | str,
    output: Path | str,
    *,
    quick: bool = False,
    device: str = "auto",
    quiet: bool = False,
) -> StepResult:
    """Run the recipe file `recipe` into the folder `output`.

    Parameters
    ----------
    recipe
        A TOML file, see `cellwright.experiment.config.Recipe`.
    output
        Folder for data, models, predictions, scores and ``report.html``. A second call goes on
        where the first one stopped; a stage whose settings changed is run again, with
        everything that follows from it.
    quick
        The recipe's small form.
    device
        ``"auto"``, ``"cpu"``, ``"cuda"`` ...
    quiet
        No progress.

    Returns
    -------
    StepResult
        Counts stages; ``details["report"]`` is the page.
    """
    settings = read_recipe(recipe, quick=quick)
    output = Path(output)
    stages = plan(settings, output, device=device, quiet=quiet)
    stamps = Stamps(output / "stages")
    done = skipped = 0
    failed: list[Failure] = []
    for number, stage in enumerate(stages, start=1):
        state = stamps.prepare(stage)
        if state == "done":
            skipped += 1
            continue
        log.info("stage %d of %d: %s", number, len(stages), stage.name)
        mine: list[Failure] = []
        with stamps.stamped(stage, mine):
            mine += stage.action(state == "started")
        failed += mine
        done += 1
    page = _report(settings, stages, output, quiet)
    write_failures(output, failed)
    return StepResult(output, done, skipped, tuple(failed), {"report": str(page)})


def _report(recipe: Recipe, stages: list[Stage], output: Path, quiet: bool) -> Path:
    from cellwright.steps.report import report

    order = ("evaluate", "predict", "train")
    made = [s for s in stages if not s.name.startswith("data.")]
    sources = [s.output for kind in order for s in made if s.name.endswith(f".{kind}")]
    if recipe.data.test is not None:
        sources.append(data_places(recipe, output)["test"])
    page = output / "report.html"
    paper = {"title": recipe.source, "rows": paper_rows(recipe, output)} if recipe.paper else None
    report(sources, page, title=recipe.title, paper=paper, quiet=quiet)
    return page


def paper_rows(recipe: Recipe, output: Path) -> list[dict[str, Any]]:
    """Each published figure with ours beside it, None where the recipe has no such score."""
    rows = []
    for row in recipe.paper:
        ours = None
        if row.variant is not None:
            scores = output / row.variant / "scores.json"
            ours = score_at(json.loads(scores.read_text(encoding="utf-8")), row.metric)
        label = f"{row.name}: {row.metric}"
        rows.append({"metric": label, "paper": row.value, "ours": ours, "note": row.note})
    return rows


def score_at(scores: Mapping[str, Any], metric: str) -> float:
    """The score at a path such as ``"matching/0.50/accuracy"``.

    Raises
    ------
    InputError
        If there is none; the line lists what is there.
    """
    value: Any = scores
    for part in metric.split("/"):
        if not isinstance(value, Mapping) or part not in value:
            there = ", ".join(map(str, value)) if isinstance(value, Mapping) else "a number"
            raise InputError(f"no score {metric!r}: {part!r} is not among {there}")
        value = value[part]
    return float(value)
