"""Atomic writes: the whole thing or what was there before."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from cellwright.formats.atomic import atomic_path, remove_parts, write_json, write_text


def test_a_failed_write_leaves_what_was_there(tmp_path: Path) -> None:
    target = tmp_path / "deep" / "a.json"
    write_json({"a": "µm"}, target)
    with pytest.raises(TypeError), atomic_path(target) as part:
        part.write_text(7)  # type: ignore[arg-type]
    assert json.loads(target.read_text("utf-8")) == {"a": "µm"}
    with pytest.raises(ValueError, match="JSON"):
        write_json({"a": float("nan")}, target)
    assert [p.name for p in target.parent.iterdir()] == ["a.json"]
    write_text("new", target)
    assert target.read_text() == "new"


def test_folders_are_replaced_as_a_whole(tmp_path: Path) -> None:
    target = tmp_path / "set"
    for name in ("one", "two"):
        with atomic_path(target) as part:
            (part / "inner").mkdir(parents=True)
            (part / "inner" / name).write_text(name)
    assert [p.name for p in target.rglob("*")] == ["inner", "two"]
    assert [p.name for p in tmp_path.iterdir()] == ["set"]


def test_what_a_kill_leaves_can_be_cleared(tmp_path: Path) -> None:
    (tmp_path / ".part-1-a.tif").write_text("x")
    (tmp_path / ".part-2-a.zarr").mkdir()
    (tmp_path / "a.tif").write_text("x")
    remove_parts(tmp_path)
    assert [p.name for p in tmp_path.iterdir()] == ["a.tif"]
