"""The section of a data set: its card (counts, sizes, densities) and its true outlines."""

from __future__ import annotations

import numpy as np

from cellwright.formats.dataset import Dataset
from cellwright.report.dataset_card import card, class_table, spread_table, tag_tables
from cellwright.report.dataset_counts import CellCounts, count_cells
from cellwright.report.figures import histogram
from cellwright.report.html import Html, Section, cards, columns, folded, heading, paragraph
from cellwright.report.pictures import Frame, Track, draw_gallery, spread, switches
from cellwright.report.sources import DatasetSource
from cellwright.report.tables import Table, shown


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
    body.append(columns([card(dataset, counts).html(), spread_table(dataset, counts).html()]))
    charts = [
        histogram(values, title=title, x_label=label)
        for values, title, label in (
            (counts.known, "Cells per image", "cells in an image"),
            (counts.areas, "Sizes of the cells", "area in pixels"),
        )
        if len(np.unique(values)) > 1
    ]
    if charts:
        body.append(columns(charts))
    tables = [t for t in (class_table(counts), *tag_tables(dataset)) if t.rows]
    if tables:
        body.append(columns([table.html() for table in tables]))
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
