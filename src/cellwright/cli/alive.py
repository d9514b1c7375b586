"""The command that tells living cells from dead ones."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from cellwright.cli import options
from cellwright.cli.outcome import command, say

EXAMPLES = (
    "cellwright alive data -o judged --channel fluorescence",
    "cellwright alive data -o judged --channel fluorescence --dead exclude",
    "cellwright alive data -o corrected --channel fluorescence --corrections judged/alive.csv",
)


@command
def alive(
    output: options.Output,
    data: Annotated[Path | None, typer.Argument(help="A data set with cells.")] = None,
    input: options.Input = None,
    channel: Annotated[
        str | None,
        typer.Option(help="Name or number (from 0) of the fluorescence; if there are several."),
    ] = None,
    only: Annotated[
        str | None, typer.Option("--class", help="Judge cells of this class only.")
    ] = None,
    categories: Annotated[
        bool,
        typer.Option(
            "--categories/--tags-only", help="Make Alive and Dead the classes, or tags alone."
        ),
    ] = True,
    dead: Annotated[
        Literal["label", "exclude"], typer.Option(help="Keep dead cells, or leave them out.")
    ] = "label",
    corrections: Annotated[
        Path | None,
        typer.Option(metavar="CSV", help="Columns image, cell, alive: an alive.csv you changed."),
    ] = None,
    sigmas: Annotated[
        float,
        typer.Option(min=0, help="Least contrast of a living cell, in deviations of background."),
    ] = 0.3,
    share: Annotated[
        float, typer.Option(min=0, max=1, help="Least light relative to the field's bright cells.")
    ] = 0.25,
    part: Annotated[
        Literal["core", "rim", "whole"],
        typer.Option(help="Pixels a cell is judged by; rim for stained walls."),
    ] = "core",
    quiet: options.Quiet = False,
    verbose: options.Verbose = 0,
) -> Any:
    """Call each cell alive or dead by whether it is seen in fluorescence."""
    source = options.one_input(data, input)
    from cellwright.steps.alive import alive as step

    result = step(
        source,
        output,
        channel=channel,
        only=only,
        categories=categories,
        dead=dead,
        corrections=corrections,
        sigmas=sigmas,
        share=share,
        part=part,
        quiet=quiet,
    )
    if not quiet:
        found = result.details
        say(f"{found['alive']} alive, {found['dead']} dead, {found['by_hand']} of them by hand")
        say(f"table: {found['table']}")
    return result
