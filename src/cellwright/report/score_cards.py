"""The figures that a reader looks for first, as cards with their intervals."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cellwright.report.html import Html, cards, paragraph
from cellwright.report.score_tables import INTERVALS, figure
from cellwright.report.tables import Estimate, markup

_CARDS: tuple[tuple[str, str], ...] = (
    ("matching/0.50/accuracy", "Accuracy at IoU 0.50"),
    ("matching/mean/accuracy", "Mean accuracy"),
    ("matching/0.50/f1", "F1 at IoU 0.50"),
    ("matching/mean/fnr", "AFNR (0 is perfect)"),
    ("coco/segm/AP", "Mask AP"),
    ("coco/segm/AP50", "Mask AP50"),
    ("panoptic/pq", "Panoptic quality"),
    ("pixel/f1", "Pixel F1 (Dice)"),
)


def score_cards(scores: Mapping[str, Any]) -> list[Html]:
    """Cards of the headline figures that `scores` have, and what the brackets are."""
    known = [(name, figure(scores, path)) for path, name in _CARDS]
    shown = [(name, markup(value)) for name, value in known if value is not None]
    parts = [cards(shown)] if shown else []
    if any(isinstance(value, Estimate) for _, value in known):
        text = f"{INTERVALS} 1 is perfect unless said otherwise."
        parts.append(paragraph(text, kind="note"))
    return parts
