"""Other sessions are seen while they live, and not for longer."""

from __future__ import annotations

import json
import os
import signal
import time
from pathlib import Path

from cellwright.label.session.presence import STALE, Beacon, others


def test_a_session_that_was_killed_is_gone_at_once(tmp_path: Path) -> None:
    reading, writing = os.pipe()
    child = os.fork()
    if not child:
        Beacon(tmp_path / "x.open", author="ann").show(["a", "b"])
        os.write(writing, b"1")
        time.sleep(60)
        os._exit(0)
    os.read(reading, 1)
    (found,) = others(tmp_path, tmp_path / "own.open")
    assert (found.author, found.pid, found.fields) == ("ann", child, ("a", "b"))
    assert str(found).startswith("ann on ")
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    assert others(tmp_path, tmp_path / "own.open") == []
    assert not list(tmp_path.iterdir())


def test_a_session_on_another_machine_lives_while_its_file_is_touched(tmp_path: Path) -> None:
    path = tmp_path / "y.open"
    about = {"author": "bob", "host": "elsewhere", "pid": 1, "since": 0.0, "fields": ["a"]}
    path.write_text(json.dumps(about))
    assert [p.author for p in others(tmp_path, tmp_path / "own.open")] == ["bob"]
    old = time.time() - STALE - 5
    os.utime(path, (old, old))
    assert others(tmp_path, tmp_path / "own.open") == []
    assert not path.exists()


def test_files_that_say_nothing_are_passed_over(tmp_path: Path) -> None:
    (tmp_path / "z.open").write_text("{")
    (tmp_path / ".part-y.open").write_text("")
    assert others(tmp_path, tmp_path / "own.open") == []
    assert (tmp_path / "z.open").exists()
    old = time.time() - STALE - 5
    os.utime(tmp_path / "z.open", (old, old))
    assert others(tmp_path, tmp_path / "own.open") == []
    assert [p.name for p in tmp_path.iterdir()] == [".part-y.open"]


def test_the_fields_that_are_shown_change(tmp_path: Path) -> None:
    beacon = Beacon(tmp_path / "x.open", author="ann")
    beacon.show(["a long name of a field", "b"])
    beacon.show(["c"])
    assert others(tmp_path, tmp_path / "own.open")[0].fields == ("c",)
    assert others(tmp_path, tmp_path / "x.open") == []
    beacon.close()
    assert not list(tmp_path.iterdir())
    beacon.close()


def test_a_folder_that_cannot_be_written_is_no_hindrance(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    Beacon(tmp_path / "file" / "x.open", author="ann").show(["a"])
    assert others(tmp_path / "file", tmp_path / "x.open") == []
