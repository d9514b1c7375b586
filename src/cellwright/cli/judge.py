"""Commands that tell how good it is: evaluate, report, methods."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from cellwright.cli import options
from cellwright.cli.outcome import command, say


@command
def evaluate(
    truth: Annotated[Path, typer.Argument(help="Data set, COCO file or folder of label images.")],
    pred: Annotated[Path, typer.Argument(help="The same, or the output of predict.")],
    output: Annotated[
        Path | None, typer.Option("-o", "--output", help="scores.json, or another name.")
    ] = None,
    by: Annotated[
        list[str] | None,
        typer.Option(
            metavar="TAG",
            help="Scores per value of a tag, of density or of size; repeatable.",
        ),
    ] = None,
    classes: Annotated[
        list[str] | None,
        typer.Option("--class", metavar="NAME", help="Only cells of this class; repeatable."),
    ] = None,
    preset: Annotated[
        Literal["coco", "livecell"],
        typer.Option(help="Area bins of AP; livecell: 324 and 961 px."),
    ] = "coco",
    max_detections: Annotated[
        int | None,
        typer.Option("--max-dets", min=1, help="Predictions of an image that count for AP; 2000."),
    ] = None,
    areas: Annotated[
        list[str] | None,
        typer.Option(
            "--area", metavar="NAME=LOW:HIGH", help="Area bin of AP in px, for the preset's."
        ),
    ] = None,
    missing: Annotated[
        Literal["error", "empty", "skip"],
        typer.Option(help="True images without prediction: stop, nothing found, or left out."),
    ] = "error",
    semantic: Annotated[
        bool,
        typer.Option("--semantic", help="Label images tell cell from background: regions count."),
    ] = False,
    errors: Annotated[
        bool,
        typer.Option("--errors", help="Analyse the errors: what would be gained, worst cells."),
    ] = False,
    on_training_images: options.OnTrainingImages = False,
    resamples: Annotated[
        int, typer.Option(min=0, help="Resamples of the images for the 95 % intervals; 0: none.")
    ] = 1000,
    seed: options.Seed = 0,
    quiet: options.Quiet = False,
    verbose: options.Verbose = 0,
) -> Any:
    """Compare predicted cells with the true ones."""
    bins = options.areas(areas)
    from cellwright.steps.evaluate import evaluate as step

    scores = step(
        truth,
        pred,
        output,
        by=tuple(by or ()),
        classes=tuple(classes or ()),
        preset=preset,
        max_detections=max_detections,
        areas=bins,
        missing=missing,
        semantic=semantic,
        errors=errors,
        on_training_images=on_training_images,
        resamples=resamples,
        seed=seed,
        quiet=quiet,
    ).to_json()
    if not quiet:
        _print_scores(scores)
        if output is not None:
            say(f"scores: {output}")


@command
def report(
    output: options.Output,
    sources: Annotated[
        list[Path] | None,
        typer.Argument(help="Model folders, outputs of predict, scores.json files."),
    ] = None,
    input: options.Input = None,
    title: Annotated[str | None, typer.Option(help="Title of the page.")] = None,
    max_images: Annotated[
        int, typer.Option(min=0, help="Images shown at most; of more, an even spread.")
    ] = 100,
    tables: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Also write each table as CSV, Markdown and LaTeX."),
    ] = None,
    quiet: options.Quiet = False,
    verbose: options.Verbose = 0,
) -> Any:
    """Write one HTML page that needs nothing else: overlays, tables, curves, settings."""
    given = options.inputs(sources, input)
    from cellwright.steps.report import report as step

    return step(given, output, title=title, max_images=max_images, tables=tables, quiet=quiet)


def _print_scores(scores: dict[str, Any]) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table(title=f"{scores['images']} images", title_justify="left")
    for column in ("IoU", "accuracy", "precision", "recall", "F1", "tp", "fp", "fn"):
        table.add_column(column, justify="right")
    for threshold, row in scores["matching"].items():
        if threshold != "mean":
            rates = [_shown(row[k]) for k in ("accuracy", "precision", "recall", "f1")]
            table.add_row(threshold, *rates, *(str(row[k]) for k in ("tp", "fp", "fn")))
    mean = scores["matching"]["mean"]
    table.add_row("mean", *(_shown(mean[k]) for k in ("accuracy", "precision", "recall", "f1")))
    Console().print(table)
    _print_headlines(scores)
    for tag, groups in scores["by"].items():
        _print_groups(tag, groups)
    if scores["analysis"]:
        _print_analysis(scores["analysis"])


def _print_headlines(scores: dict[str, Any]) -> None:
    from rich.console import Console
    from rich.table import Table

    from cellwright.evaluate.headlines import HEADLINES, look_up

    table = Table(title="95 % intervals are over images", title_justify="left")
    for column in ("figure", "value", "95 % interval"):
        table.add_column(column, justify="left" if column == "figure" else "right")
    for headline in HEADLINES:
        value = look_up(scores, headline.path)
        if value is not None:
            table.add_row(headline.name, _shown(value), _spread(scores, headline.path))
    Console().print(table)


def _print_groups(tag: str, groups: dict[str, dict[str, Any]]) -> None:
    from rich.console import Console
    from rich.table import Table

    from cellwright.evaluate.headlines import HEADLINES, look_up

    shown = [h for h in HEADLINES if h.path in _BY_GROUP]
    table = Table(title=f"by {tag}", title_justify="left")
    for column in (tag, "images", "cells", *(h.name for h in shown)):
        table.add_column(column, justify="left" if column == tag else "right")
    for value, group in groups.items():
        cells = [
            f"{_shown(look_up(group, h.path))} {_spread(group, h.path)}".strip() for h in shown
        ]
        table.add_row(value, str(group["images"]), str(group["truth"]), *cells)
    Console().print(table)


def _print_analysis(rows: list[dict[str, Any]]) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table(title="What would be gained", title_justify="left")
    for column in ("if", "accuracy at 0.50", "gain", "mask AP", "gain"):
        table.add_column(column, justify="left" if column == "if" else "right")
    for row in rows:
        table.add_row(
            row["name"],
            *(_shown(row[k]) for k in ("accuracy50", "gain_accuracy50", "AP", "gain_AP")),
        )
    Console().print(table)


_BY_GROUP = {"matching/0.50/accuracy", "matching/mean/accuracy", "coco/segm/AP", "pixel/f1"}


def _spread(scores: dict[str, Any], path: str) -> str:
    bounds = scores["intervals"].get(path)
    return "" if bounds is None else f"{_shown(bounds[0])} to {_shown(bounds[1])}"


def _shown(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"
