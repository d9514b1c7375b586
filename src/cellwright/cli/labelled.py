"""The command that makes a data set of what was committed in a label session."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from cellwright.cli import options
from cellwright.cli.outcome import command

EXAMPLES = (
    "cellwright labelled data -o truth",
    "cellwright labelled data -o truth --dead exclude --covered drop --done",
    "cellwright labelled data -o truth --view planes && cellwright train truth -o m2 --init m1",
)


@command
def labelled(
    output: options.Output,
    dataset: Annotated[
        Path | None, typer.Argument(help="A data set that was labelled with annotate.")
    ] = None,
    input: options.Input = None,
    journal: Annotated[
        Path | None, typer.Option(help="Folder of the journal, if not the one in the data set.")
    ] = None,
    dead: Annotated[
        Literal["label", "exclude"],
        typer.Option(help="Give dead cells the class Dead, or leave them out."),
    ] = "label",
    covered: Annotated[
        Literal["drop", "keep"], typer.Option(help="Cells half or more under larger ones.")
    ] = "keep",
    view: Annotated[
        Literal["auto", "stack", "planes", "median", "max", "mean", "focus"],
        typer.Option(help="Images of z-stacks; auto goes by the route of each field."),
    ] = "auto",
    done_only: Annotated[
        bool, typer.Option("--done", help="Take cells of fields marked as done only.")
    ] = False,
    label_maps: Annotated[
        bool, typer.Option("--label-maps/--no-label-maps", help="Write label TIFFs.")
    ] = True,
    crops: Annotated[
        bool, typer.Option("--crops/--no-crops", help="Write one array per cell (.npy).")
    ] = True,
    rois: Annotated[bool, typer.Option("--rois/--no-rois", help="Write ImageJ ROIs.")] = True,
    quiet: options.Quiet = False,
    verbose: options.Verbose = 0,
) -> Any:
    """Write what was committed in the annotator as a data set to train on, and as files."""
    source = options.one_input(dataset, input)
    from cellwright.steps.labelled import labelled as step

    return step(
        source,
        output,
        journal=journal,
        dead=dead,
        covered=covered,
        view=view,
        done_only=done_only,
        label_maps=label_maps,
        crops=crops,
        rois=rois,
        quiet=quiet,
    )
