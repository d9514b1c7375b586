"""The command ``cellwright``: thin subcommands, each of which calls one step."""

from __future__ import annotations

import os
from collections.abc import Sequence


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line and leave with its exit code.

    Codes: 0 done, 1 failed or partly failed, 2 wrong use.
    """
    # Threads that spin while they wait make a training step 20 times slower as soon as another
    # process wants the same cores (4.5 s instead of 0.22 s on two cores; 0.7 s when they sleep).
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    from cellwright.cli.app import app

    app(args=None if arguments is None else list(arguments))
