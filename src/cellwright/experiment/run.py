"""Run a recipe stage by stage; what is done with the same settings is not done again."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from cellwright.experiment.config import Recipe
from cellwright.experiment.read import read_recipe
from cellwright.experiment.results import Row, rows
from cellwright.experiment.stages import Stage, data_places, plan
from cellwright.experiment.stamps import Stamps
from cellwright.experiment.table import write_table
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
        Folder for data, models, predictions, scores, ``report.html`` and, where the recipe holds
        a paper's table, ``table.md`` and ``table.csv``. A second call goes on where the first
        one stopped; a stage whose settings changed is run again, with everything that follows
        from it.
    quick
        The recipe's small form.
    device
        ``"auto"``, ``"cpu"``, ``"cuda"`` ...
    quiet
        No progress.

    Returns
    -------
    StepResult
        Counts stages; ``details["report"]`` is the page, ``details["table"]`` the table or
        None, ``details["not_run"]`` the variants that were not run with the reason of each.
    """
    settings = read_recipe(recipe, quick=quick)
    output = Path(output)
    stages = plan(settings, output, device=device, quiet=quiet)
    stamps = Stamps(output / "stages")
    done = skipped = 0
    failed: list[Failure] = []
    not_run = {v.name: f"needs {v.needs}" for v in settings.variants() if v.needs}
    optional = {v.name for v in settings.variants() if v.optional}
    for number, stage in enumerate(stages, start=1):
        if stage.variant in not_run:
            continue
        state = stamps.prepare(stage)
        if state == "done":
            skipped += 1
            continue
        log.info("stage %d of %d: %s", number, len(stages), stage.name)
        mine: list[Failure] = []
        try:
            with stamps.stamped(stage, mine):
                mine += stage.action(state == "started")
        except InputError as error:
            if stage.variant not in optional:
                raise
            not_run[stage.variant] = " ".join(str(error).split())
            log.warning("%s is left out: %s", stage.name, not_run[stage.variant])
            continue
        failed += mine
        done += 1
    made = [s for s in stages if s.variant not in not_run]
    found = rows(settings, output, not_run, stamps.seconds(made))
    page = _report(settings, made, found, output, quiet)
    details: dict[str, Any] = {"report": str(page), "table": None, "not_run": not_run}
    if settings.paper:
        write_table(
            settings,
            found,
            output,
            command=_command(Path(recipe), quick),
            quick=quick,
            seconds=stamps.seconds(made),
            busy=sum(stamps.seconds(made, processor=True).values()),
        )
        details["table"] = str(output / "table.md")
    write_failures(output, failed)
    return StepResult(output, done, skipped, tuple(failed), details)


def _command(recipe: Path, quick: bool) -> str:
    """What makes the same again, from the folder of the recipes."""
    parts = recipe.resolve().parts
    at = max((i for i, part in enumerate(parts) if part == "recipes"), default=len(parts) - 1)
    name = "/".join(parts[at:])
    return f"cellwright run {name} -o {recipe.stem}" + (" --quick" if quick else "")


def _report(
    recipe: Recipe, stages: list[Stage], found: Sequence[Row], output: Path, quiet: bool
) -> Path:
    from cellwright.steps.report import report

    order = ("evaluate", "predict", "train")
    sources = [s.output for kind in order for s in stages if s.name.endswith(f".{kind}")]
    if recipe.data.test is not None:
        sources.append(data_places(recipe, output)["test"])
    page = output / "report.html"
    paper = {"title": recipe.source, "rows": paper_rows(found)} if recipe.paper else None
    line = recipe.data_line() if recipe.paper else ""
    report(sources, page, title=recipe.title, first_line=line, paper=paper, quiet=quiet)
    return page


def paper_rows(found: Sequence[Row]) -> list[Mapping[str, Any]]:
    """One record for each published figure, with ours beside it or None."""
    return [
        {
            "metric": f"{row.name}: {column}",
            "paper": figure,
            "ours": row.measured.get(column),
            "note": "; ".join(row.notes),
        }
        for row in found
        for column, figure in row.paper.items()
    ]
