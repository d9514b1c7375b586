"""The command that sets runs side by side: compare."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from cellwright.cli import options
from cellwright.cli.outcome import command, say

if TYPE_CHECKING:
    from cellwright.evaluate.contest import RunComparison


@command
def compare(
    sources: Annotated[
        list[Path] | None,
        typer.Argument(help="Two or more: scores.json, or predictions with --truth."),
    ] = None,
    input: options.Input = None,
    output: Annotated[
        Path | None,
        typer.Option("-o", "--output", help="NAME.html, NAME.json, or a folder for all."),
    ] = None,
    truth: Annotated[
        Path | None, typer.Option(help="True cells, as for evaluate; predictions are scored now.")
    ] = None,
    by: Annotated[
        list[str] | None,
        typer.Option(metavar="TAG", help="Also by the values of a tag; repeatable."),
    ] = None,
    names: Annotated[
        list[str] | None,
        typer.Option("--name", help="Name of a run, once per source in their order."),
    ] = None,
    figure: Annotated[
        str, typer.Option(metavar="PATH", help="What ranks the runs, e.g. coco/segm/AP.")
    ] = "matching/0.50/accuracy",
    preset: Annotated[
        Literal["coco", "livecell"], typer.Option(help="As for evaluate, for what is scored now.")
    ] = "coco",
    max_images: Annotated[int, typer.Option(min=0, help="Images shown on the page at most.")] = 6,
    on_training_images: options.OnTrainingImages = False,
    resamples: Annotated[
        int, typer.Option(min=0, help="Resamples of the images for the 95 % intervals; 0: none.")
    ] = 1000,
    swaps: Annotated[int, typer.Option(min=1, help="Random swaps of the paired test.")] = 10_000,
    seed: options.Seed = 0,
    quiet: options.Quiet = False,
    verbose: options.Verbose = 0,
) -> Any:
    """Say which of two or more runs is better, by how much and how sure."""
    given = options.inputs(sources, input)
    if len(given) < 2:
        raise typer.BadParameter("one run cannot be compared: name two or more")
    from cellwright.steps.compare import compare as step

    found = step(
        given,
        output,
        truth=truth,
        by=tuple(by or ()),
        names=names or None,
        figure=figure,
        preset=preset,
        max_images=max_images,
        on_training_images=on_training_images,
        resamples=resamples,
        swaps=swaps,
        seed=seed,
        quiet=quiet,
    )
    if not quiet:
        _print(found)
        if output is not None:
            say(f"comparison: {output}")


def _print(found: RunComparison) -> None:
    from rich.console import Console

    from cellwright.evaluate.verdict import sentences

    for text in sentences(found):
        say(text)
    # names of runs and tags are the user's: brackets in them are no markup
    console = Console(markup=False)
    console.print(_figures(found))
    for tag in found.by:
        console.print(_groups(found, tag))


def _figures(found: RunComparison) -> Any:
    best, second = found.ranking[:2]
    title = f"{found.images} images; difference: {best} - {second}"
    numbers = (*found.runs, "difference", "95 % interval", "p")
    table = _table(title, "figure", numbers)
    table.add_column("settled for", no_wrap=True)
    for figure in found.figures:
        d = figure.difference(best, second)
        values = [_shown(figure.values[run].value) for run in found.runs]
        ends = "-" if d.low is None else f"{d.low:+.3f}, {d.high:+.3f}"
        p = (
            "-"
            if d.p_holm is None
            else f"{d.p_holm:.2g}"
            if d.p_holm >= 0.001
            else f"{d.p_holm:.4f}"
        )
        untested = d.low is None and d.p is None
        verdict = d.better or ("-" if untested else "not settled")
        table.add_row(figure.name, *values, _shown(d.value, sign=True), ends, p, verdict)
    return table


def _groups(found: RunComparison, tag: str) -> Any:
    best, second = found.ranking[:2]
    title = f"{found.figure(found.main).name} by {tag}"
    table = _table(title, tag, ("images", *found.runs, "difference", "95 % interval"))
    for value, group in found.by[tag].items():
        d = group.figure.difference(best, second)
        ends = "-" if d.low is None else f"{d.low:+.3f}, {d.high:+.3f}"
        values = [_shown(group.figure.values[run].value) for run in found.runs]
        table.add_row(value, str(group.images), *values, _shown(d.value, sign=True), ends)
    return table


def _table(title: str, first: str, numbers: Sequence[str]) -> Any:
    from rich import box
    from rich.table import Table

    table = Table(title=title, title_justify="left", box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0))
    table.add_column(first)
    for column in numbers:
        table.add_column(column, justify="right", no_wrap=True)
    return table


def _shown(value: float | None, *, sign: bool = False) -> str:
    return "-" if value is None else f"{value:+.3f}" if sign else f"{value:.3f}"
