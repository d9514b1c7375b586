"""Commands that make data sets: simulate, import, split, label."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from cellwright.cli import options
from cellwright.cli.outcome import command, say

NAMES: dict[str, Any] = {"rich_help_panel": "Names, tags and splits"}
PLANES: dict[str, Any] = {"rich_help_panel": "Planes and channels"}
CELLS: dict[str, Any] = {"rich_help_panel": "Cells"}


def presets(asked: bool) -> None:
    """List the presets of the simulator and stop, if that was asked for."""
    if not asked:
        return
    from cellwright.synth.presets import PRESETS

    for name, preset in PRESETS.items():
        say(f"{name:12} {preset.about}")
    say(f"{'fish':12} DAPI and four probes with known signals, for cellwright fish")
    raise typer.Exit


@command
def simulate(
    output: options.Output,
    preset: Annotated[
        str | None,
        typer.Option(help="Ranges named after real data, or fish; --list-presets shows them."),
    ] = None,
    list_presets: Annotated[
        bool,
        typer.Option(
            "--list-presets", help="List the presets and stop.", is_eager=True, callback=presets
        ),
    ] = False,
    fields: Annotated[int, typer.Option(min=1, help="Number of fields.")] = 8,
    shape: Annotated[tuple[int, int], typer.Option(min=16, help="Rows and columns.")] = (256, 256),
    times: Annotated[
        int, typer.Option(min=1, help="Time points, in which cells move, grow and divide.")
    ] = 1,
    cells: Annotated[int | None, typer.Option(min=0, help="Cells of each field.", **CELLS)] = None,
    coverage: Annotated[
        float | None,
        typer.Option(min=0, max=1, help="Part of the field under cells; 1 is confluent.", **CELLS),
    ] = None,
    overlap: Annotated[
        float | None,
        typer.Option(min=0, max=0.9, help="Part of the cells that overlap another.", **CELLS),
    ] = None,
    cluster: Annotated[
        int | None, typer.Option(min=1, help="Cells that lie together in a clump.", **CELLS)
    ] = None,
    kind: Annotated[
        str | None,
        typer.Option(
            help="round, oval, spindle, lobed, rod, dividing, flat, stellate, mixed.", **CELLS
        ),
    ] = None,
    diameter: Annotated[
        float | None, typer.Option(min=0, help="Mean diameter in micrometres.", **CELLS)
    ] = None,
    nuclei: Annotated[
        bool | None, typer.Option("--nuclei/--no-nuclei", help="Nuclei in the truth.", **CELLS)
    ] = None,
    dead: Annotated[
        float | None,
        typer.Option(
            min=0, max=1, help="Part of the cells that is dead: no fluorescence.", **CELLS
        ),
    ] = None,
    planes: Annotated[
        int | None, typer.Option(min=1, help="Planes of the z-stack.", **PLANES)
    ] = None,
    modality: Annotated[
        str | None,
        typer.Option(
            help="fluorescence, brightfield, phase, dic, both, or several joined by +.", **PLANES
        ),
    ] = None,
    pixel_size: Annotated[
        float | None, typer.Option(min=0, help="Micrometres per pixel.", **PLANES)
    ] = None,
    contrast: Annotated[
        float | None,
        typer.Option(
            min=0, help="Fluorescence of living cells, in sigmas of the background.", **PLANES
        ),
    ] = None,
    bleed: Annotated[
        float,
        typer.Option(
            min=0, max=1, help="Part of the fluorescence in halos around cells.", **PLANES
        ),
    ] = 0.0,
    dust: Annotated[
        float | None, typer.Option(min=0, help="Specks of dust per megapixel.", **PLANES)
    ] = None,
    seed: options.Seed = 0,
    quiet: options.Quiet = False,
    verbose: options.Verbose = 0,
) -> Any:
    """Make a data set of simulated fields with exact truth."""
    from cellwright.steps.simulate import simulate as step

    return step(
        output,
        preset=preset,
        fields=fields,
        shape=shape,
        times=times,
        cells=cells,
        coverage=coverage,
        overlap=overlap,
        cluster=cluster,
        kind=kind,
        diameter=diameter,
        nuclei=nuclei,
        dead=dead,
        planes=planes,
        modality=modality,
        pixel_size=pixel_size,
        contrast=contrast,
        bleed=bleed,
        dust=dust,
        seed=seed,
        quiet=quiet,
    )


@command
def import_(
    output: Annotated[
        Path | None, typer.Option("-o", "--output", help="Where the data set goes.")
    ] = None,
    sources: Annotated[
        list[Path] | None, typer.Argument(help="Images, folders of images, or a COCO file.")
    ] = None,
    input: options.Input = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", "--list", help="List what is found, write nothing.")
    ] = False,
    focus: Annotated[
        bool, typer.Option("--focus", help="With --dry-run: how sharp each plane is.")
    ] = False,
    pattern: Annotated[
        list[str] | None,
        typer.Option(help="Pattern of the images' names; several are tried in order.", **NAMES),
    ] = None,
    where: Annotated[
        list[str] | None,
        typer.Option(
            metavar="KEY=VALUE,...", help="Only images with this tag; repeatable.", **NAMES
        ),
    ] = None,
    tag: Annotated[
        list[str] | None,
        typer.Option(
            metavar="KEY=VALUE[:KEY=VALUE]",
            help="Tag of every image, or of those with another tag; repeatable.",
            **NAMES,
        ),
    ] = None,
    tag_table: Annotated[
        Path | None,
        typer.Option(help="CSV or JSON list with the tags of each image by name.", **NAMES),
    ] = None,
    split: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME:KEY=VALUE|NAME:SHARE",
            help="Part of the data set, e.g. val:position=14 or val:0.2; the rest is train.",
            **NAMES,
        ),
    ] = None,
    group: Annotated[
        list[str] | None,
        typer.Option(metavar="KEY", help="Tag that --split must not divide.", **NAMES),
    ] = None,
    seed: options.Seed = 0,
    channel: Annotated[
        list[str] | None,
        typer.Option(
            metavar="KEY=NAME",
            help="Name of a channel by its name or number, e.g. 1=brightfield; repeatable.",
            **PLANES,
        ),
    ] = None,
    channels: Annotated[
        str | None,
        typer.Option(metavar="LIST", help="Names of the channels, in order.", **PLANES),
    ] = None,
    keep_channels: Annotated[
        str | None, typer.Option(metavar="LIST", help="Only these channels, by name.", **PLANES)
    ] = None,
    modalities: Annotated[
        Literal["stack", "each"],
        typer.Option(help="All channels in an image, or an image each.", **PLANES),
    ] = "stack",
    planes: Annotated[
        Literal["stack", "each"],
        typer.Option(help="All z-planes in an image, or an image each.", **PLANES),
    ] = "stack",
    project: Annotated[
        Literal["median", "max", "mean", "focus"] | None,
        typer.Option(help="One plane made of the z-stack.", **PLANES),
    ] = None,
    split_columns: Annotated[
        int, typer.Option(min=1, help="Planes side by side in one picture.", **PLANES)
    ] = 1,
    split_rows: Annotated[
        int, typer.Option(min=1, help="Planes below each other in one picture.", **PLANES)
    ] = 1,
    split_as: Annotated[
        Literal["z", "channel"], typer.Option(help="What these planes are.", **PLANES)
    ] = "z",
    resize: Annotated[
        tuple[int, int] | None,
        typer.Option(min=1, help="New rows and columns, e.g. 512 512.", **PLANES),
    ] = None,
    axes: Annotated[
        str | None,
        typer.Option(help="Axes of the files, e.g. CYX, where they are ambiguous.", **PLANES),
    ] = None,
    pixel_size: Annotated[
        float | None,
        typer.Option(min=0, help="Micrometres per pixel, where files lack it.", **PLANES),
    ] = None,
    masks: Annotated[
        Path | None,
        typer.Option(help="Folder, COCO file or Label Studio export with the cells.", **CELLS),
    ] = None,
    mask_kind: Annotated[
        Literal["auto", "labels", "binary", "components", "outlines", "rois", "coco"],
        typer.Option(help="What the masks are; auto looks at them.", **CELLS),
    ] = "auto",
    mask_pattern: Annotated[
        str | None,
        typer.Option(help="Pattern of the mask files' names, to pair them.", **CELLS),
    ] = None,
    mask_tiles: Annotated[
        Literal["cells", "planes"] | None,
        typer.Option(help="What each tile of a mask picture holds: a cell or a plane.", **CELLS),
    ] = None,
    class_name: Annotated[
        str, typer.Option("--class", help="Class of the cells.", **CELLS)
    ] = "cell",
    quiet: options.Quiet = False,
    verbose: options.Verbose = 0,
) -> Any:
    """Turn images, with masks or without, into a data set."""
    given = options.inputs(sources, input)
    if output is None and not dry_run:
        raise typer.BadParameter("no output was given: name a folder with -o, or use --dry-run")
    options.key_values(tag, "--tag")
    options.key_values(where, "--where")
    options.key_values(channel, "--channel")
    from cellwright.steps.import_images import import_images

    result = import_images(
        given,
        output,
        masks=masks,
        mask_kind=mask_kind,
        mask_pattern=mask_pattern,
        mask_tiles=mask_tiles,
        pattern=tuple(pattern or ()),
        tags=tuple(tag or ()),
        tag_table=tag_table,
        where=tuple(where or ()),
        split=tuple(split or ()),
        group=tuple(group or ()),
        seed=seed,
        channels=_list(channels),
        channel=tuple(channel or ()),
        keep_channels=_list(keep_channels),
        modalities=modalities,
        planes=planes,
        project=project,
        split_columns=split_columns,
        split_rows=split_rows,
        split_as=split_as,
        resize=resize,
        axes=axes,
        pixel_size=pixel_size,
        class_name=class_name,
        dry_run=dry_run,
        focus=focus,
        quiet=quiet,
    )
    if not dry_run:
        return result
    for line in result.details["survey"].lines():
        say(line)
    if any(row.problem for row in result.details["survey"].rows):
        raise typer.Exit(1)
    return None


@command
def split(
    dataset: Annotated[Path, typer.Argument(help="A data set.")],
    split: Annotated[
        list[str],
        typer.Option(
            metavar="NAME:KEY=VALUE|NAME:SHARE",
            help="Part of the data set, e.g. val:position=14 or val:0.2; the rest is train.",
        ),
    ],
    group: Annotated[
        list[str] | None,
        typer.Option(metavar="KEY", help="Tag that must not be divided, instead of the field."),
    ] = None,
    seed: options.Seed = 0,
    quiet: options.Quiet = False,
    verbose: options.Verbose = 0,
) -> Any:
    """Divide a data set into train, val and test, field by field."""
    from cellwright.steps.split import split_dataset

    result = split_dataset(dataset, split=tuple(split), group=tuple(group or ()), seed=seed,
                           quiet=quiet)  # fmt: skip
    if not quiet:
        say(", ".join(f"{n} images {part}" for part, n in result.details["parts"].items()))
    return result


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
    arguments = options.settings(option, "--option")
    from cellwright.steps.label import label as step

    return step(given, output, segmenter=segmenter, options=arguments, quiet=quiet)


def _list(text: str | None) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.split(",")) if text else ()
