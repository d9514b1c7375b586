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
        Cells of each image.
    areas
        Pixels of each cell, all images after another.
    densities
        Cells per megapixel of each image.
    overlapping
        Cells that share a pixel with another one.
    classes
        Cells of each class by name.
    """

    per_image: tuple[int, ...]
    areas: np.ndarray
    densities: np.ndarray
    overlapping: int
    classes: dict[str, int]


def count_cells(dataset: Dataset) -> CellCounts:
    """Numbers, areas, densities and overlaps of all cells of `dataset`."""
    per_image, areas, densities, overlapping = [], [], [], 0
    classes: Counter[str] = Counter()
    for index in range(len(dataset)):
        cells = dataset.instances(index)
        per_image.append(len(cells))
        areas.append(cells.areas)
        densities.append(len(cells) / (cells.shape[0] * cells.shape[1]) * 1e6)
        first, second, _ = intersections(cells, cells)
        overlapping += len(np.unique(first[first != second]))
        classes.update(cells.class_names[c] for c in cells.classes)
    return CellCounts(
        tuple(per_image),
        np.concatenate(areas) if areas else np.zeros(0, np.int64),
        np.array(densities),
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
) -> tuple[Section, tuple[tuple[str, str], ...]]:
    """A data set as a card, tables and pictures of its true cells.

    Returns
    -------
    Section, tuple
        The section, and name and reason of each image that could not be shown.
    """
    dataset = source.dataset
    counts = count_cells(dataset)
    total = sum(counts.per_image)
    body: list[Html] = [
        paragraph(f"From {source.path}", kind="soft"),
        cards(_figures(counts, total)),
    ]
    if total:
        body.append(
            columns(
                [
                    histogram(
                        counts.per_image, title="Cells per image", x_label="cells in an image"
                    ),
                    histogram(counts.areas, title="Sizes of the cells", x_label="area in pixels"),
                ]
            )
        )
    tables = [_card(dataset, counts), _class_table(counts), *tag_tables(dataset)]
    body.append(columns([table.html() for table in tables if table.rows]))
    chosen = spread(len(dataset), max_images)
    frames = [
        Frame(
            str(dataset.names[i]),
            lambda i=i: dataset[i].image,  # type: ignore[misc]
            truth=lambda i=i: dataset.instances(i),  # type: ignore[misc]
            notes=(f"{counts.per_image[i]} cells",),
        )
        for i in chosen
    ]
    failed: tuple[tuple[str, str], ...] = ()
    if frames:
        drawn = draw_gallery(frames, budget=budget, track=track)
        failed = drawn.failed
        body.append(heading("Annotated images"))
        if len(chosen) < len(dataset):
            body.append(
                paragraph(f"{len(chosen)} of {len(dataset)} images, evenly spread.", kind="note")
            )
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


def _figures(counts: CellCounts, total: int) -> list[tuple[str, str]]:
    figures = [("Images", shown(len(counts.per_image))), ("Cells", shown(total))]
    if total:
        share = 100 * counts.overlapping / total
        figures += [
            ("Cells per image (median)", f"{np.median(counts.per_image):g}"),
            ("Cell area (median)", f"{np.median(counts.areas):,.0f} px"),
            ("Cells that overlap", f"{share:.1f} %"),
        ]
    return figures


def _card(dataset: Dataset, counts: CellCounts) -> Table:
    shapes = [dataset.shape(i) for i in range(len(dataset))]
    rows: list[tuple[str, Any, Any, Any]] = []
    for name, values in (
        ("Rows of an image", [s[0] for s in shapes]),
        ("Columns of an image", [s[1] for s in shapes]),
        ("Cells per image", counts.per_image),
        ("Cells per megapixel", counts.densities),
        ("Cell area, px", counts.areas),
    ):
        rows += _spread_row(name, values)
    return Table("Sizes and densities", ("", "Smallest", "Median", "Largest"), tuple(rows))


def _spread_row(name: str, values: Sequence[float] | np.ndarray) -> list[tuple[str, Any, Any, Any]]:
    numbers = np.asarray(values, float)
    if not numbers.size:
        return []
    parts = (numbers.min(), np.median(numbers), numbers.max())
    return [(name, *(int(v) if float(v).is_integer() else float(v) for v in parts))]


def _class_table(counts: CellCounts) -> Table:
    return Table("Cells by class", ("Class", "Cells"), tuple(sorted(counts.classes.items())))


def _image_table(dataset: Dataset, counts: CellCounts) -> Table:
    rows = tuple(
        (str(name), *map(int, dataset.shape(i)), counts.per_image[i], float(counts.densities[i]))
        for i, name in enumerate(dataset.names)
    )
    names = ("Image", "Rows", "Columns", "Cells", "Cells per megapixel")
    return Table("Each image", names, rows)
