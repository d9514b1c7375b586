"""The page of a comparison of runs: what it comes to, figures, curves, tags, images."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from cellwright.evaluate.contest import RunComparison
from cellwright.evaluate.verdict import sentences
from cellwright.report.bars import bar_chart
from cellwright.report.compare_pictures import Sheet, side_by_side
from cellwright.report.compare_tables import (
    estimate,
    figures_table,
    image_figure,
    images_table,
    nearest,
    pairs_table,
    tag_table,
)
from cellwright.report.figures import line_chart
from cellwright.report.html import (
    Html,
    Section,
    cards,
    columns,
    escape,
    heading,
    page,
    paragraph,
)
from cellwright.report.pictures import Track
from cellwright.report.scatter import Point, scatter
from cellwright.report.score_tables import sorted_thresholds
from cellwright.report.tables import Estimate, markup, settings_table, shown

BUDGET = 12_000_000
_BEST = "\N{BLACK STAR}"
#: Figures on the cards, beside the main one.
_CARDS = (
    "matching/mean/accuracy",
    "matching/mean/fnr",
    "coco/segm/AP",
    "panoptic/pq",
    "pixel/f1",
)
#: Figures in pixels, which do not go on an axis with shares.
_LENGTHS = ("boundary/hausdorff95",)


def compare_page(
    found: RunComparison,
    sheets: Sequence[Sheet] = (),
    *,
    track: Track,
    title: str | None = None,
) -> tuple[str, tuple[tuple[str, str], ...]]:
    """One self-contained page of a comparison.

    Parameters
    ----------
    found
        The comparison.
    sheets
        Images to be shown with the cells of each run.
    track
        Shows progress: called with frames and a description.
    title
        Title of the page; from the names of the runs if None.

    Returns
    -------
    str, tuple
        The page, and name and reason of each picture that could not be drawn.
    """
    sections = [
        Section("What it comes to", tuple(_outcome(found))),
        Section("Figures", tuple(_figures(found))),
        Section("Curves", tuple(_curves(found))),
    ]
    for tag, groups in found.by.items():
        sections.append(Section(f"By {tag}", (tag_table(found, tag, groups).html(),)))
    sections.append(Section("Images", tuple(_images(found))))
    pictures, failed = side_by_side(sheets, image_figure(found), budget=BUDGET, track=track)
    if pictures:
        sections.append(Section("Images side by side", tuple(pictures)))
    settings: dict[str, Any] = {**found.settings, "versions": dict(found.versions)}
    body = [settings_table("What the comparison depends on", settings).html()]
    sections.append(Section("Settings", tuple(body)))
    name = title or " and ".join([", ".join(found.runs[:-1]), found.runs[-1]]) + " compared"
    made = f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC"
    lead = paragraph(
        f"Made {made} from {len(found.runs)} runs on {found.images} images.", kind="soft"
    )
    foot = paragraph("Made by Cellwright. This page is one file and loads nothing.")
    return page(name, sections, lead=lead, foot=foot), failed


def _outcome(found: RunComparison) -> list[Html]:
    first, *rest = sentences(found)
    parts = [paragraph(Html(f"<strong>{escape(first)}</strong>")), *map(paragraph, rest)]
    for run, lost in found.missing.items():
        names = ", ".join(lost[:5]) + (f" and {len(lost) - 5} more" if len(lost) > 5 else "")
        parts.append(
            paragraph(
                f"{run} lacks {len(lost)} images that another run has; they are not compared: "
                f"{names}.",
                kind="warning",
            )
        )
    every = [_cards(found, run) for run in found.runs]
    parts += [columns(every)] if len(every) == 2 else every
    parts.append(
        paragraph(f"{_BEST} nearest to perfect of the runs, whether settled or not.", kind="note")
    )
    return parts


def _cards(found: RunComparison, run: str) -> Html:
    values: list[tuple[str, Any]] = [
        ("True cells", shown(found.truth)),
        ("Predicted cells", shown(found.scores.get(run, {}).get("predicted"))),
    ]
    for figure in found.figures:
        if figure.path == found.main or figure.path in _CARDS:
            mark = f"\N{NO-BREAK SPACE}{_BEST}" if nearest(figure) == run else ""
            values.append((f"{figure.name}{mark}", markup(estimate(figure.values[run]))))
    return Html(heading(run) + cards(values))


def _figures(found: RunComparison) -> list[Html]:
    parts = [figures_table(found).html()]
    best, second = found.ranking[:2]
    rows = [
        (_short(figure.name), _gain(figure.best, figure.difference(best, second)))
        for figure in found.figures
        if figure.path not in _LENGTHS
    ]
    parts.append(
        bar_chart(
            [(name, value) for name, value in rows if value is not None],
            title=f"By how much {best} is better than {second}",
            label="figure",
            value_label="difference, the better way to the right",
        )
    )
    if len(found.runs) > 2:
        parts.append(pairs_table(found).html())
    return parts


def _short(name: str) -> str:
    """The name of a figure without its settings, for a chart: "Mean accuracy", "Boundary F1"."""
    return name.partition(",")[0].partition(" within")[0]


def _gain(best: float, difference: Any) -> Estimate | None:
    """A difference with its sign such that more is better, for figures between 0 and 1."""
    if difference.value is None or best not in (0.0, 1.0):
        return None
    if best:
        return Estimate(difference.value, difference.low, difference.high)
    ends = (None, None) if difference.low is None else (-difference.high, -difference.low)
    return Estimate(-difference.value, *ends)


def _curves(found: RunComparison) -> list[Html]:
    over_iou = {run: _over_iou(found.scores[run]) for run in found.runs}
    charts = [
        line_chart(
            over_iou,
            title="Accuracy, by how well cells must fit",
            x_label="IoU threshold",
            y_label="accuracy",
            y_range=(0, 1),
        )
    ]
    for key, noun in (("0.50", "IoU 0.50"), ("mean", "mean over IoU 0.50 to 0.95")):
        lines = {
            run: (curve["recall"], curve["precision"][key])
            for run in found.runs
            if (curve := found.curves.get(run, {}).get("segm"))
        }
        if lines:
            charts.append(
                line_chart(
                    lines,
                    title=f"Precision over recall of masks, {noun}",
                    x_label="recall",
                    y_label="precision",
                    y_range=(0, 1),
                )
            )
    return [columns(charts)]


def _over_iou(scores: Mapping[str, Any]) -> tuple[list[float], list[float]]:
    rows = sorted_thresholds(scores)
    return [float(t) for t, _ in rows], [float(row["accuracy"]) for _, row in rows]


def _images(found: RunComparison) -> list[Html]:
    best, second = found.ranking[:2]
    points = [
        Point(r["values"][second], r["values"][best], name=str(r["name"]))
        for r in found.per_image
        if r["values"][second] is not None and r["values"][best] is not None
    ]
    chart = scatter(
        {"images": points},
        title=f"{image_figure(found)} of each image",
        x_label=second,
        y_label=best,
        diagonal="both the same",
        name_label="Image",
    )
    return [columns([chart, images_table(found).html()])]
