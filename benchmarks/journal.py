"""How long a labelled data set of 10,000 cells takes to open, and a commit to be safe on disk.

    python benchmarks/journal.py [--cells 10000] [--fields 50] [--commits 300]

A data set is made whose journal holds that many commits, one record each with its prompts, as a
person would have made them; once spread over the fields, once all in one field. "Open" replays
the journal, counts the cells of every field, opens the first field and decodes its masks (the
interpreter and the imports are not counted; the files are in the disk cache). A commit is timed
from the call to its return, fsync included; "cells anew" is the list of all cells of the field
after it. The last column is a bare append of as many bytes
with fsync on the same disk: what no journal can beat.
"""

from __future__ import annotations

import argparse
import logging
import os
import tempfile
import time
from pathlib import Path

import numpy as np

from cellwright.formats import DatasetWriter
from cellwright.label.session import LabelSession
from cellwright.label.session.cell import birth
from cellwright.label.session.patch import Patch
from cellwright.label.session.preview import prompt_json
from cellwright.types import Image, Prompts, Sample

SHAPE = (2048, 2048)


def disc(rng: np.random.Generator) -> Patch:
    """A round cell of 12 to 20 pixels radius with a rough edge, somewhere."""
    radius = rng.uniform(12, 20)
    size = int(2 * radius) + 5
    rows, cols = np.indices((size, size)) - size / 2
    angle = np.arctan2(rows, cols)
    edge = radius * (1 + 0.08 * np.sin(5 * angle + rng.uniform(0, 6)))
    row, col = (int(v) for v in rng.integers(0, SHAPE[0] - size, 2))
    crop = np.hypot(rows, cols) < edge
    patch = Patch.of_crop(SHAPE, (row, col, row + size, col + size), crop)
    assert patch is not None
    return patch


def make(folder: Path, *, cells: int, fields: int) -> None:
    """A data set of blank fields whose journal holds `cells` commits."""
    rng = np.random.default_rng(0)
    with DatasetWriter(folder) as writer:
        for i in range(fields):
            writer.add(Sample(f"field_{i:03d}", Image(np.zeros(SHAPE, np.uint8)), None))
    with LabelSession.open(folder, author="somebody") as session:
        for i in range(fields):
            bodies = []
            for _ in range(cells // fields):
                patch = disc(rng)
                a, b, c, d = (float(v) for v in patch.box)
                prompt = Prompts([((a + c) / 2, (b + d) / 2)], [True], (a, b, c, d))
                made = birth(patch, class_name="cell")
                bodies.append({
                    "op": "change", "field": f"field_{i:03d}", "kind": "commit",
                    "cells": [{"id": session.new_id(), "new": made}],
                    "prompts": [prompt_json(prompt)], "model": "region",
                    "settings": {"channel": None, "radius": None},
                    "view": {"projection": "median"}, "policy": "allow",
                })  # fmt: skip
            session.journal.append(bodies)


def opened(folder: Path, cells: int) -> float:
    """Seconds to open the data set and see its first field."""
    begun = time.perf_counter()
    with LabelSession.open(folder, announce=False) as session:
        total = sum(p.cells for p in session.progress())
        found = session.field("field_000").cells()
        seconds = time.perf_counter() - begun
    assert total == cells
    assert len(found) > 0
    return seconds


def commits(folder: Path, count: int, policy: str) -> tuple[np.ndarray, np.ndarray]:
    """Seconds of each of `count` commits into the first field, and of its cells looked at anew."""
    rng = np.random.default_rng(len(policy))
    times, looks = [], []
    with LabelSession.open(folder, author="else", policy=policy) as session:
        field = session.field("field_000")
        field.cells()
        for _ in range(count):
            mask = disc(rng).frame()
            begun = time.perf_counter()
            ids = field.commit_all(mask)
            done = time.perf_counter()
            field.cells()
            if ids:
                times.append(done - begun)
                looks.append(time.perf_counter() - done)
    return np.array(times), np.array(looks)


def bare(folder: Path, count: int) -> np.ndarray:
    """Seconds of appending 400 bytes with fsync."""
    times = []
    handle = os.open(folder / "bare", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    for _ in range(count):
        begun = time.perf_counter()
        os.write(handle, b"x" * 400)
        os.fsync(handle)
        times.append(time.perf_counter() - begun)
    os.close(handle)
    return np.array(times)


def main() -> None:
    """Measure and print a table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cells", type=int, default=10_000)
    parser.add_argument("--fields", type=int, default=50)
    parser.add_argument("--commits", type=int, default=300)
    given = parser.parse_args()
    logging.getLogger("cellwright").setLevel(logging.ERROR)  # refusals by policy are expected
    rows = []
    for fields in (given.fields, 1):
        with tempfile.TemporaryDirectory() as folder:
            data = Path(folder) / "data"
            make(data, cells=given.cells, fields=fields)
            size = sum(p.stat().st_size for p in (data / "journal").iterdir()) / 1e6
            seconds = float(np.median([opened(data, given.cells) for _ in range(5)]))
            disk = bare(Path(folder), given.commits)
            for policy in ("allow", "keep-pixels"):
                times, looks = (t * 1e3 for t in commits(data, given.commits, policy))
                rows.append(
                    f"| {given.cells} in {fields} | {size:.1f} | {seconds:.2f} | {policy} "
                    f"| {np.median(times):.1f} | {np.percentile(times, 95):.1f} "
                    f"| {np.median(looks):.1f} | {np.median(disk) * 1e3:.1f} |"
                )
    names = ("cells in fields", "journal, MB", "open, s", "policy", "commit, ms", "p95, ms",
             "cells anew, ms", "fsync, ms")  # fmt: skip
    print(f"| {' | '.join(names)} |")
    print("| --- " * len(names) + "|")
    print("\n".join(rows))


if __name__ == "__main__":
    main()
