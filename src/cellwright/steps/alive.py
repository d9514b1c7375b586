"""Tell living cells of a data set from dead ones by their fluorescence."""

from __future__ import annotations

import csv
import hashlib
import io
import logging
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from cellwright.steps.progress import track
from cellwright.steps.result import Failure, StepResult, write_failures
from cellwright.steps.settings import note_settings
from cellwright.types import Image, InputError, Instances, Sample

if TYPE_CHECKING:
    from cellwright.formats.dataset import Dataset

log = logging.getLogger(__name__)

SETTINGS_NAME = "alive.json"
TABLE_NAME = "alive.csv"
ALIVE, DEAD = "Alive", "Dead"
COLUMNS = ("image", "cell", "alive", "alive_by", "contrast", "threshold", "row", "column")
# The tag of a judged cell; other cells may have the tag "alive" from elsewhere.
_BY = "alive_by"
_WORDS = {"true": True, "1": True, "alive": True, "false": False, "0": False, "dead": False}


def alive(
    data: str | Path,
    output: str | Path,
    *,
    channel: int | str | None = None,
    only: str | None = None,
    categories: bool = True,
    dead: str = "label",
    corrections: str | Path | None = None,
    sigmas: float = 0.3,
    share: float = 0.25,
    part: str = "core",
    quiet: bool = False,
) -> StepResult:
    """Write a data set in which every cell is called alive or dead.

    P1, 6.3: cells that are seen in bright field but not in fluorescence are dead. Images that
    are in `output` already are skipped, so that a stopped call is finished by the same call;
    one that cannot be used is reported and the rest is done.

    Parameters
    ----------
    data
        Data set with cells, dead ones too.
    output
        Folder of the new data set. Cells have the tags ``alive``, ``alive_by``, ``contrast``
        and ``contrast_threshold``. ``alive.csv`` lists all judged cells (number from 1 in
        `data`, middle of the box): change its column ``alive`` and give it back as
        `corrections`.
    channel
        Name or number (from 0) of the fluorescence channel; not needed if there is only one.
    only
        Class that is judged; cells of other classes go through as they are. None judges all.
    categories
        Whether "Alive" and "Dead" become the classes of the cells; else they stay tags.
    dead
        "label" keeps dead cells (P1), "exclude" leaves them out (P2).
    corrections
        CSV with the columns image, cell, alive. What it says otherwise than measured is kept
        as set by hand, here and whenever the cells are measured again.
    sigmas, share, part
        As in `cellwright.measure.alive.visibility`.
    quiet
        No progress bar.

    Returns
    -------
    StepResult
        ``details``: ``alive``, ``dead``, ``by_hand`` (cells in the table) and ``table``.

    Raises
    ------
    InputError
        If there are no cells, `corrections` do not fit, or `output` was made in another way.
    """
    from cellwright.formats.dataset import DatasetWriter, open_dataset

    data, output = Path(data), Path(output)
    if dead not in ("label", "exclude"):
        raise InputError(f"dead {dead!r} came: label or exclude is wanted")
    dataset = open_dataset(data)
    if output.resolve() == dataset.root.resolve():
        raise InputError(f"{output}: the data set itself came as output; name another folder")
    if only is not None and only not in dataset.class_names:
        raise InputError(f"there is no class {only!r}; there are {', '.join(dataset.class_names)}")
    by_hand = _read_corrections(corrections, dataset) if corrections is not None else {}
    measured = {"sigmas": sigmas, "share": share, "part": part}
    settings = {
        **measured, "channel": channel, "only": only, "categories": categories, "dead": dead,
        "corrections": _digest(corrections), "cells": _digest(dataset.file.path),
    }  # fmt: skip
    note_settings(output, SETTINGS_NAME, settings)
    others = tuple(n for n in dataset.class_names if only is not None and n != only)
    labelled = categories and dead == "label"
    names = (ALIVE, DEAD, *others) if labelled else dataset.class_names
    failed: list[Failure] = []
    with DatasetWriter(output, class_names=names, save_images=False) as writer:
        new = [i for i, name in enumerate(dataset.names) if name not in writer.done]
        for i in track(new, "alive or dead", quiet=quiet):
            name, path = dataset.names[i], dataset.path(i)
            try:
                image = dataset.image(i, lazy=True)
                cells = None
                if dataset.labelled(i):
                    cells = _judged(image, dataset.instances(i), channel, only, measured)
                    cells = _corrected(cells, by_hand.get(name, {}))
                facts, cells = _without_dead(cells) if dead == "exclude" else ({}, cells)
                if labelled and cells is not None:
                    cells = _named(cells, only)
                file_name = f"images/{name}{_suffix(path)}"
                _copy(path, output / file_name)
                writer.add(Sample(name, image, cells), file_name=file_name, facts=facts)
            except (InputError, OSError, MemoryError) as error:
                message = " ".join(str(error).split()) or type(error).__name__
                log.warning("%s was left out: %s", path, message)
                failed.append(Failure(str(path), message))
    write_failures(output, failed)
    counts = _write_table(open_dataset(output), output / TABLE_NAME)
    done, skipped = len(new) - len(failed), len(dataset) - len(new)
    log.info("%d images: %s", done, counts)
    details = {**counts, "table": output / TABLE_NAME}
    return StepResult(output, done, skipped, tuple(failed), details)


def _judged(
    image: Image,
    cells: Instances,
    channel: int | str | None,
    only: str | None,
    measured: Mapping[str, Any],
) -> Instances:
    """The cells, those of the class `only` with what was measured of them."""
    from cellwright.measure.alive import visibility, with_alive

    names = [n.lower() for n in image.channels]
    if isinstance(channel, str) and channel.lower() not in names and channel.isdecimal():
        channel = int(channel)
    picked = _picked(cells, only)
    some = cells[picked]
    some = with_alive(some, visibility(image, some, channel=channel, **measured))
    tags = list(cells.tags or ({},) * len(cells))
    for i, new in zip(np.flatnonzero(picked).tolist(), some.tags, strict=True):
        tags[i] = new
    return replace(cells, tags=tuple(tags))


def _picked(cells: Instances, only: str | None) -> np.ndarray:
    """(N,) bool, the cells that are judged."""
    if only is None:
        return np.ones(len(cells), dtype=bool)
    return np.asarray(cells.classes == cells.class_names.index(only))


def _named(cells: Instances, only: str | None) -> Instances:
    """Judged cells with Alive or Dead as class; by_life leaves the numbers of the others."""
    from cellwright.label.session.truth import by_life

    named = by_life(cells, "label")
    classes = np.where(_picked(cells, only), named.classes, cells.classes)
    return replace(named, classes=classes)


def _corrected(cells: Instances, by_hand: Mapping[int, bool]) -> Instances:
    from cellwright.measure.alive import corrected

    changed = {i: v for i, v in by_hand.items()
               if i >= len(cells) or cells.tags[i].get("alive") != v}  # fmt: skip
    return corrected(cells, changed)


def _without_dead(cells: Instances | None) -> tuple[dict[str, Any], Instances | None]:
    """What the table says of the dead cells, for the image record, and the cells that are left."""
    if cells is None:
        return {}, None
    gone = np.array([_BY in t and not t["alive"] for t in cells.tags], dtype=bool)
    rows = [_row(n, t, box) for n, (t, box) in _counted(cells) if gone[n - 1]]
    return {"dead_cells": rows}, cells[~gone]


def _read_corrections(path: str | Path, dataset: Dataset) -> dict[str, dict[int, bool]]:
    """What a table says, by image and index of the cell."""
    path = Path(path)
    try:
        rows = list(csv.DictReader(io.StringIO(path.read_text("utf-8-sig"))))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"{path}: the table cannot be read ({error})") from error
    found: dict[str, dict[int, bool]] = {}
    names = set(dataset.names)
    for line, row in enumerate(rows, start=2):
        image, cell, said = (str(row.get(k) or "").strip() for k in ("image", "cell", "alive"))
        if image not in names:
            raise InputError(f"{path}, line {line}: the data set has no image {image!r}")
        if not cell.isdecimal() or not int(cell) or said.lower() not in _WORDS:
            raise InputError(
                f"{path}, line {line}: cell {cell!r} and alive {said!r} came; the number of a "
                "cell, from 1, and true or false (or Alive, Dead) are wanted"
            )
        found.setdefault(image, {})[int(cell) - 1] = _WORDS[said.lower()]
    return found


def _digest(path: str | Path | None) -> str | None:
    return None if path is None else hashlib.sha256(Path(path).read_bytes()).hexdigest()


def _suffix(path: Path) -> str:
    from cellwright.formats.files import stem

    return path.name[len(stem(path)) :]


def _copy(source: Path, target: Path) -> None:
    """The image as it is, byte for byte."""
    from cellwright.formats.atomic import atomic_path

    with atomic_path(target) as part:
        if source.is_dir():
            shutil.copytree(source, part)
        else:
            shutil.copyfile(source, part)


def _write_table(dataset: Dataset, path: Path) -> dict[str, int]:
    """One line per judged cell; how many live, are dead, were set by hand."""
    from cellwright.formats.atomic import write_text

    counts = {"alive": 0, "dead": 0, "by_hand": 0}
    text = io.StringIO()
    table = csv.writer(text, lineterminator="\n")
    table.writerow(COLUMNS)
    for row in _rows(dataset):
        table.writerow([row[c] for c in COLUMNS])
        counts["alive" if row["alive"] == "true" else "dead"] += 1
        counts["by_hand"] += row["alive_by"] == "hand"
    write_text(text.getvalue(), path)
    return counts


def _rows(dataset: Dataset) -> Iterator[dict[str, Any]]:
    """The lines of the table; cells are counted as in the data set that was judged."""
    for i, name in enumerate(dataset.names):
        if not dataset.labelled(i):
            continue
        cells = dataset.instances(i)
        gone = {int(row["cell"]): row for row in dataset.record(i).get("dead_cells", ())}
        kept = [n for n in range(1, len(cells) + len(gone) + 1) if n not in gone]
        left = {kept[n - 1]: _row(kept[n - 1], t, box) for n, (t, box) in _counted(cells)
                if _BY in t}  # fmt: skip
        for _, row in sorted((gone | left).items()):
            yield {"image": name, **row}


def _counted(cells: Instances) -> Iterator[tuple[int, tuple[Mapping[str, Any], list[int]]]]:
    tags = cells.tags or ({},) * len(cells)
    return enumerate(zip(tags, cells.boxes.tolist(), strict=True), start=1)


def _row(number: int, tags: Mapping[str, Any], box: list[int]) -> dict[str, Any]:
    return {
        "cell": number,
        "alive": "true" if tags["alive"] else "false",
        "alive_by": tags.get(_BY, ""),
        "contrast": tags.get("contrast", ""),
        "threshold": tags.get("contrast_threshold", ""),
        "row": (box[0] + box[2]) // 2,
        "column": (box[1] + box[3]) // 2,
    }
