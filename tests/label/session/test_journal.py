"""Records that are checked, files that are cut off, damaged or cannot be written."""

from __future__ import annotations

import errno
import logging
import os
import resource
import shutil
import signal
import time
from pathlib import Path

import pytest

from cellwright.label.session import journal as module
from cellwright.label.session.journal import Journal, seal, unseal
from cellwright.types import InputError


def bodies(count: int, start: int = 0) -> list[dict]:
    return [{"op": "note", "field": "a", "set": {"n": n}} for n in range(start, start + count)]


def values(folder: Path, **options: bool) -> list[int]:
    found = Journal(folder, author="reader", **options).read()
    return [r.body["set"]["n"] for r in found if r.body["op"] == "note"]


def written(folder: Path, count: int) -> Path:
    one = Journal(folder, author="ann")
    for body in bodies(count):
        one.append([body])
    one.close()
    return one.path


def test_a_record_comes_back() -> None:
    body = {"op": "x", "text": 'ü "quoted" \\ \n line', "n": [1, 2.5, None, True]}
    line = seal(body)
    assert line.endswith(b"\n")
    assert line.count(b"\n") == 1
    assert unseal(line) == body


def test_a_record_of_which_any_byte_is_wrong_or_missing_is_refused() -> None:
    line = seal({"op": "change", "cells": [1, 2], "name": "é"})
    for cut in range(len(line)):
        with pytest.raises(ValueError, match=r"cut off|fit|invalid literal"):
            unseal(line[:cut])
    for place in range(len(line)):
        broken = bytearray(line)
        broken[place] ^= 1
        with pytest.raises(ValueError, match=r"cut off|fit|invalid literal"):
            unseal(bytes(broken))


def test_nothing_is_written_before_the_first_record(tmp_path: Path) -> None:
    one = Journal(tmp_path / "journal", author="ann")
    assert one.read() == []
    assert not (tmp_path / "journal").exists()
    one.append(bodies(1))
    assert one.path.name.split("-")[1] == "ann"
    assert values(tmp_path / "journal") == [0]


def test_wherever_a_kill_cuts_the_last_line_the_earlier_ones_are_there(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = written(tmp_path, 3)
    whole = path.read_bytes()
    last = whole.rstrip(b"\n").rfind(b"\n") + 1
    for cut in range(last, len(whole)):
        path.write_bytes(whole[:cut])
        caplog.clear()
        assert values(tmp_path) == [0, 1]
        assert ("not whole" in caplog.text) == (cut > last)
    path.write_bytes(whole[:last] + b"\0" * 300)  # what a power cut may leave
    assert values(tmp_path) == [0, 1]
    path.write_bytes(whole)
    assert values(tmp_path) == [0, 1, 2]


def test_a_damaged_line_within_a_file_is_named_and_can_be_left_out(tmp_path: Path) -> None:
    path = written(tmp_path, 4)
    lines = path.read_bytes().splitlines(keepends=True)
    lines[2] = lines[2].replace(b'"n":1', b'"n":7')
    path.write_bytes(b"".join(lines))
    before = path.read_bytes()
    with pytest.raises(InputError, match=r"line 3 is damaged.*backup") as told:
        values(tmp_path)
    assert path.name in str(told.value)
    assert values(tmp_path, skip_damaged=True) == [0, 2, 3]
    assert path.read_bytes() == before


def test_a_journal_of_a_later_version_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "SCHEMA", 2)
    written(tmp_path, 1)
    monkeypatch.setattr(module, "SCHEMA", 1)
    with pytest.raises(InputError, match="later version"):
        values(tmp_path)


def test_a_copy_of_a_file_counts_once(tmp_path: Path) -> None:
    path = written(tmp_path, 3)
    shutil.copy(path, path.with_name("conflicting copy.jsonl"))
    assert values(tmp_path) == [0, 1, 2]
    reader = Journal(tmp_path, author="bob")
    assert len(reader.read()) == 4
    shutil.copy(path, path.with_name("another copy.jsonl"))
    assert reader.read() == []


def test_the_clock_never_goes_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = Journal(tmp_path, author="ann")
    first.append(bodies(1))
    monkeypatch.setattr(time, "time_ns", lambda: 5_000)
    second = Journal(tmp_path, author="bob")
    second.read()
    second.append(bodies(1, 1))
    first.append(bodies(1, 2))
    assert values(tmp_path) in ([0, 1, 2], [0, 2, 1])
    assert values(tmp_path)[0] == 0


def test_what_another_session_is_just_writing_is_read_when_it_is_whole(tmp_path: Path) -> None:
    reader = Journal(tmp_path, author="bob")
    path = written(tmp_path, 2)
    whole = path.read_bytes()
    path.write_bytes(whole[:-20])
    assert [r.body.get("set") for r in reader.read()][1:] == [{"n": 0}]
    assert reader.read() == []
    path.write_bytes(whole)
    assert [r.body["set"] for r in reader.read()] == [{"n": 1}]


def test_a_full_disk_loses_nothing_and_the_same_call_works_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = Journal(tmp_path, author="ann")
    one.append(bodies(2))
    real = os.write

    def full(handle: int, data: bytes) -> int:
        if len(data) > 10:
            return real(handle, bytes(data[:10]))
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "write", lambda h, d: real(h, d[:10]) if len(d) > 30 else full(h, d))
    for _ in range(2):
        with pytest.raises(OSError, match=r"No space left.*nothing was committed") as told:
            one.append(bodies(1, 2))
        assert told.value.errno == errno.ENOSPC
        assert values(tmp_path) == [0, 1]
    monkeypatch.undo()
    one.append(bodies(1, 2))
    assert values(tmp_path) == [0, 1, 2]
    assert all(unseal(x) for x in one.path.read_bytes().splitlines(keepends=True))


def test_a_record_that_cannot_be_synced_does_not_count(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = Journal(tmp_path, author="ann")
    one.append(bodies(1))

    def broken(handle: int) -> None:
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(os, "fsync", broken)
    with pytest.raises(OSError, match="nothing was"):
        one.append(bodies(1, 1))
    monkeypatch.undo()
    one.append(bodies(1, 2))
    assert values(tmp_path) == [0, 2]


def test_a_folder_that_cannot_be_written_says_so(tmp_path: Path) -> None:
    (tmp_path / "journal").write_text("a file is in the way")
    one = Journal(tmp_path / "journal", author="ann")
    assert one.read() == []
    with pytest.raises(OSError, match=r"could not be written.*try again"):
        one.append(bodies(1))


def test_a_real_limit_of_the_file_size_leaves_whole_records(tmp_path: Path) -> None:
    child = os.fork()
    if not child:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (1500, 1500))
        one, done = Journal(tmp_path, author="ann"), 0
        try:
            while done < 100:
                one.append(bodies(1, done))
                done += 1
        except OSError:
            os._exit(done)
        os._exit(200)
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    assert 2 < code < 100
    assert values(tmp_path) == list(range(code))


def test_one_line_in_the_log_per_torn_file(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = written(tmp_path, 2)
    path.write_bytes(path.read_bytes()[:-5])
    reader = Journal(tmp_path)
    with caplog.at_level(logging.WARNING):
        for _ in range(3):
            reader.read()
    assert len([r for r in caplog.records if "not whole" in r.message]) == 1


def test_files_that_a_system_left_are_passed_over(tmp_path: Path) -> None:
    path = written(tmp_path, 2)
    path.with_name("._" + path.name).write_bytes(b"\0\5\26\7\0\n\0\n")
    assert values(tmp_path) == [0, 1]
