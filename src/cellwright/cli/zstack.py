"""The command that makes ground truth of z-stacks."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from cellwright.cli import options
from cellwright.cli.outcome import command

EXAMPLES = (
    "cellwright zstack planes -o truth --route merged",
    "cellwright zstack planes -o truth --route merged --min-planes 2 --mask majority",
    "cellwright zstack stacks -o truth --route z-aware --channel fluorescence",
    "cellwright zstack stacks -o truth --route median",
)


@command
def zstack(
    output: options.Output,
    route: Annotated[
        Literal["median", "merged", "z-aware"],
        typer.Option(
            help="Cells drawn on the median; those of the planes merged; those seen in each plane."
        ),
    ],
    data: Annotated[Path | None, typer.Argument(help="Stacks, or planes of fields.")] = None,
    input: options.Input = None,
    shown: Annotated[
        Literal["planes", "stack", "median"] | None,
        typer.Option("--images", help="What the images are; the median, or else planes."),
    ] = None,
    channel: Annotated[
        str | None, typer.Option(help="Channel in which cells are looked for; if several.")
    ] = None,
    least: Annotated[
        float, typer.Option(min=0, help="Least detail of a cell seen in a plane, above noise.")
    ] = 0.5,
    share: Annotated[
        float, typer.Option(min=0, max=1, help="The same, relative to its best plane.")
    ] = 0.25,
    iou: Annotated[
        float, typer.Option(min=0.01, max=1, help="Least IoU of one cell's masks in two planes.")
    ] = 0.5,
    gap: Annotated[
        int, typer.Option(min=0, help="Planes in a row in which a cell may be missing.")
    ] = 1,
    min_planes: Annotated[
        int, typer.Option(min=1, help="Leave out cells of fewer planes when merging.")
    ] = 1,
    mask: Annotated[
        Literal["union", "majority", "sharpest"], typer.Option(help="Mask of a merged cell.")
    ] = "union",
    quiet: options.Quiet = False,
    verbose: options.Verbose = 0,
) -> Any:
    """Make the ground truth of z-stacks by one of three routes; the route becomes a tag."""
    source = options.one_input(data, input)
    from cellwright.steps.zstack import zstack as step

    return step(
        source,
        output,
        route=route,
        shown=shown,
        channel=channel,
        least=least,
        share=share,
        iou=iou,
        gap=gap,
        min_planes=min_planes,
        mask=mask,
        quiet=quiet,
    )
