"""The command that makes a model of images alone."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from cellwright.cli import options
from cellwright.cli.outcome import command, say

EXAMPLES = (
    "cellwright zero-shot images/ -o model",
    "cellwright zero-shot images/ -o model --coarse region-growing --prompts sam-vit-b",
    "cellwright zero-shot images/ -o model --method maskrcnn --minutes 60",
)


@command
def zero_shot(
    output: options.Output,
    images: Annotated[
        list[Path] | None, typer.Argument(help="Images, folders of them, or a data set.")
    ] = None,
    input: options.Input = None,
    coarse: Annotated[str, typer.Option(help="Who finds the coarse cells.")] = "watershed",
    prompts: Annotated[
        str, typer.Option(help="Who draws the masks from prompts; none keeps the coarse cells.")
    ] = "none",
    rejected: Annotated[
        str,
        typer.Option(help="Cells left out: fill with background, or ignore their pixels."),
    ] = "fill",
    method: Annotated[str, typer.Option(help="What is trained: see cellwright methods.")] = (
        "unet-fast"
    ),
    option: Annotated[
        list[str] | None, typer.Option("--option", help="Argument of the method, key=value.")
    ] = None,
    minutes: Annotated[
        float, typer.Option(min=0.02, help="Of the first training; each round has half of it.")
    ] = 10.0,
    rounds: Annotated[int, typer.Option(min=0, help="Rounds of self-training at most.")] = 2,
    seed: options.Seed = 0,
    device: options.Device = "auto",
    jobs: options.Jobs = None,
    quiet: options.Quiet = False,
    verbose: options.Verbose = 0,
) -> Any:
    """Train a model on images alone: coarse cells, prompts, filter, training, self-training."""
    from cellwright.steps.zero_shot import zero_shot as step

    result = step(
        options.inputs(images, input), output, coarse=coarse, prompts=prompts,
        rejected=rejected, method=method, options=options.settings(option, "--option"),
        minutes=minutes, rounds=rounds, seed=seed, device=device, jobs=jobs, quiet=quiet,
    )  # fmt: skip
    if not quiet:
        for number, row in enumerate(result.details["rounds"]):
            mark = ", taken" if number == result.details["chosen"] else ""
            say(f"round {number}: held-out agreement {row['agreement']:.3f}{mark}")
            for reason, count in row["cells"].items():
                say(f"  {count:6d}  {reason if reason == 'kept' else 'left out: ' + reason}")
        say(f"report: {result.details['report']}")
    return result
