"""Commands of image translation: learn it from pairs, use it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from cellwright.cli import options
from cellwright.cli.outcome import command

LEARN_EXAMPLES = (
    "cellwright learn-translation data -o model --source phase "
    "--target brightfield-0,brightfield-1 --minutes 120",
    "cellwright learn-translation data -o small --source phase --target DAPI --crop 128 "
    "--widths 32,64,128,128,128,128 --minutes 10",
    "cellwright learn-translation data -o model --source masks --target brightfield",
    "cellwright learn-translation data -o plain --how autoencoder --source phase --target DAPI",
)
TRANSLATE_EXAMPLES = (
    "cellwright translate data -m model -o translated",
    "cellwright translate phase/ -m model -o translated --seed 1",
)


@command
def learn_translation(
    output: options.Output,
    source: Annotated[
        str,
        typer.Option(metavar="LIST", help="Channels that are shown, by name or number; or masks."),
    ],
    target: Annotated[
        str, typer.Option(metavar="LIST", help="Channels that are to be made of them; or all.")
    ],
    dataset: Annotated[
        Path | None, typer.Argument(help="A data set whose images hold both as channels.")
    ] = None,
    input: options.Input = None,
    how: Annotated[
        Literal["pix2pix", "autoencoder"],
        typer.Option(help="The adversarial network, or the plain U-Net."),
    ] = "pix2pix",
    widths: Annotated[
        str | None, typer.Option(metavar="LIST", help="Channels of each level, 32,64,128,128.")
    ] = None,
    crop: Annotated[int, typer.Option(min=32, help="Rows and columns of a crop.")] = 512,
    batch_size: Annotated[int, typer.Option(min=1, help="Crops per batch.")] = 4,
    epochs: options.Epochs = None,
    minutes: options.Minutes = None,
    learning_rate: Annotated[
        float, typer.Option(min=0, help="In the first half; it falls to nothing in the second.")
    ] = 2e-4,
    l1_weight: Annotated[
        float, typer.Option(min=0, help="Of L1 beside the adversarial loss.")
    ] = 100.0,
    val: Annotated[Path | None, typer.Option(help="A data set to choose the weights on.")] = None,
    val_fraction: options.ValFraction = 0.15,
    where: options.Where = None,
    features: Annotated[
        Literal["cells", "inception-v3"],
        typer.Option(help="Network whose features the FID compares."),
    ] = "cells",
    resume: Annotated[bool, typer.Option("--resume", help="Go on where it stopped.")] = False,
    device: options.Device = "auto",
    jobs: options.Jobs = None,
    seed: options.Seed = 0,
    quiet: options.Quiet = False,
    verbose: options.Verbose = 0,
) -> Any:
    """Learn to translate one kind of picture into another, from images that hold both."""
    if epochs is not None and minutes is not None:
        raise typer.BadParameter("--epochs and --minutes exclude each other")
    data, tags = options.one_input(dataset, input), options.key_values(where, "--where")
    from cellwright.steps.learn_translation import learn_translation as step

    return step(
        data,
        output,
        source=options.listed(source) or (),
        target=options.listed(target) or (),
        how=how,
        widths=options.numbers(widths, "--widths"),
        crop=crop,
        batch_size=batch_size,
        epochs=epochs,
        minutes=minutes,
        learning_rate=learning_rate,
        l1_weight=l1_weight,
        val=val,
        val_fraction=val_fraction,
        where=tags,
        features=features,
        seed=seed,
        device=device,
        jobs=jobs,
        resume=resume,
        quiet=quiet,
    )


@command
def translate(
    output: options.Output,
    model: Annotated[
        Path, typer.Option("-m", "--model", help="A folder that learn-translation wrote.")
    ],
    images: Annotated[
        list[Path] | None, typer.Argument(help="Images, folders of images, or data sets.")
    ] = None,
    input: options.Input = None,
    tile: Annotated[
        int | None, typer.Option(min=16, help="Rows and columns of a tile; as it learnt.")
    ] = None,
    device: options.Device = "auto",
    jobs: options.Jobs = None,
    seed: options.Seed = 0,
    quiet: options.Quiet = False,
    verbose: options.Verbose = 0,
) -> Any:
    """Translate images into another kind of picture; the cells of a data set are kept."""
    given = options.inputs(images, input)
    from cellwright.steps.translate import translate as step

    return step(given, model, output, seed=seed, tile=tile, device=device, jobs=jobs, quiet=quiet)
