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
models_app = typer.Typer(no_args_is_help=True, help="Published models: fetch, list.")


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
    """List the published models: here or not, size, licence, what they were trained on."""
    from cellwright.fetch import show_size
    from cellwright.steps.fetch import published_models

    for record in published_models():
        sizes = [file.size for file in record.files]
        whole = None if None in sizes else sum(size or 0 for size in sizes)
        here = "here" if record.is_here else show_size(whole)
        checked = "SHA-256 known" if record.verified else "unverified"
        say(
            f"{record.name:22} {here:12} {checked:14} {record.licence:11} {record.summary}; "
            f"trained on {record.trained_on}"
        )


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
