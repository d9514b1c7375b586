"""The section of a prediction folder: cells found, time per frame, pictures, settings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from cellwright.report.figures import histogram
from cellwright.report.frames import prediction_frame
from cellwright.report.html import Html, Section, cards, columns, folded, heading, join, paragraph
from cellwright.report.pictures import Track, draw_gallery, spread, switches
from cellwright.report.sources import DatasetSource, PredictionSource
from cellwright.report.tables import Table, settings_table, shown

_LEFT_OUT = ("label", "centroid", "bbox", "touches", "orientation", "class", "image", "name")
_OPEN = 15


def prediction_section(
    source: PredictionSource,
    truths: Sequence[DatasetSource],
    accuracies: Mapping[str, float],
    *,
    max_images: int,
    budget: int,
    track: Track,
    title: str = "Predictions",
) -> tuple[Section, tuple[tuple[str, str], ...]]:
    """A prediction folder, with the truth of data sets whose image names meet.

    Images with an accuracy are drawn in its order, the worst first, and of too many the worst;
    otherwise of too many an even spread is drawn. The first are shown, the others folded.

    Returns
    -------
    Section, tuple
        The section, and name and reason of each image that could not be shown.
    """
    cells, run = source.cells, source.run
    records = {str(r.get("name")): r for r in run.get("images") or []}
    counts = [len(cells.instances(i)) for i in range(len(cells))]
    body: list[Html] = [
        paragraph(f"From {source.path}", kind="soft"),
        cards(_figures(source, counts)),
    ]
    names = [str(name) for name in cells.names]
    ranked = bool(accuracies.keys() & set(names))
    order = worst_first(names, accuracies) if ranked else list(range(len(names)))
    chosen = order[:max_images] if ranked else spread(len(names), max_images)
    frames = [
        prediction_frame(
            source,
            i,
            truths,
            notes=_notes(names[i], counts[i], records.get(names[i], {}), accuracies),
        )
        for i in chosen
    ]
    body.append(heading("Worst images first" if ranked else "Cells found"))
    if len(chosen) < len(names):
        which = "the worst by accuracy at IoU 0.50" if ranked else "evenly spread"
        body.append(paragraph(f"{len(chosen)} of {len(names)} images, {which}.", kind="note"))
    elif ranked:
        body.append(paragraph("In the order of their accuracy at IoU 0.50.", kind="note"))
    parts = [part for part in (frames[:_OPEN], frames[_OPEN:]) if part]
    drawn = [draw_gallery(p, budget=budget * len(p) // len(frames), track=track) for p in parts]
    kinds = frozenset(kind for part in drawn for kind in part.kinds)
    body.append(switches(kinds))
    for number, part in enumerate(drawn):
        more = f"{len(parts[number])} more images" if number else ""
        body += [folded(more, join(part.body))] if more else part.body
    body.append(heading("Cells and time"))
    body.append(
        columns(
            [
                histogram(counts, title="Cells per image", x_label="cells in an image"),
                histogram(
                    _scores(source), title="Confidence of the cells", x_label="score of a cell"
                ),
            ]
        )
    )
    tables = [
        time_table(source),
        settings_table("Settings of the run", run["settings"]) if run.get("settings") else None,
    ]
    body.append(columns([table.html() for table in tables if table is not None]))
    measurements = source.path / "measurements.csv"
    if measurements.is_file():
        body.append(measurement_table(measurements).html())
    body.append(folded(f"Each image ({len(cells)})", _image_table(source, counts, records).html()))
    return Section(title, tuple(body)), tuple(f for part in drawn for f in part.failed)


def seconds(run: Mapping[str, Any]) -> np.ndarray:
    """Seconds of each image of a run that has them."""
    values = [record.get("seconds") for record in run.get("images") or []]
    return np.array([v for v in values if isinstance(v, int | float)], dtype=float)


def time_table(source: PredictionSource) -> Table | None:
    """Time per frame: mean, median, longest, per megapixel; None if the run has no times."""
    times = seconds(source.run)
    if not times.size:
        return None
    names = {str(name): i for i, name in enumerate(source.cells.names)}
    pixels = [
        float(np.prod(source.cells.shape(names[str(r["name"])])))
        for r in source.run["images"]
        if isinstance(r.get("seconds"), int | float) and str(r.get("name")) in names
    ]
    rows: list[tuple[str, Any]] = [
        ("Images timed", int(times.size)),
        ("Seconds in all", float(times.sum())),
        ("Mean seconds per image", float(times.mean())),
        ("Median seconds per image", float(np.median(times))),
        ("Longest, seconds", float(times.max())),
    ]
    if len(pixels) == times.size:
        rows.append(("Seconds per megapixel", float(times.sum() / sum(pixels) * 1e6)))
    processor = source.run.get("processor")
    note = f"On {processor}." if processor else ""
    return Table("Time per frame", ("", "Value"), tuple(rows), note)


def measurement_table(path: Path) -> Table:
    """Spread of the measurements of all cells of a run, from its `measurements.csv`."""
    import pandas

    frame = pandas.read_csv(path)
    wanted = [
        column
        for column in frame.select_dtypes("number").columns
        if not str(column).lower().startswith(_LEFT_OUT)
    ]
    rows = tuple(
        (
            str(column),
            *(float(v) for v in frame[column].quantile([0.05, 0.25, 0.5, 0.75, 0.95])),
        )
        for column in wanted
    )
    return Table(
        "Measurements of all cells",
        ("Measurement", "5 %", "25 %", "Median", "75 %", "95 %"),
        rows,
        f"{len(frame):,} cells; the columns are percentiles over cells. "
        "px: pixels, um: micrometres.",
    )


def _figures(source: PredictionSource, counts: Sequence[int]) -> list[tuple[str, str]]:
    times = seconds(source.run)
    figures = [
        ("Images", shown(len(counts))),
        ("Cells", shown(sum(counts))),
        ("Cells per image (median)", f"{np.median(counts):g}" if counts else "\N{EN DASH}"),
    ]
    if times.size:
        figures.append(("Seconds per image (median)", shown(float(np.median(times)))))
    model = source.run.get("model")
    if model:
        figures.append(("Model", Path(str(model)).name if isinstance(model, str) else shown(model)))
    return figures


def worst_first(names: Sequence[str], accuracies: Mapping[str, float]) -> list[int]:
    """Numbers of the images, the lowest accuracy first, those without one last.

    >>> worst_first(["a", "b", "c"], {"b": 0.9, "c": 0.2})
    [2, 1, 0]
    """
    return sorted(range(len(names)), key=lambda i: accuracies.get(str(names[i]), 2.0))


def _notes(
    name: str, count: int, record: Mapping[str, Any], accuracies: Mapping[str, float]
) -> tuple[str, ...]:
    notes = [f"accuracy {accuracies[name]:.2f} at IoU 0.50"] if name in accuracies else []
    notes.append(f"{count} cells")
    if isinstance(record.get("seconds"), int | float):
        notes.append(f"{record['seconds']:.2f} s")
    return tuple(notes)


def _scores(source: PredictionSource) -> np.ndarray:
    parts = [source.cells.instances(i).scores for i in range(len(source.cells))]
    return np.concatenate(parts) if parts else np.zeros(0)


def _image_table(
    source: PredictionSource, counts: Sequence[int], records: Mapping[str, Mapping[str, Any]]
) -> Table:
    rows = []
    for i, name in enumerate(source.cells.names):
        height, width = source.cells.shape(i)
        record = records.get(str(name), {})
        rows.append((str(name), int(height), int(width), counts[i], record.get("seconds")))
    return Table("Each image", ("Image", "Rows", "Columns", "Cells", "Seconds"), tuple(rows))
