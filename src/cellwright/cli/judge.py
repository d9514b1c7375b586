"""Commands that tell how good it is: evaluate, report, methods."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

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
        list[str] | None, typer.Option(metavar="TAG", help="Scores per value of a tag; repeatable.")
    ] = None,
    quiet: options.Quiet = False,
    verbose: options.Verbose = 0,
) -> Any:
    """Compare predicted cells with the true ones."""
    from cellwright.steps.evaluate import evaluate as step

    scores = step(truth, pred, output, by=tuple(by or ()), quiet=quiet).to_json()
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


@command
def methods(quiet: options.Quiet = False, verbose: options.Verbose = 0) -> Any:
    """List what can be trained (--method) and what labels without training (--segmenter)."""
    from cellwright.label.segmenters import SEGMENTERS
    from cellwright.zoo.builders import METHODS

    for method in METHODS:
        say(f"--method     {method.name:18} {method.summary} [{method.paper}]")
    for segmenter in SEGMENTERS:
        say(f"--segmenter  {segmenter.name:18} {segmenter.summary}")


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
    table.add_row("mean", _shown(scores["matching"]["mean"]["accuracy"]))
    Console().print(table)
    pixel = "  ".join(f"{name} {_shown(value)}" for name, value in scores["pixel"].items())
    say(f"pixels: {pixel}")
    masks = "  ".join(f"{name} {_shown(value)}" for name, value in scores["coco"]["segm"].items())
    say(f"COCO masks: {masks}")


def _shown(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"
