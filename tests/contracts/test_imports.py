"""Levels of modules, and what importing the package costs."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

import cellwright

HEAVY = {"torch", "lightning", "skimage", "matplotlib", "pandas", "zarr", "scipy", "numpy", "qtpy"}


def loaded_by(code: str) -> set[str]:
    """Top-level modules in memory after `code` ran in a fresh interpreter."""
    program = f"import sys\ntry:\n    {code}\nexcept SystemExit:\n    pass\n"
    program += "print('\\nLOADED', *{name.partition('.')[0] for name in sys.modules})"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return set(done.stdout.rpartition("LOADED")[2].split())


def test_levels_hold(repository: Path) -> None:
    program = "from importlinter.cli import lint_imports_command; lint_imports_command()"
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=repository,
        capture_output=True,
        text=True,
        env={**os.environ, "COLUMNS": "100"},
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "0 broken" in done.stdout


@pytest.mark.parametrize(
    "code",
    [
        "import cellwright",
        "from cellwright.cli import main; main(['--help'])",
        "from cellwright.cli import main; main(['train', '--help'])",
        "from cellwright.cli import main; main(['predict', 'a', '--format', 'x'])",
        "from cellwright.cli import main; main(['translate', '--help'])",
    ],
)
def test_light_imports(code: str) -> None:
    heavy = HEAVY - ({"numpy"} if "cli" in code else set())
    assert not loaded_by(code) & heavy


@pytest.mark.parametrize("name", cellwright.__all__)
def test_public_names(name: str) -> None:
    value = getattr(cellwright, name)
    assert name in dir(cellwright)
    if name != "__version__":
        assert callable(value)
        assert value.__doc__


def test_a_call_keeps_its_name_beside_its_subpackage() -> None:
    import importlib

    for name in ("train", "label", "report", "evaluate", "predict"):
        importlib.import_module(f"cellwright.{name}")
        assert callable(getattr(cellwright, name))


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="segmentate"):
        cellwright.segmentate  # noqa: B018
