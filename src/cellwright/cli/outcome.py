"""From what a step hands back, or raises, to lines on the terminal and an exit code."""

from __future__ import annotations

import functools
import logging
import sys
from collections.abc import Callable
from typing import Any

import typer
from rich.console import Console

from cellwright.steps.result import StepResult, failures_path
from cellwright.types import InputError

SHOWN = 5


def command(function: Callable[..., Any]) -> Callable[..., None]:
    """Wrap the body of a command: log level, one-line errors, summary, exit code.

    Bad input is one red line and exit code 1; other errors show their traceback only with ``-v``.
    """

    @functools.wraps(function)
    def body(*args: Any, **options: Any) -> None:
        verbose, quiet = int(options.get("verbose", 0)), bool(options.get("quiet", False))
        _set_log_level(verbose, quiet)
        try:
            outcome = function(*args, **options)
        except InputError as error:
            fail(str(error))
        except KeyboardInterrupt:
            fail("stopped; what was finished is kept", code=130)
        except (typer.BadParameter, typer.Exit):
            raise
        except Exception as error:
            if verbose:
                raise
            fail(f"{type(error).__name__}: {error} (-v shows where)")
        else:
            if isinstance(outcome, StepResult):
                summarise(outcome, quiet=quiet)

    return body


def summarise(result: StepResult, *, quiet: bool) -> None:
    """Say what was done and where it lies; leave with 1 if a part failed."""
    if not quiet:
        counts = [f"{result.done} done"]
        counts += [f"{result.skipped} already there"] if result.skipped else []
        counts += [f"{len(result.failed)} failed"] if result.failed else []
        say(f"{', '.join(counts)}: {result.output}")
    if not result.failed:
        return
    for failure in result.failed[:SHOWN]:
        head = "" if failure.message.startswith(failure.path) else f"{failure.path}: "
        _error_line(head + failure.message)
    more = len(result.failed) - SHOWN
    listed = f"all are listed in {failures_path(result.output)}"
    _error_line(f"and {more} more; {listed}" if more > 0 else listed)
    raise typer.Exit(1)


def say(text: str) -> None:
    """One plain line on stdout."""
    Console(soft_wrap=True, highlight=False, markup=False).print(text)


def fail(message: str, *, code: int = 1) -> None:
    """One red line on stderr, then leave."""
    _error_line(f"error: {message}")
    raise typer.Exit(code)


def _error_line(text: str) -> None:
    line = " ".join(text.split())
    Console(stderr=True, soft_wrap=True, highlight=False, markup=False).print(line, style="red")


def _set_log_level(verbose: int, quiet: bool) -> None:
    level = logging.ERROR if quiet else logging.WARNING
    if verbose:
        level = logging.INFO if verbose == 1 else logging.DEBUG
    logging.basicConfig(stream=sys.stderr, format="%(levelname)s %(name)s: %(message)s", force=True)
    logging.getLogger().setLevel(logging.ERROR if quiet else logging.WARNING)
    logging.getLogger("cellwright").setLevel(level)
    logging.captureWarnings(True)
    logging.getLogger("py.warnings").setLevel(logging.WARNING if verbose else logging.ERROR)
