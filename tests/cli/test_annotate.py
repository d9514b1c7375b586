"""The command ``annotate`` says what is missing before it opens a window."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from cellwright.cli import annotate
from cellwright.cli.app import app


def test_without_napari_it_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(annotate, "find_spec", lambda name: None)
    result = CliRunner().invoke(app, ["annotate", str(tmp_path)])
    assert result.exit_code == 1
    assert 'pip install "cellwright[napari]"' in result.stderr


def test_without_a_display_it_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(annotate, "find_spec", lambda name: object())
    monkeypatch.setattr(annotate.sys, "platform", "linux")
    for name in ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM"):
        monkeypatch.delenv(name, raising=False)
    result = CliRunner().invoke(app, ["annotate", str(tmp_path)])
    assert result.exit_code == 1
    assert "display" in result.stderr


def test_a_wrong_data_set_is_told_before_a_window_opens(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(annotate, "find_spec", lambda name: object())
    monkeypatch.setenv("QT_QPA_PLATFORM", "offscreen")
    result = CliRunner().invoke(app, ["annotate", str(tmp_path)])
    assert result.exit_code == 1
    assert "no data set" in result.stderr
