"""The command that counts FISH signals and calls cells."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from cellwright.cli import options
from cellwright.cli.outcome import command, say

EXAMPLES = (
    "cellwright fish frames/ -o out --probes ch1=3p22.1,ch2=3q29,ch3=10q22.3,ch4=CEP10",
    "cellwright fish frames/ -o out --probes ch1=3p22.1,ch2=3q29 --rule katz2010 --volume-ul 100",
    'cellwright fish planes/ -o out --pattern "{position}_{channel}" --probes green=3q29',
    "cellwright fish frames/ -o out --probes ch1=3p22.1,ch2=3q29 --nuclei masks/",
    "cellwright fish -o out --overrule calls.csv --volume-ul 100",
)


@command
def fish(
    output: options.Output,
    images: Annotated[
        list[Path] | None,
        typer.Argument(help="Images of nuclei and probes, folders, or a data set."),
    ] = None,
    input: options.Input = None,
    probes: Annotated[
        list[str] | None,
        typer.Option(
            metavar="CHANNEL=PROBE,...",
            help="Which channel carries which probe: by name, or number from 0 (ch1 is the "
            "second). The kit says it.",
        ),
    ] = None,
    rule: Annotated[
        str, typer.Option(help="four-colour, katz2010, or a TOML file.")
    ] = "four-colour",
    nucleus_channel: Annotated[
        str | None,
        typer.Option(help="Name or number (from 0) of the nuclei; else DAPI, Hoechst, the first."),
    ] = None,
    model: Annotated[
        Path | None, typer.Option("-m", "--model", help="Model that finds the nuclei.")
    ] = None,
    nuclei: Annotated[
        Path | None,
        typer.Option(help="Nuclei that are there: data set, or folder of label images."),
    ] = None,
    segmenter: options.Segmenter = "watershed",
    option: Annotated[
        list[str] | None,
        typer.Option("--option", metavar="KEY=VALUE", help="Setting of the segmenter; repeated."),
    ] = None,
    detector: Annotated[
        Literal["log", "spotiflow"],
        typer.Option(help="What finds signals; spotiflow is the extra spots."),
    ] = "log",
    spot_width: Annotated[
        float | None,
        typer.Option(help="Standard deviation of a signal in um (px without pixel size)."),
    ] = None,
    threshold: Annotated[
        list[str] | None,
        typer.Option(
            "--threshold", metavar="PROBE=VALUE", help="Least response over noise; repeated."
        ),
    ] = None,
    pattern: Annotated[
        list[str] | None,
        typer.Option("--pattern", help="Pattern of file names with {channel}, as in import."),
    ] = None,
    channel: Annotated[
        list[str] | None,
        typer.Option("--channel", metavar="KEY=NAME", help="Name of a channel, as in import."),
    ] = None,
    pixel_size: Annotated[
        float | None, typer.Option(min=0, help="Micrometres, instead of what the files say.")
    ] = None,
    sample_tag: Annotated[
        str | None, typer.Option(help="Tag that tells samples apart; else all are one sample.")
    ] = None,
    volume_ul: Annotated[
        float | None, typer.Option(min=0, help="Microlitres of blood of each sample.")
    ] = None,
    overrule: Annotated[
        Path | None,
        typer.Option(metavar="CSV", help="Columns image, cell, call: saved by the gallery; kept."),
    ] = None,
    device: options.Device = "auto",
    quiet: options.Quiet = False,
    verbose: options.Verbose = 0,
) -> Any:
    """Count FISH signals per nucleus and call abnormal cells (research software)."""
    given = [*(images or ()), *(input or ())]
    if given and not probes:
        raise typer.BadParameter("--probes CHANNEL=PROBE,... is wanted, such as ch1=3p22.1")
    by_hand = {}
    for name, value in options.key_values(threshold, "--threshold"):
        try:
            by_hand[name] = float(value)
        except ValueError as error:
            raise typer.BadParameter(
                f"--threshold {name}={value} came: a number is wanted, such as {name}=8"
            ) from error
    from cellwright.steps.fish import fish as step
    from cellwright.steps.fishing.totals import DISCLAIMER

    result = step(
        given or None,
        output,
        probes=probes,
        rule=rule,
        nucleus_channel=nucleus_channel,
        model=model,
        nuclei=nuclei,
        segmenter=segmenter,
        options=options.settings(option, "--option"),
        detector=detector,
        spot_width=spot_width,
        thresholds=by_hand,
        pattern=pattern,
        channel=channel or (),
        pixel_size=pixel_size,
        sample_tag=sample_tag,
        volume_ul=volume_ul,
        overrule=overrule,
        device=device,
        quiet=quiet,
    )
    if not quiet and "cells" in result.details:
        found = result.details
        say(", ".join(f"{count} {name}" for name, count in found["cells"].items()))
        for name, sentence in found["samples"].items():
            say(f"{name}: {sentence}")
        say(f"gallery: {found['gallery']}")
        say(DISCLAIMER)
    return result
