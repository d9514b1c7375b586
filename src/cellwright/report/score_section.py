"""The section of a scores file: cards, tables and accuracy over IoU."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cellwright.report.figures import line_chart
from cellwright.report.html import Html, Section, cards, columns, folded, heading, paragraph
from cellwright.report.score_tables import (
    SUMMARY,
    coco_table,
    group_table,
    look_up,
    matching_table,
    pixel_table,
    sorted_thresholds,
)
from cellwright.report.sources import ScoresSource
from cellwright.report.tables import Table, settings_table, shown

_LINES = (("accuracy", "Accuracy"), ("precision", "Precision"), ("recall", "Recall"), ("f1", "F1"))


def score_section(source: ScoresSource, *, title: str = "Scores") -> Section:
    """Scores as cards, curves and tables, whole and by tag."""
    scores = source.scores
    values = [(label, look_up(scores, path)) for label, path in SUMMARY]
    body: list[Html] = [
        paragraph(f"From {source.path}", kind="soft"),
        cards([(label, shown(value)) for label, value in values if value is not None]),
    ]
    matching = sorted_thresholds(scores)
    if matching:
        body.append(columns([_by_threshold(scores), matching_table(scores).html()]))
    tables = [
        table.html()
        for key, table in (("pixel", pixel_table(scores)), ("coco", coco_table(scores)))
        if scores.get(key)
    ]
    if tables:
        body.append(columns(tables))
    for tag, groups in (scores.get("by") or {}).items():
        body += _by_tag(str(tag), groups)
    per_image = scores.get("per_image") or []
    if per_image:
        table = per_image_table(per_image)
        body.append(folded(f"Scores of each image ({len(per_image)})", table.html()))
    if scores.get("settings"):
        body.append(settings_table("What the scores depend on", scores["settings"]).html())
    return Section(title, tuple(body))


def image_scores(scores: Mapping[str, Any]) -> dict[str, float]:
    """Accuracy at IoU 0.50 by image name, from the `per_image` list."""
    found = {}
    for record in scores.get("per_image") or []:
        value = look_up(record, ("matching", "0.50", "accuracy"))
        if value is not None:
            found[_name(record)] = float(value)
    return found


def per_image_table(records: list[Mapping[str, Any]]) -> Table:
    """The main scores of each image."""
    used = [
        (label, path)
        for label, path in SUMMARY
        if label != "Images" and any(look_up(r, path) is not None for r in records)
    ]
    counts = [
        (label, ("matching", "0.50", key))
        for label, key in (("TP", "tp"), ("FP", "fp"), ("FN", "fn"))
    ]
    rows = tuple(
        (_name(record), *(look_up(record, path) for _, path in counts + used)) for record in records
    )
    names = ("Image", *(f"{label} @0.50" for label, _ in counts), *(label for label, _ in used))
    return Table("Scores of each image", names, rows)


def _by_threshold(scores: Mapping[str, Any]) -> Html:
    blocks = sorted_thresholds(scores)
    lines = {
        label: (
            [float(threshold) for threshold, _ in blocks],
            [_float(block.get(key)) for _, block in blocks],
        )
        for key, label in _LINES
    }
    return line_chart(
        lines,
        title="Cells found, by how well they must fit",
        x_label="IoU threshold",
        y_label="score",
        y_range=(0, 1),
    )


def _by_tag(tag: str, groups: Mapping[str, Mapping[str, Any]]) -> list[Html]:
    parts = [group_table(tag, groups).html()]
    lines = {}
    for value, scores in groups.items():
        blocks = sorted_thresholds(scores)
        if blocks:
            lines[f"{value}"] = (
                [float(threshold) for threshold, _ in blocks],
                [_float(block.get("accuracy")) for _, block in blocks],
            )
    if 1 < len(lines) <= 8:
        parts.append(
            line_chart(
                lines,
                title=f"Accuracy by {tag}",
                x_label="IoU threshold",
                y_label="accuracy",
                y_range=(0, 1),
            )
        )
    return [heading(f"By {tag}"), *parts]


def _name(record: Mapping[str, Any]) -> str:
    return str(record.get("image", record.get("name", "")))


def _float(value: Any) -> float:
    return float("nan") if value is None else float(value)
