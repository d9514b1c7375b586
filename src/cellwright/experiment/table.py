"""The table of a recipe as files: ``table.md`` to read and ``table.csv`` to compute with."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from cellwright.experiment.config import Recipe
from cellwright.experiment.results import Row
from cellwright.report.table_text import csv_text, markdown_text
from cellwright.report.tables import NONE, Table
from cellwright.steps.machine import processor, versions

QUICK = (
    "This is the --quick form: {minutes:.1f} minutes in all, small networks, very little data, "
    "learning rates for few steps. It says nothing about the paper's claim; it shows that the "
    "machinery runs from data to this table."
)


def write_table(
    recipe: Recipe,
    found: Sequence[Row],
    output: Path,
    *,
    command: str,
    quick: bool,
    seconds: Mapping[str, float],
    busy: float,
) -> None:
    """Write ``table.md`` and ``table.csv`` into `output`; the first line names the data.

    Parameters
    ----------
    recipe, found
        The recipe and its `rows`.
    output
        The folder that the recipe was run in.
    command
        The command that makes it.
    quick
        Whether it was the recipe's small form.
    seconds
        Stage -> how long it took.
    busy
        Seconds of the processor's time, over all its threads.
    """
    from cellwright.formats.atomic import write_text

    several = len(recipe.seeds) > 1
    told = ", ".join(map(str, recipe.seeds or (recipe.seed,)))
    seeds = f"Mean \u00b1 standard deviation of the seeds {told}" if several else f"Seed: {told}"
    made = [f"Command: `{command}`", f"{seeds}. Processor: {processor()}."]
    made.append("Versions: " + ", ".join(f"{k} {v}" for k, v in versions().items()) + ".")
    total = sum(seconds.values())
    made.append(
        f"{total:.0f} s in all, of which {busy:.0f} s of the processor's time; "
        f"{datetime.now(UTC):%Y-%m-%d}."
    )
    parts = [
        recipe.data_line(),
        f"# {recipe.title}",
        f"**{QUICK.format(minutes=total / 60)}**" if quick else "",
        markdown_text(comparison(recipe, found)).rstrip(),
        "\n".join(f"- {note}" for note in recipe.notes),
        markdown_text(variants(recipe, output, seconds)).rstrip(),
        "\n".join(f"- {line}" for line in made),
    ]
    write_text("\n\n".join(part for part in parts if part) + "\n", output / "table.md")
    write_text(csv_text(figures(recipe, found)), output / "table.csv")


def comparison(recipe: Recipe, found: Sequence[Row]) -> Table:
    """The paper's table with a column of ours beside each of its own."""
    digits = {c: max([_digits(r.paper[c]) for r in found if c in r.paper] or [0])
              for c in recipe.columns}  # fmt: skip
    columns = [f"{c}, {who}" for c in recipe.columns for who in ("paper", "measured")]
    body = []
    for row in found:
        cells = []
        for column in recipe.columns:
            percent = column in recipe.percent
            figure = row.paper.get(column)
            least = 1 if percent else digits[column]
            cells.append(NONE if figure is None else f"{figure:.{max(_digits(figure), least)}f}")
            cells.append(_with_spread(row, column, percent=percent))
        body.append((row.name, *cells, "; ".join(row.notes)))
    unit = f"In percent: {', '.join(recipe.percent)}." if recipe.percent else ""
    source = recipe.source or recipe.title
    return Table(f"{source}: paper beside measured", ("Row", *columns, "Note"), tuple(body), unit)


def figures(recipe: Recipe, found: Sequence[Row]) -> Table:
    """One line for each figure: exact values, and the data of each side."""
    theirs, ours = recipe.source, recipe.stand_in or "the same data"
    body = [
        (row.name, column, row.paper.get(column), row.measured.get(column), row.variant or None,
         row.spread(column), len(row.by_seed.get(column, (1,))), path,
         "%" if column in recipe.percent else "", "; ".join(row.notes), theirs, ours)
        for row in found
        for column, path in recipe.columns.items()
    ]  # fmt: skip
    names = ("row", "column", "paper", "measured", "variant", "standard deviation", "seeds",
             "score", "unit", "note", "data of the paper", "data measured on")  # fmt: skip
    return Table("figures", names, tuple(body))


def variants(recipe: Recipe, output: Path, seconds: Mapping[str, float]) -> Table:
    """What was run for each variant, and how long it took."""
    body = []
    for variant in recipe.variants():
        name, made = variant.name, dict[str, Any]()
        if variant.segmenter is not None:
            method = f"segmenter {variant.segmenter}"
        else:
            method = recipe.train_of(variant).method
        runs = recipe.runs(variant)
        if f"{runs[0].name}.train" in seconds:
            made = _provenance(output / runs[0].place / "model")
        options, training = made.get("options") or {}, made.get("training") or {}
        rate = options.get("learning_rate")
        steps = f"{options['optimizer']}, {rate:g}, {options['schedule']}" if rate else None
        learned = _mean([seconds.get(f"{r.name}.train") for r in runs])
        used = _mean(
            [seconds.get(f"{r.name}.predict", seconds.get(f"{r.name}.segment")) for r in runs]
        )
        body.append((name, method, steps, training.get("epochs"), learned, used))
    names = ("Variant", "Method", "Optimiser, rate", "Epochs", "Training, s", "Prediction, s")
    return Table("What was run", names, tuple(body))


def _mean(values: Sequence[float | None]) -> float | None:
    known = [v for v in values if v is not None]
    return sum(known) / len(known) if known else None


def _provenance(model: Path) -> dict[str, Any]:
    """What the model says of its training; nothing if there is no model."""
    card = model / "model.json"
    if not card.is_file():
        return {}
    return dict(json.loads(card.read_text(encoding="utf-8")).get("provenance") or {})


def _digits(value: float) -> int:
    """Digits behind the point as the paper prints it.

    >>> _digits(0.098), _digits(85.5), _digits(0.0)
    (3, 1, 0)
    """
    text = f"{value:.6f}".rstrip("0")
    return len(text.partition(".")[2])


def _with_spread(row: Row, column: str, *, percent: bool) -> str:
    """Ours, with its standard deviation over seeds; how many seeds define it, if not all."""
    text, spread = _shown(row.measured.get(column), percent=percent), row.spread(column)
    values = row.by_seed.get(column, ())
    known = sum(v is not None for v in values)
    if spread is not None:
        text += f" \u00b1 {_shown(spread, percent=percent)}"
    return text if known == len(values) else f"{text} ({known} of {len(values)} seeds)"


def _shown(value: float | None, *, percent: bool) -> str:
    if value is None:
        return NONE
    if percent:
        return f"{value:.1f}" if value >= 1 or value == 0 else f"{value:.2g}"
    return f"{value:.4f}"
