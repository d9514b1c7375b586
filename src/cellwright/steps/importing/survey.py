"""A look at a plate before it is imported: what was found, what is missing or cannot be read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from cellwright.formats import read_image
from cellwright.plate import problems
from cellwright.plate.focus import focus as focus_of
from cellwright.steps.importing.jobs import Job
from cellwright.steps.importing.layout import Layout
from cellwright.steps.importing.pixels import image_of
from cellwright.steps.progress import track
from cellwright.steps.result import Failure
from cellwright.types import Image, InputError, Tag


@dataclass(frozen=True)
class Row:
    """What was found of one field.

    Parameters
    ----------
    name, tags, files
        Its name, tags, and number of files.
    planes, channels
        z-planes by name or number, channels by name or number.
    shape, dtype
        Rows and columns of a plane and its data type; None where it cannot be read.
    masks
        Mask files, or 1 for a record of a COCO file.
    focus
        Focus measure of each plane (of the first channel), where it was asked for.
    problem
        Why it will not be imported; empty if it will.
    """

    name: str
    tags: dict[str, Tag]
    files: int
    planes: tuple[str, ...] = ()
    channels: tuple[str, ...] = ()
    shape: tuple[int, int] | None = None
    dtype: str | None = None
    masks: int = 0
    focus: tuple[float, ...] = ()
    problem: str = ""


@dataclass(frozen=True)
class Survey:
    """Everything that was found: one row a field, and the files that no pattern fits."""

    rows: tuple[Row, ...]
    left_out: tuple[Path, ...]
    failed: tuple[Failure, ...]

    def to_json(self) -> dict[str, Any]:
        """JSON values."""
        return {"fields": [asdict(r) for r in self.rows], "left_out": list(map(str, self.left_out))}

    def lines(self) -> list[str]:
        """The table as text, the problems, the names that no pattern fits, and the sums."""
        head: tuple[str, ...] = ("field", "tags", "z", "channels", "size", "type", "files", "masks")
        body = [_cells(r) for r in self.rows]
        if any(r.focus for r in self.rows):
            head = (*head, "focus by z")
            body = [(*b, _focus(r)) for b, r in zip(body, self.rows, strict=True)]
        wide = [max(len(line[i]) for line in (head, *body)) for i in range(len(head))]
        out = ["  ".join(c.ljust(w) for c, w in zip(line, wide, strict=True)).rstrip()
               for line in (head, *body)]  # fmt: skip
        out += [f"not imported: {r.name}: {r.problem}" for r in self.rows if r.problem]
        out += [f"fits no pattern: {p}" for p in self.left_out]
        whole = [r for r in self.rows if not r.problem]
        planes = sum(max(1, len(r.planes)) * max(1, len(r.channels)) for r in whole)
        out.append(f"{len(whole)} fields with {planes} planes can be imported, "
                   f"{len(self.rows) - len(whole)} cannot, {len(self.left_out)} files fit no "
                   "pattern")  # fmt: skip
        return out


def survey(
    jobs: Sequence[Job],
    broken: Sequence[Job],
    layout: Layout,
    *,
    left_out: Sequence[Path] = (),
    focus: bool = False,
    quiet: bool = False,
) -> Survey:
    """Look at each field without writing anything.

    Headers are read, the pixels of photos too; `focus` reads all pixels and finds damage in
    them.
    """
    why = {id(p.field): p.message for p in problems([j.field for j in (*jobs, *broken)])}
    rows, failed = [], []
    for job in track([*jobs, *broken], "look", quiet=quiet):
        row, unreadable = _row(job, why.get(id(job.field), ""), layout, focus=focus)
        rows.append(row)
        failed += [Failure(str(path), message) for path, message in unreadable]
    return Survey(tuple(rows), tuple(left_out), tuple(failed))


def _row(
    job: Job, problem: str, layout: Layout, *, focus: bool
) -> tuple[Row, list[tuple[Path, str]]]:
    known: dict[str, Any] = {
        "planes": tuple(str(z) for z in job.field.zs if z is not None),
        "channels": tuple(str(c) for c in job.field.channels if c is not None),
        "masks": len(job.mask_files) + (job.record is not None),
    }
    bad: list[tuple[Path, str]] = []
    try:
        if problem:
            bad = _unreadable(job, layout, pixels=focus)
        else:
            image = image_of(job.field, layout, lazy=True)
            known |= _seen(image, known, focus=focus)
    except (InputError, OSError) as error:
        bad = _unreadable(job, layout, pixels=focus) or [(job.files[0], str(error))]
    said = [problem] if problem else []
    said += [message for _, message in bad]
    known["problem"] = "; ".join(said)
    return Row(job.name, dict(job.tags), len(job.files), **known), bad


def _seen(image: Image, known: dict[str, Any], *, focus: bool) -> dict[str, Any]:
    """Shape, type, planes and channels of an image."""
    depth, count = image.size("Z"), image.size("C")
    named = known["planes"] if len(known["planes"]) == depth else ()
    planes = named or (tuple(str(i + 1) for i in range(depth)) if depth > 1 else ())
    channels = image.channels or known["channels"]
    if len(channels) != count:
        channels = tuple(str(i + 1) for i in range(count))
    found: dict[str, Any] = {
        "shape": image.shape, "dtype": str(np.dtype(image.data.dtype)), "planes": planes,
        "channels": channels,
    }  # fmt: skip
    if focus:
        found["focus"] = tuple(focus_of(_Plane(image, z)) for z in range(depth))
    return found


class _Plane:
    """Plane z of the first channel and time, read when rows of it are asked for."""

    def __init__(self, image: Image, z: int) -> None:
        self._data = image.data
        self._key = tuple(z if a == "Z" else 0 for a in image.axes[:-2])
        self.shape, self.dtype = image.shape, image.data.dtype

    def __getitem__(self, key: tuple[slice, slice]) -> np.ndarray:
        return np.asarray(self._data[(*self._key, *key)])


def _unreadable(job: Job, layout: Layout, *, pixels: bool) -> list[tuple[Path, str]]:
    """Files of a field that cannot be read, each with the reason."""
    out = []
    for path in job.files:
        try:
            image = read_image(path, axes=layout.axes, lazy=True, scene=job.field.scene)
            if pixels:
                np.asarray(image.data)
        except Exception as error:  # damage inside of lazy pixels has many names
            out.append((path, str(error) if str(path) in str(error) else f"{path}: {error}"))
    return out


def _cells(row: Row) -> tuple[str, ...]:
    size = f"{row.shape[0]} x {row.shape[1]}" if row.shape else "?"
    tags = " ".join(f"{k}={v}" for k, v in row.tags.items())
    return (row.name, tags, _short(row.planes), ", ".join(row.channels) or "-", size,
            row.dtype or "?", str(row.files), str(row.masks))  # fmt: skip


def _short(planes: tuple[str, ...]) -> str:
    if len(planes) <= 4:
        return ", ".join(planes) or "-"
    return f"{planes[0]}, {planes[1]} ... {planes[-1]} ({len(planes)})"


def _focus(row: Row) -> str:
    names = row.planes or ("-",)
    top = max(row.focus, default=0.0)
    return " ".join(
        f"{'*' if f == top else ''}{n}:{f:.3g}" for n, f in zip(names, row.focus, strict=False)
    )
