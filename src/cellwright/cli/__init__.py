"""The command ``cellwright``: thin subcommands, each of which calls one step."""

from __future__ import annotations

from collections.abc import Sequence


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line and leave with its exit code.

    Codes: 0 done, 1 failed or partly failed, 2 wrong use.
    """
    from cellwright.cli.app import app

    app(args=None if arguments is None else list(arguments))
