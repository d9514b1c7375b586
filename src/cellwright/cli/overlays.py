"""The command that draws a data set to be checked by eye."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from cellwright.cli import options
from cellwright.cli.outcome import command

EXAMPLES = (
    "cellwright overlays data -o pictures",
    "cellwright overlays stacks -o pictures --planes --ids --view fluorescence",
    "cellwright overlays data -o pictures --cells predictions/",
)


@command
def overlays(
    output: options.Output,
    data: Annotated[Path | None, typer.Argument(help="A data set.")] = None,
    input: options.Input = None,
    cells: Annotated[
        Path | None,
        typer.Option(help="Predictions to draw; the data set's own cells are then blue."),
    ] = None,
    planes: Annotated[
        bool, typer.Option("--planes", help="One picture per plane of a z-stack.")
    ] = False,
    view: Annotated[
        Literal["plain", "clahe", "fluorescence"],
        typer.Option(help="Contrast levelled, or fluorescence in colour over the other channel."),
    ] = "plain",
    ids: Annotated[bool, typer.Option("--ids", help="Write the number of each cell.")] = False,
    thickness: Annotated[int, typer.Option(min=1, help="Width of the outlines in pixels.")] = 1,
    max_side: Annotated[
        int, typer.Option(min=16, help="Longest side of a picture; larger images are shrunk.")
    ] = 2048,
    quiet: options.Quiet = False,
    verbose: options.Verbose = 0,
) -> Any:
    """Draw every image with its cells outlined, by class or Alive/Dead."""
    source = options.one_input(data, input)
    from cellwright.steps.overlays import overlays as step

    return step(
        source,
        output,
        cells=cells,
        planes=planes,
        view=view,
        ids=ids,
        thickness=thickness,
        max_side=max_side,
        quiet=quiet,
    )
