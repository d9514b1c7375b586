"""Sessions that are killed: what was committed is there, and nothing is half written."""

from __future__ import annotations

import os
import random
import signal
import struct
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from cellwright.label.session import Field, LabelSession
from cellwright.label.session.journal import unseal
from cellwright.types import Instances, Prompts

KILLS = 200
TOLD = struct.Struct("<q")


def seen(field: Field) -> list[tuple]:
    cells = field.cells()
    return [
        (dict(t), b.tolist(), m.tobytes(), int(c))
        for t, b, m, c in zip(cells.tags, cells.boxes, cells.masks, cells.classes, strict=True)
    ]


def fork(work: Callable[[int], None]) -> tuple[int, int]:
    """A child that does `work` with the writing end of a pipe; its id and the reading end."""
    reading, writing = os.pipe()
    child = os.fork()
    if not child:
        os.close(reading)
        try:
            work(writing)
        finally:
            os._exit(1)
    os.close(writing)
    return child, reading


def kill(child: int, reading: int) -> bytes:
    """Kill the child and read what it told before."""
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    told = b""
    while part := os.read(reading, 1 << 16):
        told += part
    os.close(reading)
    return told


def test_a_session_that_is_killed_is_found_as_it_was(
    plate: Path, truth: list[Instances], square: Callable[..., np.ndarray]
) -> None:
    boxes = [tuple(map(float, b)) for b in truth[0].boxes]
    state = plate.parent / "state.txt"

    def work(writing: int) -> None:
        field = LabelSession.open(plate, author="ann", segmenter="region").field("field_0000")
        ids = [field.commit(field.preview(Prompts(box=b), plane=1)) for b in boxes]
        extra = field.commit(square(2, 2, 12), class_name="Dead")
        field.edit.erase(extra, square(2, 2, 4))
        field.edit.paint(ids[0], square(60, 60))
        field.edit.split(extra, markers=[(4, 11), (12, 4)])
        field.edit.delete(ids[-1])
        field.edit.tag(ids[0], alive=False)
        field.undo(), field.undo()
        field.mark(done=True, route="median")
        state.write_text(repr((seen(field), field.can_undo, field.can_redo)))
        os.write(writing, b"ready")
        while True:
            time.sleep(1)

    child, reading = fork(work)
    assert os.read(reading, 5) == b"ready"
    kill(child, reading)
    with LabelSession.open(plate, author="ann") as session:
        field = session.field("field_0000")
        assert field.others == []
        assert repr((seen(field), field.can_undo, field.can_redo)) == state.read_text()
        assert len(field.cells()) == len(boxes) + 2
        assert (field.done, field.route) == (True, "median")
        assert [field.redo(), field.redo(), field.redo()] == ["delete", "tag", None]
        assert len(field.cells()) == len(boxes) + 1


def place(number: int) -> tuple[int, int, int]:
    return number % 60, number * 7 % 70, 3 + number % 5


def test_no_committed_cell_is_lost_in_two_hundred_kills(
    plate: Path, square: Callable[..., np.ndarray]
) -> None:
    rng = random.Random(5)
    begun = time.perf_counter()
    promised: dict[int, int] = {}

    def work(writing: int) -> None:
        with LabelSession.open(plate, author="ann") as session:
            field = session.field(f"field_000{turn % 3}")
            number = turn * 10_000
            while True:
                id = field.commit(square(*place(number)), tags={"number": number})
                if number % 3 == 0:
                    field.edit.tag(id, seen=True)
                os.write(writing, TOLD.pack(number))
                number += 1

    def check() -> None:
        with LabelSession.open(plate, announce=False) as session:
            found: dict[int, tuple] = {}
            for name in session.names:
                field = session.field(name)
                for id in field.ids():
                    cell = field.cell(id)
                    found[int(cell.tags["number"])] = (name, cell)
        for number, turn in promised.items():
            name, cell = found[number]
            assert name == f"field_000{turn % 3}"
            row, col, size = place(number)
            assert cell.patch.box == (row, col, row + size, min(col + size, 80))
            assert cell.patch.crop.all()
            assert number % 3 or cell.tags["seen"]

    for turn in range(KILLS):
        child, reading = fork(work)
        time.sleep(rng.uniform(0, 0.09))
        told = kill(child, reading)
        for (number,) in TOLD.iter_unpack(told[: len(told) // TOLD.size * TOLD.size]):
            promised[number] = turn
        if turn % 25 == 24:
            check()
    assert len(promised) > KILLS
    torn = 0
    for path in (plate / "journal").glob("*.jsonl"):
        *whole, rest = path.read_bytes().split(b"\n")
        assert all(unseal(line + b"\n") for line in whole)
        torn += bool(rest)
    assert torn <= KILLS
    assert time.perf_counter() - begun < 60


def test_two_processes_commit_at_the_same_time_and_both_keep_all(
    plate: Path, square: Callable[..., np.ndarray]
) -> None:
    children = []
    for author in ("ann", "bob"):
        child = os.fork()
        if not child:
            try:
                with LabelSession.open(plate, author=author) as session:
                    field = session.field("field_0000")
                    for i in range(25):
                        field.commit(square(i, i), tags={"number": i})
                        session.refresh()
            finally:
                os._exit(0)
        children.append(child)
    for child in children:
        os.waitpid(child, 0)
    with LabelSession.open(plate, announce=False) as session:
        found = session.field("field_0000").cells().tags
    told = [(t["author"], t["number"]) for t in found]
    assert sorted(told) == sorted((a, i) for a in ("ann", "bob") for i in range(25))
    for author in ("ann", "bob"):
        assert [n for a, n in told if a == author] == list(range(25))
