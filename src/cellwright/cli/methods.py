"""The command that lists what can be trained and what labels, and tells of one method."""

from __future__ import annotations

import inspect
import sys
from typing import Annotated, Any

import typer

from cellwright.cli import options
from cellwright.cli.outcome import command, say


@command
def methods(
    name: Annotated[
        str | None, typer.Argument(help="A method: its paper, deviations, options and defaults.")
    ] = None,
    quiet: options.Quiet = False,
    verbose: options.Verbose = 0,
) -> Any:
    """List what can be trained (--method), what labels without training, and what by prompts."""
    from cellwright.label.prompting import PROMPT_SEGMENTERS
    from cellwright.label.segmenters import SEGMENTERS
    from cellwright.zoo.builders import METHODS, entry

    if name is not None:
        return _tell(entry(name))
    width = max(len(m.name) for m in METHODS)
    for method in METHODS:
        say(f"--method     {method.name:{width}} {method.summary} [{method.paper}]")
    for segmenter in SEGMENTERS:
        say(f"--segmenter  {segmenter.name:{width}} {segmenter.summary}")
    for prompts in PROMPT_SEGMENTERS:
        got = "after cellwright models fetch; " if prompts.needs_download else ""
        say(f"by prompts   {prompts.name:{width}} {got}{prompts.summary}")
    return None


def _tell(known: Any) -> None:
    """All that is known of one method."""
    head = inspect.getdoc(sys.modules[known.build.__module__]) or ""
    say(f"{known.name}: {known.summary} [{known.paper}]\n\n{head}\n")
    say(inspect.getdoc(known.build) or "")
    say("\nOptions (--option KEY=VALUE) and their defaults:")
    for key, parameter in inspect.signature(known.build).parameters.items():
        if key not in ("inputs", "class_names"):
            say(f"  {key} = {parameter.default!r}")
    if known.training:
        say("\nTrained, unless told otherwise, with:")
        for key, value in known.training.items():
            say(f"  {key} = {value!r}")
