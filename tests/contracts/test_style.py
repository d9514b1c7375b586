"""Style and types, checked by the tools that check them for an author."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

LONGEST = 400
EMPTY_NAMES = {"utils", "util", "helpers", "helper", "misc", "common"}


def run(arguments: list[str], folder: Path) -> subprocess.CompletedProcess[str]:
    """A tool of this environment, run on the checkout."""
    command = [sys.executable, "-m", *arguments]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True)


def test_ruff(repository: Path) -> None:
    done = run(["ruff", "check", "--no-cache", "src", "tests"], repository)
    assert done.returncode == 0, done.stdout + done.stderr


def test_types(repository: Path, tmp_path: Path) -> None:
    done = run(["mypy", "--cache-dir", str(tmp_path)], repository)
    assert done.returncode == 0, done.stdout + done.stderr


def test_modules_are_named_by_content_and_short(repository: Path) -> None:
    modules = sorted((repository / "src").rglob("*.py"))
    assert len(modules) > 20
    assert not [m for m in modules if m.stem in EMPTY_NAMES]
    lengths = {m: len(m.read_text(encoding="utf-8").splitlines()) for m in modules}
    assert not [str(m) for m, n in lengths.items() if n > LONGEST]


def test_no_promises_in_the_source(repository: Path) -> None:
    words = ("TO" + "DO", "FIX" + "ME", "raise NotImplemented" + "Error")
    sources = {m: m.read_text(encoding="utf-8") for m in (repository / "src").rglob("*.py")}
    assert not [str(m) for m, text in sources.items() if any(w in text for w in words)]
