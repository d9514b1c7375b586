"""The command that makes more labelled images of a labelled data set."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from cellwright.cli import options
from cellwright.cli.outcome import command, say

EXAMPLES = (
    "cellwright extend data -o more --n 1000",
    "cellwright extend data -o more --how phase --n 1000 --overlap 0..0.2 --seed 1 -j 2",
    "cellwright extend livecell -o more --density 20..1000 --where split=train",
    "cellwright extend data -o more --how pix2pix --model translator",
    "cellwright extend data -o more --where split=train --originals && cellwright train more -o m",
)
PASTE: dict[str, Any] = {"rich_help_panel": "Pasted cells"}
OTHER: dict[str, Any] = {"rich_help_panel": "Translated and simulated images"}


@command
def extend(
    output: options.Output,
    dataset: Annotated[Path | None, typer.Argument(help="A labelled data set.")] = None,
    input: options.Input = None,
    how: Annotated[
        Literal["grey", "phase", "pix2pix", "simulate"],
        typer.Option(help="Cells cover what is below, or add to it; translated; simulated."),
    ] = "grey",
    n: Annotated[int, typer.Option("--n", min=1, help="Number of new images.")] = 100,
    density: Annotated[
        str,
        typer.Option(
            metavar="LOW..HIGH|NUMBER|own",
            help="Cells of an image; own draws from the data set's, type by type.",
        ),
    ] = "own",
    by: Annotated[
        str | None,
        typer.Option(metavar="TAG|class", help="What tells types of cells apart, one an image."),
    ] = None,
    overlap: Annotated[
        str,
        typer.Option(metavar="LOW..HIGH", help="Share of a cell that others may have too."),
    ] = "0..0.2",
    clustered: Annotated[
        float | None,
        typer.Option(min=0, max=1, help="Share of the cells put on the edge of another."),
    ] = None,
    shape: Annotated[
        tuple[int, int] | None,
        typer.Option(min=16, help="Rows and columns; those of the data set by default."),
    ] = None,
    where: Annotated[
        list[str] | None,
        typer.Option(metavar="KEY=VALUE", help="Only images with this tag; repeatable."),
    ] = None,
    originals: Annotated[
        bool, typer.Option("--originals", help="Also write the images used, and those of val.")
    ] = False,
    mixed: Annotated[
        int, typer.Option(min=1, help="Images that the cells of one come from.", **PASTE)
    ] = 4,
    resize: Annotated[
        str | None,
        typer.Option(metavar="LOW..HIGH", help="Magnification, e.g. 0.9..1.1.", **PASTE),
    ] = None,
    elastic: Annotated[
        float | None,
        typer.Option(min=0, max=0.3, help="Elastic bend relative to a cell's size.", **PASTE),
    ] = None,
    rotate: Annotated[
        bool,
        typer.Option(
            help="Turn and mirror cells; not for DIC, whose light comes from a side.", **PASTE
        ),
    ] = True,
    edge: Annotated[
        float | None,
        typer.Option(min=0, help="Sigma of the soft edge in pixels.", **PASTE),
    ] = None,
    halo: Annotated[
        bool,
        typer.Option(help="Make the wide halo of phase contrast anew around the cells.", **PASTE),
    ] = True,
    carried: Annotated[
        str, typer.Option(metavar="LIST", help="Classes that go along with a cell.", **PASTE)
    ] = "nucleus",
    model: Annotated[
        Path | None,
        typer.Option("-m", "--model", help="Translator folder, for pix2pix.", **OTHER),
    ] = None,
    device: options.Device = "auto",
    preset: Annotated[
        str | None, typer.Option(help="Preset of the simulator, for simulate.", **OTHER)
    ] = None,
    modality: Annotated[
        str | None, typer.Option(help="What is simulated; the images' tag by default.", **OTHER)
    ] = None,
    seed: options.Seed = 0,
    jobs: Annotated[int, typer.Option("-j", "--jobs", min=1, help="Processes.")] = 1,
    quiet: options.Quiet = False,
    verbose: options.Verbose = 0,
) -> Any:
    """Make more labelled images of a data set: cells on new ground, or simulated ones."""
    source = options.one_input(dataset, input)
    tags = options.key_values(where, "--where")
    from cellwright.steps.extend import extend as step

    result = step(
        source,
        output,
        how=how,
        n=n,
        density=density,
        by=by,
        overlap=overlap,
        clustered=clustered,
        mixed=mixed,
        shape=shape,
        resize=resize,
        elastic=elastic,
        rotate=rotate,
        edge=edge,
        halo=halo,
        carried=carried,
        model=model,
        device=device,
        preset=preset,
        modality=modality,
        where=tags,
        originals=originals,
        seed=seed,
        jobs=jobs,
        quiet=quiet,
    )
    if not quiet and result.done:
        short = result.details["short"]
        say(f"{result.details['cells']} cells" + (f", {short} images not full" if short else ""))
    return result
