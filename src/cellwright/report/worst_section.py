"""The worst cells as crops with their outlines, kind by kind."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from cellwright.report.crops import Cropper
from cellwright.report.frames import prediction_frame, truth_frame
from cellwright.report.freshness import scored_of
from cellwright.report.html import Html, Section, escape, folded, heading, join, paragraph
from cellwright.report.pictures import Frame, switches
from cellwright.report.sources import DatasetSource, PredictionSource, ScoresSource
from cellwright.report.tables import Table
from cellwright.types import InputError

#: Kind -> heading, what is shown and which comes first, and what one of them is.
KINDS: dict[str, tuple[str, str, str]] = {
    "missed": (
        "Missed cells",
        "True cells that no prediction matches, the largest first.",
        "missed",
    ),
    "merge": (
        "Merged cells",
        "Predictions that join two true cells or more, the largest first.",
        "merged",
    ),
    "split": ("Split cells", "True cells that are predicted in parts, the largest first.", "split"),
    "spurious": ("False cells", "Predictions without a true cell, the surest first.", "false"),
    "duplicate": ("Duplicates", "Second predictions of one cell, the surest first.", "duplicate"),
    "misfit": (
        "Poor outlines",
        "Found, but with an IoU below 0.75; the poorest first.",
        "poor outline",
    ),
}
PER_KIND = 6
_WIDTH = 160


def worst_section(
    source: ScoresSource,
    predicted: Sequence[PredictionSource],
    truths: Sequence[DatasetSource],
    *,
    title: str = "Worst cells",
    budget: int,
) -> tuple[Section | None, tuple[tuple[str, str], ...]]:
    """Crops of the worst cells, as far as their images can be had, and a table of all.

    Outlines are drawn of those predictions and true cells the scores were made from.

    Parameters
    ----------
    source
        The scores.
    predicted, truths
        What the page shows.
    title
        Title of the section.
    budget
        Characters that the crops should not pass; what is left is not drawn, and said so.

    Returns
    -------
    Section, tuple
        The section, None if the scores hold no worst cells; name and reason of each image
        that could not be read.
    """
    cells = source.scores.get("worst_cells") or []
    if not cells:
        return None, ()
    runs = scored_of(source.scores, "pred", predicted)
    data = scored_of(source.scores, "truth", truths)
    wanted = [(k, c) for k in KINDS for c in [c for c in cells if c.get("kind") == k][:PER_KIND]]
    drawn, failed, kinds = _draw([cell for _, cell in wanted], runs, data)
    body: list[Html] = []
    if drawn:
        text = "White corners: the box of the cell that is meant."
        body += [paragraph(text, kind="note"), switches(kinds)]
    left = budget
    for kind, (name, words, _) in KINDS.items():
        figures = []
        for k, cell in wanted:
            figure = drawn.get(_key(cell)) if k == kind else None
            if figure is not None and len(figure) <= left:
                figures.append(figure)
                left -= len(figure)
        if figures:
            body += [heading(name), paragraph(words, kind="soft"), _gallery(figures)]
    if not drawn:
        text = "Their images are not among the sources: add the prediction folder or the data set."
        body.append(paragraph(text, kind="note"))
    table = worst_table(cells)
    body.append(folded(f"All cells listed ({len(cells)})", table.html()))
    return Section(title, tuple(body)), failed


def worst_table(cells: Sequence[Mapping[str, Any]]) -> Table:
    """Every listed cell: kind, image, place, size, score and fit."""
    rows = tuple(
        (
            KINDS.get(str(c.get("kind")), (str(c.get("kind")),))[-1],
            str(c.get("image")),
            str(c.get("side")),
            c.get("cell"),
            *(c.get("box") or (None,) * 4)[:2],
            c.get("area"),
            c.get("score"),
            c.get("iou"),
        )
        for c in cells
    )
    names = ("Kind", "Image", "Cell of", "Number", "Row", "Column", "Area, px", "Score", "IoU")
    return Table("Worst cells", names, rows, "Row and column are the upper left of its box.")


def caption(cell: Mapping[str, Any]) -> Html:
    """Image, kind, size, score and fit of a cell in words."""
    notes = [KINDS.get(str(cell.get("kind")), (str(cell.get("kind")),))[-1]]
    if cell.get("area") is not None:
        notes.append(f"{cell['area']:,} px")
    if cell.get("score") is not None:
        notes.append(f"score {cell['score']:.2f}")
    if cell.get("iou") is not None:
        notes.append(f"IoU {cell['iou']:.2f}")
    text = join([escape(note) for note in notes], " \N{MIDDLE DOT} ")
    return Html(f"<strong>{escape(cell.get('image', ''))}</strong><br><span>{text}</span>")


def _draw(
    cells: Sequence[Mapping[str, Any]],
    runs: Sequence[PredictionSource],
    data: Sequence[DatasetSource],
) -> tuple[dict[tuple[Any, ...], Html], tuple[tuple[str, str], ...], frozenset[str]]:
    """Figures of cells by `_key`; each image is read once."""
    drawn: dict[tuple[Any, ...], Html] = {}
    failed, kinds = [], set()
    for image in dict.fromkeys(str(cell.get("image")) for cell in cells):
        frame = _frame(image, runs, data)
        if frame is None or frame.image is None:
            continue
        try:
            cropper = Cropper(
                frame.image(),
                prediction=frame.prediction() if frame.prediction else None,
                truth=frame.truth() if frame.truth else None,
            )
            for cell in cells:
                if str(cell.get("image")) == image and cell.get("box"):
                    name = f"{KINDS[cell['kind']][0]} of {image}"
                    drawn[_key(cell)] = cropper.figure(cell["box"], caption(cell), name)
        except (InputError, OSError) as error:
            failed.append((image, " ".join(str(error).split())))
            continue
        kinds |= {k for k in ("prediction", "truth") if getattr(frame, k) is not None}
    if any('class="layer overlap"' in figure for figure in drawn.values()):
        kinds.add("overlap")
    return drawn, tuple(failed), frozenset(kinds)


def _frame(
    image: str, runs: Sequence[PredictionSource], data: Sequence[DatasetSource]
) -> Frame | None:
    for run in runs:
        if image in run.cells.names:
            return prediction_frame(run, run.cells.names.index(image), data)
    return truth_frame(image, data)


def _key(cell: Mapping[str, Any]) -> tuple[Any, ...]:
    return cell.get("image"), cell.get("kind"), cell.get("cell")


def _gallery(figures: Sequence[Html]) -> Html:
    """Small figures side by side."""
    size = f"grid-template-columns:repeat(auto-fill,minmax(min(45%,{_WIDTH}px),1fr))"
    return Html(f'<div class="gallery" style="{size}">{"".join(figures)}</div>')
