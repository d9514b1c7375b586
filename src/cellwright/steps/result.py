"""What a step hands back: where its output lies, what was done, skipped, and what failed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

FAILURES_NAME = "failures.json"


@dataclass(frozen=True, slots=True)
class Failure:
    """One input that could not be used, and why (one line)."""

    path: str
    message: str


@dataclass(frozen=True, slots=True)
class StepResult:
    """Outcome of a step over many inputs.

    Parameters
    ----------
    output
        The file or folder written.
    done
        Inputs worked on in this call.
    skipped
        Inputs whose result was already there.
    failed
        Inputs that could not be used.
    details
        Whatever else is worth a line: losses, thresholds, seconds per image ...
    """

    output: Path
    done: int = 0
    skipped: int = 0
    failed: tuple[Failure, ...] = ()
    details: Mapping[str, Any] = field(default_factory=dict)

    @property
    def ok(self) -> bool:
        """Whether nothing failed."""
        return not self.failed


def failures_path(output: Path | str) -> Path:
    """Where the failures of a step with this output are listed.

    In the folder for an output folder, beside the file for an output file
    (``scores.json`` -> ``scores.failures.json``).
    """
    output = Path(output)
    if output.is_dir() or not output.suffix:
        return output / FAILURES_NAME
    return output.with_name(f"{output.stem}.{FAILURES_NAME}")


def write_failures(output: Path | str, failed: Sequence[Failure]) -> Path | None:
    """List `failed` in a JSON beside `output`; without failures a list left earlier is removed.

    Returns
    -------
    Path or None
        The file written, None if there was nothing to write.
    """
    target = failures_path(output)
    if not failed:
        target.unlink(missing_ok=True)
        return None
    from cellwright.formats.atomic import write_json

    records = [{"path": f.path, "message": f.message} for f in failed]
    write_json({"schema_version": 1, "failed": records}, target)
    return target
