"""The command that opens the annotator's window."""

from __future__ import annotations

import os
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated

import typer

from cellwright.cli import options
from cellwright.cli.outcome import command
from cellwright.types import InputError


@command
def annotate(
    dataset: Annotated[Path, typer.Argument(help="A data set, with cells or without.")],
    segmenter: Annotated[
        str, typer.Option(help="Who answers the prompts: see cellwright methods.")
    ] = "region",
    author: Annotated[str | None, typer.Option(help="Who works; the name of the account.")] = None,
    policy: Annotated[
        str, typer.Option(help="Commits over earlier cells: allow, keep-pixels or keep-objects.")
    ] = "allow",
    classes: Annotated[
        str | None, typer.Option("--class", metavar="LIST", help="Classes of new cells, in order.")
    ] = None,
    field: Annotated[
        str | None, typer.Option(help="Field to begin with; the first that is not done.")
    ] = None,
    predictions: Annotated[
        list[Path] | None,
        typer.Option(help="Output of predict, to accept and correct; may be repeated."),
    ] = None,
    journal: Annotated[
        Path | None, typer.Option(help="Folder of the journal, if not the one in the data set.")
    ] = None,
    quiet: options.Quiet = False,
    verbose: options.Verbose = 0,
) -> None:
    """Make or correct ground truth by prompts in a window; every commit is on disk at once."""
    _check_window()
    from cellwright.label.session import LabelSession

    session = LabelSession.open(
        dataset, author=author, segmenter=segmenter, policy=policy, journal=journal,
        classes=tuple(c.strip() for c in classes.split(",")) if classes else (),
    )  # fmt: skip
    with session:
        for path in predictions or ():
            session.use_predictions(path)
        if field is not None:
            session.field(field)
        try:
            from cellwright.plugin.open_window import run
        except ImportError as error:
            raise InputError(
                f"Qt could not be loaded ({error}); on Debian and Ubuntu 'apt-get install "
                "libegl1 libgl1 libxkbcommon-x11-0 libxcb-cursor0' gets the libraries it needs"
            ) from error
        run(session, field=field)


def _check_window() -> None:
    """Raise InputError where no window can be opened."""
    bindings = ("PyQt6", "PySide6", "PyQt5")
    if not find_spec("napari") or not any(find_spec(name) for name in bindings):
        raise InputError(
            "the annotator needs napari and Qt, which are not installed; "
            'pip install "cellwright[napari]" gets them'
        )
    displays = ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM")
    if sys.platform.startswith("linux") and not any(os.environ.get(name) for name in displays):
        raise InputError(
            "there is no display to open a window on; work at the machine itself, use ssh -X, or "
            "try it with xvfb-run"
        )
