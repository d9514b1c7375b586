"""Commands that make data sets: simulate, import, label."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from cellwright.cli import options
from cellwright.cli.outcome import command


@command
def simulate(
    output: options.Output,
    fields: Annotated[int, typer.Option(min=1, help="Number of fields.")] = 8,
    shape: Annotated[tuple[int, int], typer.Option(min=16, help="Rows and columns.")] = (256, 256),
    overlap: Annotated[
        float, typer.Option(min=0, max=0.9, help="Part of the cells' area that is shared.")
    ] = 0.1,
    planes: Annotated[int, typer.Option(min=1, help="Planes of the z-stack.")] = 1,
    modality: Annotated[
        Literal["fluorescence", "brightfield", "both"], typer.Option(help="What is imaged.")
    ] = "fluorescence",
    seed: options.Seed = 0,
    quiet: options.Quiet = False,
    verbose: options.Verbose = 0,
) -> Any:
    """Make a data set of simulated fields with exact truth."""
    from cellwright.steps.simulate import simulate as step

    return step(
        output,
        fields=fields,
        shape=shape,
        overlap=overlap,
        planes=planes,
        modality=modality,
        seed=seed,
        quiet=quiet,
    )


@command
def import_(
    output: options.Output,
    sources: Annotated[
        list[Path] | None, typer.Argument(help="Images, folders of images, or a COCO file.")
    ] = None,
    input: options.Input = None,
    masks: Annotated[
        Path | None, typer.Option(help="Folder or COCO file with the cells of the images.")
    ] = None,
    mask_kind: Annotated[
        Literal["auto", "labels", "binary", "components", "outlines", "rois", "coco"],
        typer.Option(help="What the masks are; auto looks at them."),
    ] = "auto",
    mask_pattern: Annotated[
        str | None, typer.Option(help="Pattern of the mask files' names, to pair them.")
    ] = None,
    tag: Annotated[
        list[str] | None,
        typer.Option(
            metavar="KEY=VALUE[:KEY=VALUE]",
            help="Tag of every image, or of those with another tag; repeatable.",
        ),
    ] = None,
    tag_table: Annotated[
        Path | None, typer.Option(help="CSV or JSON list with the tags of each image by name.")
    ] = None,
    where: Annotated[
        list[str] | None,
        typer.Option(metavar="KEY=VALUE,...", help="Only images with this tag; repeatable."),
    ] = None,
    channels: Annotated[
        str | None, typer.Option(metavar="LIST", help="Names of the channels, in order.")
    ] = None,
    pattern: Annotated[
        str | None, typer.Option(help="Pattern of the images' names; its fields become tags.")
    ] = None,
    axes: Annotated[
        str | None, typer.Option(help="Axes of the files, e.g. CYX, where they are ambiguous.")
    ] = None,
    pixel_size: Annotated[
        float | None, typer.Option(min=0, help="Micrometres per pixel, where files lack it.")
    ] = None,
    class_name: Annotated[str, typer.Option("--class", help="Class of the cells.")] = "cell",
    quiet: options.Quiet = False,
    verbose: options.Verbose = 0,
) -> Any:
    """Turn images, with masks or without, into a data set."""
    given = options.inputs(sources, input)
    options.key_values(tag, "--tag")
    options.key_values(where, "--where")
    from cellwright.steps.import_images import import_images

    return import_images(
        given,
        output,
        masks=masks,
        mask_kind=mask_kind,
        mask_pattern=mask_pattern,
        tags=tuple(tag or ()),
        tag_table=tag_table,
        where=tuple(where or ()),
        channels=tuple(channels.split(",")) if channels else (),
        pattern=pattern,
        axes=axes,
        pixel_size=pixel_size,
        class_name=class_name,
        quiet=quiet,
    )


@command
def label(
    output: options.Output,
    images: Annotated[
        list[Path] | None, typer.Argument(help="Images, folders of images, or a data set.")
    ] = None,
    input: options.Input = None,
    segmenter: options.Segmenter = "watershed",
    option: Annotated[
        list[str] | None,
        typer.Option(metavar="KEY=VALUE", help="Argument of the segmenter; repeatable."),
    ] = None,
    quiet: options.Quiet = False,
    verbose: options.Verbose = 0,
) -> Any:
    """Find cells without training and without a hand; the result is a data set."""
    given = options.inputs(images, input)
    arguments = {key: _plain(value) for key, value in options.key_values(option, "--option")}
    from cellwright.steps.label import label as step

    return step(given, output, segmenter=segmenter, options=arguments, quiet=quiet)


def _plain(text: str) -> bool | int | float | str:
    """A truth value or a number if `text` is one."""
    if text.lower() in ("true", "false"):
        return text.lower() == "true"
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return text
