"""The section of a data set: its card (counts, sizes, densities) and its true outlines."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from cellwright.formats.dataset import Dataset
from cellwright.overlap import intersections
from cellwright.report.figures import histogram
from cellwright.report.html import Html, Section, cards, columns, folded, heading, paragraph
from cellwright.report.pictures import Frame, Track, draw_gallery, spread, switches
from cellwright.report.sources import DatasetSource
from cellwright.report.tables import Table, shown

_MANY_VALUES = 24


@dataclass(frozen=True, slots=True)
class CellCounts:
    """What is known of the cells of a data set without reading its images.

    Parameters
    ----------
    per_image
        Cells of each image; None for one that is not annotated.
    areas
        Pixels of each cell, all images after another.
    densities
        Cells per megapixel of each annotated image.
    square_um, per_mm2
        Areas in square micrometres and cells per square millimetre, of the annotated
        images whose pixel size is known.
    overlapping
        Cells that share a pixel with another one.
    classes
        Cells of each class by name.
    """

    per_image: tuple[int | None, ...]
    areas: np.ndarray
    densities: np.ndarray
    square_um: np.ndarray
    per_mm2: np.ndarray
    overlapping: int
    classes: dict[str, int]

    @property
    def known(self) -> list[int]:
        """Cells of each annotated image."""
        return [count for count in self.per_image if count is not None]


def count_cells(dataset: Dataset) -> CellCounts:
    """Numbers, areas, densities and overlaps of all cells of `dataset`."""
    areas, densities, overlapping = [], [], 0
    per_image: list[int | None] = []
    square_um, per_mm2 = [], []
    classes: Counter[str] = Counter()
    for index in range(len(dataset)):
        if not dataset.labelled(index):
            per_image.append(None)
            continue
        cells = dataset.instances(index)
        per_image.append(len(cells))
        pixels, sizes = cells.shape[0] * cells.shape[1], cells.areas
        areas.append(sizes)
        densities.append(len(cells) / pixels * 1e6)
        if size := dataset.record(index).get("pixel_size"):
            square = float(size[0]) * float(size[1])
            square_um.append(sizes * square)
            per_mm2.append(len(cells) / (pixels * square) * 1e6)
        first, second, _ = intersections(cells, cells)
        overlapping += len(np.unique(first[first != second]))
        classes.update(cells.class_names[c] for c in cells.classes)
    return CellCounts(
        tuple(per_image),
        np.concatenate(areas) if areas else np.zeros(0, np.int64),
        np.array(densities),
        np.concatenate(square_um) if square_um else np.zeros(0),
        np.array(per_mm2),
        overlapping,
        dict(classes),
    )


def dataset_section(
    source: DatasetSource,
    *,
    max_images: int,
    budget: int,
    track: Track,
    title: str = "Data set",
    drawn_before: frozenset[str] = frozenset(),
) -> tuple[Section, tuple[tuple[str, str], ...]]:
    """A data set as a card, tables and pictures of its true cells.

    Parameters
    ----------
    source
        The data set.
    max_images, budget
        Images shown at most, and characters their figures should not pass.
    track
        Shows progress: called with an iterable and a description.
    title
        Title of the section.
    drawn_before
        Names of images that another section shows with their truth.

    Returns
    -------
    Section, tuple
        The section, and name and reason of each image that could not be shown.
    """
    dataset = source.dataset
    counts = count_cells(dataset)
    total = sum(counts.known)
    body: list[Html] = [
        paragraph(f"From {source.path}", kind="soft"),
        cards(_figures(counts, total)),
    ]
    if total:
        body.append(
            columns(
                [
                    histogram(counts.known, title="Cells per image", x_label="cells in an image"),
                    histogram(counts.areas, title="Sizes of the cells", x_label="area in pixels"),
                ]
            )
        )
    tables = [_card(dataset, counts), _class_table(counts), *tag_tables(dataset)]
    body.append(columns([table.html() for table in tables if table.rows]))
    rest = [i for i, name in enumerate(dataset.names) if str(name) not in drawn_before]
    chosen = [rest[k] for k in spread(len(rest), max_images)]
    frames = [_frame(dataset, i, counts.per_image[i]) for i in chosen]
    failed: tuple[tuple[str, str], ...] = ()
    body.append(heading("Images and their cells"))
    if len(rest) < len(dataset):
        body.append(
            paragraph(f"{len(dataset) - len(rest)} images are drawn with predictions.", kind="note")
        )
    if len(chosen) < len(rest):
        body.append(paragraph(f"{len(chosen)} of {len(rest)} images, evenly spread.", kind="note"))
    if frames:
        drawn = draw_gallery(frames, budget=budget, track=track)
        failed = drawn.failed
        body += [switches(drawn.kinds), *drawn.body]
    body.append(folded(f"Each image ({len(dataset)})", _image_table(dataset, counts).html()))
    return Section(title, tuple(body)), failed


def tag_tables(dataset: Dataset) -> list[Table]:
    """Images by value of each tag that has few enough values to list."""
    values: dict[str, Counter[str]] = {}
    for index in range(len(dataset)):
        for key, value in dataset.tags(index).items():
            values.setdefault(str(key), Counter())[str(value)] += 1
    return [
        Table(f"Images by {key}", (key, "Images"), tuple(sorted(counter.items())))
        for key, counter in values.items()
        if len(counter) <= _MANY_VALUES
    ]


def _frame(dataset: Dataset, index: int, count: int | None) -> Frame:
    known = count is not None
    return Frame(
        str(dataset.names[index]),
        lambda: dataset.image(index, lazy=True),
        truth=(lambda: dataset.instances(index)) if known else None,
        notes=(f"{count} cells" if known else "not annotated",),
    )


def _figures(counts: CellCounts, total: int) -> list[tuple[str, str]]:
    figures = [("Images", shown(len(counts.per_image))), ("Cells", shown(total))]
    if total:
        share = 100 * counts.overlapping / total
        figures += [
            ("Cells per image (median)", f"{np.median(counts.known):g}"),
            ("Cell area (median)", f"{np.median(counts.areas):,.0f} px"),
            ("Cells that overlap", f"{share:.1f} %"),
        ]
    return figures


def _card(dataset: Dataset, counts: CellCounts) -> Table:
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


def _spread_row(name: str, values: Sequence[float] | np.ndarray) -> list[tuple[Any, ...]]:
    numbers = np.asarray(values, float)
    if not numbers.size:
        return []
    parts = (numbers.min(), np.median(numbers), numbers.max())
    return [(name, *(int(v) if float(v).is_integer() else float(v) for v in parts))]


def _class_table(counts: CellCounts) -> Table:
    return Table("Cells by class", ("Class", "Cells"), tuple(sorted(counts.classes.items())))


def _image_table(dataset: Dataset, counts: CellCounts) -> Table:
    rows = tuple(
        (
            str(name),
            *dataset.shape(i),
            counts.per_image[i],
            str(dataset.record(i).get("axes") or "\N{EN DASH}"),
        )
        for i, name in enumerate(dataset.names)
    )
    names = ("Image", "Rows", "Columns", "Cells", "Axes")
    return Table("Each image", names, rows)
