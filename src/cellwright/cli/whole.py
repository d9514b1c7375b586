"""Commands that run the whole flow: demo, run."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from cellwright.cli import options
from cellwright.cli.outcome import command, say


@command
def demo(
    output: Annotated[Path, typer.Option("-o", "--output", help="Folder of the tour.")] = Path(
        "demo"
    ),
    images: Annotated[
        Path | None, typer.Option(help="Your images; without them a plate is simulated.")
    ] = None,
    minutes: Annotated[float, typer.Option(min=0.05, help="Time given to training.")] = 2.0,
    device: options.Device = "auto",
    seed: options.Seed = 0,
    quiet: options.Quiet = False,
    verbose: options.Verbose = 0,
) -> Any:
    """Run the whole loop, from images to a report, in a few minutes."""
    from cellwright.steps.demo import demo as step

    result = step(output, images=images, minutes=minutes, device=device, seed=seed, quiet=quiet)
    say(f"report: {result.details['report']}")
    return result


@command
def run(
    recipe: Annotated[Path, typer.Argument(help="A recipe, as those in recipes/.")],
    output: options.Output,
    quick: Annotated[bool, typer.Option("--quick", help="The recipe's small form.")] = False,
    device: options.Device = "auto",
    quiet: options.Quiet = False,
    verbose: options.Verbose = 0,
) -> Any:
    """Run a recipe: data, label, train, predict, evaluate, report; done stages are kept."""
    from cellwright.experiment.run import run as step

    result = step(recipe, output, quick=quick, device=device, quiet=quiet)
    for name in ("report", "table"):
        if result.details[name]:
            say(f"{name}: {result.details[name]}")
    return result
