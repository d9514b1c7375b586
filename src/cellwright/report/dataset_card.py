"""The card of a data set: what it holds, where it is from, and its sizes and densities."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np

from cellwright.formats.dataset import Dataset
from cellwright.report.dataset_counts import CellCounts
from cellwright.report.tables import Table, shown

_MANY_VALUES = 24
_LISTED = 6
_NOT_SET = "not given"
#: Tags that say where images are from and what may be done with them come first.
_ORIGIN = ("licence", "license", "source", "origin", "citation", "doi", "url")


def card(dataset: Dataset, counts: CellCounts) -> Table:
    """What a reader must know of a data set before its figures."""
    total, known = sum(counts.known), len(counts.known)
    rows: list[tuple[str, str]] = [("Images", f"{len(dataset):,}")]
    if known < len(dataset):
        rows.append(("Annotated images", f"{known:,}"))
    rows.append(("Cells", f"{total:,}"))
    if total:
        share = f"{counts.overlapping:,} ({100 * counts.overlapping / total:.1f} %)"
        rows.append(("Cells that overlap another", share))
        several = len(counts.classes) > 1
        names = ((f"{n}: {c:,}" if several else n) for n, c in sorted(counts.classes.items()))
        rows.append(("Classes", ", ".join(names)))
    records = [dataset.record(i) for i in range(len(dataset))]
    rows.append(("Image size, rows \N{MULTIPLICATION SIGN} columns", _sizes(dataset)))
    rows.append(("Pixel size, \N{MICRO SIGN}m", _values([_pixel(r) for r in records])))
    for key, name in (("axes", "Axes"), ("channels", "Channels")):
        values = [_text(r[key]) for r in records if r.get(key)]
        if values:
            rows.append((name, _values(values)))
    rows += tag_rows(dataset)
    return Table("Data-set card", ("", "Value"), tuple(rows))


def tag_rows(dataset: Dataset) -> list[tuple[str, str]]:
    """Each tag with its values, or their range or number where there are many."""
    values = _tags(dataset)
    order = sorted(values, key=lambda key: (key.lower() not in _ORIGIN, key != "split"))
    return [(f"Tag: {key}", _values(values[key], whole=len(dataset))) for key in order]


def spread_table(dataset: Dataset, counts: CellCounts) -> Table:
    """Smallest, median and largest of sizes and densities."""
    shapes = [dataset.shape(i) for i in range(len(dataset))]
    rows: list[tuple[Any, ...]] = []
    for name, values in (
        ("Rows of an image", [s[0] for s in shapes]),
        ("Columns of an image", [s[1] for s in shapes]),
        ("Cells per image", counts.known),
        ("Cells per megapixel", counts.densities),
        ("Cells per mm\N{SUPERSCRIPT TWO}", counts.per_mm2),
        ("Cell area, px", counts.areas),
        ("Cell area, \N{MICRO SIGN}m\N{SUPERSCRIPT TWO}", counts.square_um),
    ):
        rows += _spread_row(name, values)
    return Table("Sizes and densities", ("", "Smallest", "Median", "Largest"), tuple(rows))


def class_table(counts: CellCounts) -> Table:
    """Cells of each class; no rows for a single one, which the card names."""
    rows = tuple(sorted(counts.classes.items())) if len(counts.classes) > 1 else ()
    return Table("Cells by class", ("Class", "Cells"), rows)


def tag_tables(dataset: Dataset) -> list[Table]:
    """Images by value of each tag whose values the card cannot list, if they group images."""
    return [
        Table(
            f"Images by {key}",
            (key, "Images"),
            tuple(sorted(Counter(values).items(), key=_by_value)),
        )
        for key, values in _tags(dataset).items()
        if _LISTED < len(set(values)) <= _MANY_VALUES and len(set(values)) < len(values)
    ]


def _tags(dataset: Dataset) -> dict[str, list[str]]:
    values: dict[str, list[str]] = {}
    for index in range(len(dataset)):
        for key, value in dataset.tags(index).items():
            values.setdefault(str(key), []).append(str(value))
    return values


def _values(values: Sequence[str], *, whole: int | None = None) -> str:
    """Values with how often each is there; a range of numbers or a count where there are many.

    >>> _values(["a", "b", "a"]), _values(["a", "a"]), _values([str(i) for i in range(30)])
    ('a: 2, b: 1', 'a', '30 values, 0 to 29')
    """
    counter = Counter(values)
    missing = (whole or 0) - len(values)
    rest = f"; {_NOT_SET}: {missing}" if missing > 0 else ""
    if len(counter) == 1:
        return f"{values[0]}{f': {len(values)}' if rest else ''}{rest}"
    numbers = [_number(value) for value in counter]
    if len(counter) <= _LISTED:
        return ", ".join(f"{v}: {n:,}" for v, n in sorted(counter.items(), key=_by_value)) + rest
    if all(n is not None for n in numbers):
        ends = sorted(n for n in numbers if n is not None)
        return f"{len(counter):,} values, {ends[0]:g} to {ends[-1]:g}{rest}"
    return f"{len(counter):,} values, for example {', '.join(sorted(counter)[:3])}{rest}"


def _by_value(item: tuple[str, int]) -> tuple[bool, float, str]:
    number = _number(item[0])
    return number is None, number or 0.0, item[0]


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


def _sizes(dataset: Dataset) -> str:
    shapes = [dataset.shape(i) for i in range(len(dataset))]
    return _values([f"{rows} \N{MULTIPLICATION SIGN} {columns}" for rows, columns in shapes])


def _pixel(record: Any) -> str:
    size = record.get("pixel_size")
    if not size:
        return _NOT_SET
    row, column = (float(v) for v in size)
    return f"{row:g}" if row == column else f"{row:g} \N{MULTIPLICATION SIGN} {column:g}"


def _text(value: Any) -> str:
    return value if isinstance(value, str) else shown(value)


def _spread_row(name: str, values: Sequence[float] | np.ndarray) -> list[tuple[Any, ...]]:
    numbers = np.asarray(values, float)
    if not numbers.size:
        return []
    parts = (numbers.min(), np.median(numbers), numbers.max())
    return [(name, *(int(v) if float(v).is_integer() else float(v) for v in parts))]
