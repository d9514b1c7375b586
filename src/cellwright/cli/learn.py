"""Commands around a trained model: train, predict."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from cellwright.cli import options
from cellwright.cli.outcome import command

FORMATS = ("coco", "labels", "zarr", "rois", "geojson", "overlay", "measurements")


@command
def train(
    output: options.Output,
    dataset: Annotated[Path | None, typer.Argument(help="A data set with cells.")] = None,
    input: options.Input = None,
    method: Annotated[
        str, typer.Option(help="What is trained: see cellwright methods.")
    ] = "unet-distance",
    option: Annotated[
        list[str] | None,
        typer.Option(metavar="KEY=VALUE", help="An option of the method, queries=200; repeatable."),
    ] = None,
    classes: Annotated[
        str | None, typer.Option(metavar="LIST", help="Learn the cells of these classes only.")
    ] = None,
    val: Annotated[Path | None, typer.Option(help="A data set to watch and tune on.")] = None,
    val_fraction: options.ValFraction = 0.15,
    where: options.Where = None,
    init: Annotated[
        Path | None, typer.Option(help="Model to start from; what does not fit is listed.")
    ] = None,
    epochs: options.Epochs = None,
    minutes: options.Minutes = None,
    crops_per_epoch: Annotated[
        int | None, typer.Option(min=1, help="Crops in an epoch; as many as show all images once.")
    ] = None,
    batch_size: Annotated[
        int | None, typer.Option(min=1, help="Crops per batch; the method's own if not given.")
    ] = None,
    crop: Annotated[
        tuple[int, int] | None, typer.Option(metavar="R C", help="Rows and columns of a crop.")
    ] = None,
    scale: Annotated[
        tuple[float, float] | None,
        typer.Option(metavar="LOW HIGH", help="Magnification of the crops, 0.6 to 1.7."),
    ] = None,
    light: Annotated[
        Literal["fluorescence", "transmitted"] | None,
        typer.Option(help="How crops' intensities are changed; fluorescence by default."),
    ] = None,
    to_diameter: Annotated[
        float | None,
        typer.Option(min=1, help="Bring the cells to so many pixels in half of the crops."),
    ] = None,
    widths: Annotated[
        str | None, typer.Option(metavar="LIST", help="Channels of each level, 16,32,64.")
    ] = None,
    optimizer: Annotated[
        Literal["adamw", "adam", "sgd"] | None, typer.Option(help="The method's own if not given.")
    ] = None,
    learning_rate: Annotated[
        float | None, typer.Option(min=0, help="Its peak; the method's own if not given.")
    ] = None,
    weight_decay: Annotated[float | None, typer.Option(min=0, help="Of the optimizer.")] = None,
    schedule: Annotated[
        Literal["one-cycle", "cyclic", "plateau", "steps", "constant"] | None,
        typer.Option(help="How the learning rate goes; the method's own if not given."),
    ] = None,
    warm_up_steps: Annotated[
        int | None, typer.Option(min=0, help="Steps of a linear rise at the beginning.")
    ] = None,
    milestones: Annotated[
        str | None, typer.Option(metavar="LIST", help="steps: a tenth after each, 8000,9000.")
    ] = None,
    least_rate: Annotated[float | None, typer.Option(min=0, help="cyclic: the lowest.")] = None,
    loss_weight: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME=FACTOR", help="Factor of one of the losses; repeatable."),
    ] = None,
    curriculum: Annotated[
        tuple[float, float] | None,
        typer.Option(
            metavar="FROM UNTIL",
            help="Easy images first: share of them at the start, of the budget until all are in.",
        ),
    ] = None,
    accumulate: Annotated[int, typer.Option(min=1, help="Batches per change of weights.")] = 1,
    patience: Annotated[
        int | None, typer.Option(min=1, help="Stop after so many epochs without gain.")
    ] = None,
    normalise: Annotated[
        Literal["percentile", "min-max", "z-score"] | None,
        typer.Option(help="How intensities become input; percentiles 1 and 99.8 by default."),
    ] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on where it stopped.")] = False,
    device: options.Device = "auto",
    precision: Annotated[
        Literal["auto", "32", "bf16", "16"],
        typer.Option(help="auto: bfloat16 where the device has it."),
    ] = "auto",
    devices: Annotated[
        int | None, typer.Option(min=1, help="Accelerators, or processes on a CPU; all there are.")
    ] = None,
    nodes: Annotated[int, typer.Option(min=1, help="Machines that train together.")] = 1,
    strategy: Annotated[
        str, typer.Option(help="Lightning's way of training on several: ddp, fsdp ...")
    ] = "auto",
    jobs: options.Jobs = None,
    seed: options.Seed = 0,
    quiet: options.Quiet = False,
    verbose: options.Verbose = 0,
) -> Any:
    """Train a method on a data set; the result is a model folder."""
    if epochs is not None and minutes is not None:
        raise typer.BadParameter("--epochs and --minutes exclude each other")
    source, tags = options.one_input(dataset, input), options.key_values(where, "--where")
    factors = options.settings(loss_weight, "--loss-weight")
    if not all(isinstance(f, int | float) for f in factors.values()):
        raise typer.BadParameter(f"--loss-weight wants NAME=NUMBER, {loss_weight} came")
    from cellwright.steps.train import train as step

    return step(
        source,
        output,
        method=method,
        options=options.settings(option, "--option"),
        classes=options.listed(classes),
        val=val,
        val_fraction=val_fraction,
        where=tags,
        init=init,
        epochs=epochs,
        minutes=minutes,
        crops_per_epoch=crops_per_epoch,
        batch_size=batch_size,
        crop=crop,
        scale=scale,
        light=light,
        to_diameter=to_diameter,
        widths=options.numbers(widths, "--widths"),
        optimizer=optimizer,
        learning_rate=learning_rate,
        weight_decay=weight_decay,
        schedule=schedule,
        warm_up_steps=warm_up_steps,
        milestones=options.numbers(milestones, "--milestones"),
        least_rate=least_rate,
        loss_weights=factors or None,
        curriculum=curriculum,
        accumulate=accumulate,
        patience=patience,
        normalise=normalise,
        resume=resume,
        device=device,
        precision=precision,
        devices=devices,
        nodes=nodes,
        strategy=strategy,
        seed=seed,
        jobs=jobs,
        quiet=quiet,
    )


@command
def predict(
    output: options.Output,
    model: Annotated[
        Path | None,
        typer.Option(
            "-m",
            "--model",
            help="A model folder, or nuclei or cells, which ship; by default the one of these "
            "that suits the first image.",
        ),
    ] = None,
    images: Annotated[
        list[Path] | None, typer.Argument(help="Images, folders of images, or a data set.")
    ] = None,
    input: options.Input = None,
    format: Annotated[
        str, typer.Option("--format", metavar="LIST", help=f"Any of {','.join(FORMATS)}.")
    ] = "coco,labels,measurements",
    tile_shape: options.TileShape = None,
    halo: options.Halo = None,
    average: Annotated[
        bool, typer.Option("--average", help="Average overlapping windows, halos included.")
    ] = False,
    diameter: Annotated[
        str | None,
        typer.Option(
            help="Typical diameter of the cells in pixels, or auto; auto with models that ship."
        ),
    ] = None,
    channel: Annotated[
        str | None, typer.Option(help="Name or index of the one channel to look at.")
    ] = None,
    invert: Annotated[
        bool | None,
        typer.Option(
            "--invert/--no-invert",
            help="Turn images bright for dark; judged by the image with a model that ships.",
        ),
    ] = None,
    device: options.Device = "auto",
    jobs: options.Jobs = None,
    quiet: options.Quiet = False,
    verbose: options.Verbose = 0,
) -> Any:
    """Find and measure the cells of images with a model; what is done is not done again."""
    formats = options.names(format, FORMATS, "--format")
    sources = options.inputs(images, input)
    from cellwright.steps.predict import predict as step

    return step(
        sources,
        model,
        output,
        formats=formats,
        tile_shape=tile_shape,
        halo=halo,
        average=average,
        diameter=options.diameter(diameter),
        channel=options.channel(channel),
        invert=invert,
        device=device,
        jobs=jobs,
        quiet=quiet,
    )
