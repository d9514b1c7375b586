"""Commands that bring public data sets and published models here, after asking."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from cellwright.cli import options
from cellwright.cli.outcome import command, say

Yes = Annotated[bool, typer.Option("-y", "--yes", help="Download without asking.")]

data_app = typer.Typer(no_args_is_help=True, help="Public data sets: fetch, list.")
models_app = typer.Typer(
    no_args_is_help=True,
    help="Models that ship, and published ones: list, show, fetch, export.",
)


@command
def fetch_data(
    name: Annotated[str, typer.Argument(help="livecell or dsb2018; see data list.")],
    output: Annotated[
        Path | None, typer.Option("-o", "--output", help="Folder; the cache folder if not given.")
    ] = None,
    yes: Yes = False,
    quiet: options.Quiet = False,
    verbose: options.Verbose = 0,
) -> Any:
    """Download a public data set, once its sizes and licence were shown."""
    from cellwright.datasets import dataset
    from cellwright.steps.fetch import dataset_offer

    offer = dataset_offer(name, output)
    result = _fetch(offer, yes=yes, quiet=quiet)
    if not quiet:
        for line in dataset(name).use:
            say(f"next: {line.format(folder=offer.folder)}")
    return result


@command
def list_data(quiet: options.Quiet = False, verbose: options.Verbose = 0) -> Any:
    """List the data sets that can be fetched."""
    from cellwright.datasets import DATASETS

    for record in DATASETS:
        say(f"{record.name:12} {record.summary}; {record.licence}")


@command
def fetch_model(
    name: Annotated[str, typer.Argument(help="A name of models list.")],
    yes: Yes = False,
    quiet: options.Quiet = False,
    verbose: options.Verbose = 0,
) -> Any:
    """Download a published model, once its size and licence were shown."""
    from cellwright.steps.fetch import model_offer

    return _fetch(model_offer(name), yes=yes, quiet=quiet)


@command
def list_models(quiet: options.Quiet = False, verbose: options.Verbose = 0) -> Any:
    """List the models that ship and the published ones: size, licence, training data."""
    from cellwright.fetch import show_size
    from cellwright.steps.fetch import published_models
    from cellwright.zoo.shipped import SHIPPED

    for model in SHIPPED:
        size = show_size((model.folder / "model.safetensors").stat().st_size)
        say(
            f"{model.name:22} ships, {size:5} {'SHA-256 known':14} {model.licence:11} "
            f"{model.summary}; trained on {model.trained_on}"
        )
    for record in published_models():
        sizes = [file.size for file in record.files]
        whole = None if None in sizes else sum(size or 0 for size in sizes)
        here = "here" if record.is_here else show_size(whole)
        checked = "SHA-256 known" if record.verified else "unverified"
        say(
            f"{record.name:22} {here:12} {checked:14} {record.licence:11} {record.summary}; "
            f"trained on {record.trained_on}"
        )


@command
def show_model(
    name: Annotated[str, typer.Argument(help="A model that ships, such as nuclei.")],
    quiet: options.Quiet = False,
    verbose: options.Verbose = 0,
) -> Any:
    """Print the page of a model that ships: data, licence, recipe, scores, limits."""
    from cellwright.types import InputError
    from cellwright.zoo.shipped import SHIPPED, shipped

    found = shipped(name)
    if found is None:
        raise InputError(
            f"no model {name!r} ships; those that do are {', '.join(m.name for m in SHIPPED)}"
        )
    say(found.card.rstrip())


@command
def export_model(
    model: Annotated[Path, typer.Argument(help="A model folder.")],
    output: options.Output,
    diameter: Annotated[
        float | None,
        typer.Option(min=1, help="Typical diameter in pixels of the training cells, to be kept."),
    ] = None,
    quiet: options.Quiet = False,
    verbose: options.Verbose = 0,
) -> Any:
    """Write a model folder anew for others: half the bytes, no paths of this machine."""
    from cellwright.steps.export import export_model as step

    return step(model, output, diameter=diameter)


def _fetch(offer: Any, *, yes: bool, quiet: bool) -> Any:
    """Show what would come, ask, fetch."""
    from cellwright.steps.fetch import fetch
    from cellwright.types import InputError

    if not quiet:
        for line in offer.lines():
            say(line)
    if offer.missing() and not yes:
        if not sys.stdin.isatty():
            raise InputError("nothing was downloaded: look at size and licence, then add --yes")
        if not typer.confirm("Download?"):
            raise typer.Exit(1)
    return fetch(offer, quiet=quiet)


def _example(*lines: str) -> str:
    return "\n\n".join(("Examples:", *lines))


data_app.command("fetch", epilog=_example("cellwright data fetch dsb2018 -o dsb2018"))(fetch_data)
data_app.command("list")(list_data)
models_app.command("fetch", epilog=_example("cellwright models fetch sam-vit-b"))(fetch_model)
models_app.command("list")(list_models)
models_app.command("show", epilog=_example("cellwright models show nuclei"))(show_model)
models_app.command("export", epilog=_example("cellwright models export model -o small"))(
    export_model
)
