"""The command that sets data sets side by side: compare-data."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from cellwright.cli import options
from cellwright.cli.outcome import command, say

EXAMPLES = (
    "cellwright compare-data original extended -o page.html",
    "cellwright compare-data livecell grey phase --by cell_line -o comparison",
)


@command
def compare_data(
    datasets: Annotated[
        list[Path] | None, typer.Argument(help="Two or more data sets, the original first.")
    ] = None,
    input: options.Input = None,
    output: Annotated[
        Path | None,
        typer.Option("-o", "--output", help="NAME.html, NAME.json, or a folder for both."),
    ] = None,
    names: Annotated[
        list[str] | None,
        typer.Option("--name", help="Name of a data set, once for each in their order."),
    ] = None,
    by: Annotated[
        str | None,
        typer.Option(metavar="TAG", help="Tag of the types of cells; cell_line if all have it."),
    ] = None,
    features: Annotated[
        Literal["cells", "inception-v3"], typer.Option(help="Feature network of FID and map.")
    ] = "cells",
    crop: Annotated[int, typer.Option(min=32, help="Pixels of a crop's side, for features.")] = 64,
    max_images: Annotated[
        int, typer.Option(min=2, help="Images of a data set whose pixels are looked at.")
    ] = 300,
    seed: options.Seed = 0,
    quiet: options.Quiet = False,
    verbose: options.Verbose = 0,
) -> Any:
    """Say how extended images differ from the original ones: components, densities, FID."""
    given = options.inputs(datasets, input)
    from cellwright.steps.compare_data import compare_data as step

    result = step(
        given,
        output,
        names=names or None,
        by=by,
        features=features,
        crop=crop,
        max_images=max_images,
        seed=seed,
        quiet=quiet,
    )
    if not quiet:
        _, *others = result.details["fid"].items()
        for name, distance in others:
            say(f"FID of {name} ({features}): {distance:.3g}")
        if output is not None:
            say(f"comparison: {output}")
    return result
