"""The section of a scores file: cards, a sentence, curves and tables, whole and by tag."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from cellwright.report.calibration_section import calibration_part
from cellwright.report.curve_section import by_threshold, precision_recall
from cellwright.report.group_section import group_parts
from cellwright.report.html import Html, Section, columns, folded, heading, paragraph
from cellwright.report.score_blocks import folded_blocks, pixel_tables
from cellwright.report.score_cards import score_cards
from cellwright.report.score_tables import (
    coco_table,
    every_figure,
    image_name,
    look_up,
    matching_table,
    per_image_table,
    sorted_thresholds,
)
from cellwright.report.score_words import (
    errors_sentence,
    found_sentence,
    gain_sentence,
    image_warnings,
)
from cellwright.report.sources import ScoresSource
from cellwright.report.tables import is_number, settings_table


def score_section(
    source: ScoresSource, *, title: str = "Scores", warnings: Sequence[str] = ()
) -> Section:
    """Scores as cards, sentences, curves and tables.

    Parameters
    ----------
    source
        The scores file, of schema version 1 or 2; blocks may be missing.
    title
        Title of the section.
    warnings
        What a reader must know before the figures, for example that they are out of date.
    """
    scores = source.scores
    settings = scores.get("settings") or {}
    made = f", made {settings['made']}" if settings.get("made") else ""
    images = scores.get("images")
    counted = f"{images:,} {'image' if images == 1 else 'images'}, " if is_number(images) else ""
    start = f"{counted}from {source.path}{made}"
    body: list[Html] = [paragraph(start[0].upper() + start[1:], kind="soft")]
    body += [paragraph(w, kind="warning") for w in (*warnings, *image_warnings(settings))]
    body += score_cards(scores)
    body += [paragraph(text) for text in _sentences(scores) if text]
    thresholds, curves = sorted_thresholds(scores), precision_recall(scores)
    charts = [by_threshold(scores)] if thresholds else []
    matched = matching_table(scores).html()
    if curves:
        body.append(columns(charts + curves[:1]))
        body += [matched] if thresholds else []
    elif thresholds:
        body.append(columns([*charts, matched]))
    if scores.get("coco"):
        tables = [coco_table(scores).html()]
        body.append(columns([*tables, pixel_tables(scores)] if scores.get("pixel") else tables))
    elif scores.get("pixel"):
        body.append(pixel_tables(scores))
    for tag, groups in (scores.get("by") or {}).items():
        body += group_parts(str(tag), groups, scores)
    more = [folded("Precision over recall, boxes", chart) for chart in curves[1:]]
    more += [*folded_blocks(scores), *calibration_part(scores)]
    body += [heading("More scores"), *more] if more else []
    if records := scores.get("per_image") or []:
        table = per_image_table(records)
        body.append(folded(f"Scores of each image ({len(records)})", table.html()))
    whole = every_figure(scores, caption="Every figure")
    body.append(folded(f"Every figure ({len(whole.rows)})", whole.html()))
    if settings:
        table = settings_table("What the scores depend on", settings)
        body.append(folded("What the scores depend on", table.html()))
    return Section(title, tuple(body))


def image_scores(scores: Mapping[str, Any]) -> dict[str, float]:
    """Accuracy at IoU 0.50 by image name, from the `per_image` list."""
    found = {}
    for record in scores.get("per_image") or []:
        value = look_up(record, "matching/0.50/accuracy")
        if value is not None:
            found[image_name(record)] = float(value)
    return found


def _sentences(scores: Mapping[str, Any]) -> tuple[str, ...]:
    more = (errors_sentence(scores), gain_sentence(scores.get("analysis") or []))
    return found_sentence(scores), " ".join(text for text in more if text)
