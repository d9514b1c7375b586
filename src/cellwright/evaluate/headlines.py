"""The figures that people compare: where each stands in the scores, its name, what is better."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Headline:
    """One figure of the scores.

    Parameters
    ----------
    path
        Keys from the scores down to the figure, joined by "/": ``"matching/0.50/accuracy"``.
    name
        What it is called in tables.
    best
        Its value for a perfect prediction; further away is worse.
    """

    path: str
    name: str
    best: float = 1.0


HEADLINES: tuple[Headline, ...] = (
    Headline("matching/0.50/accuracy", "Accuracy at IoU 0.50"),
    Headline("matching/0.75/accuracy", "Accuracy at IoU 0.75"),
    Headline("matching/mean/accuracy", "Mean accuracy, IoU 0.50 to 0.95"),
    Headline("matching/0.50/f1", "F1 at IoU 0.50"),
    Headline("matching/mean/fnr", "AFNR", 0.0),
    Headline("coco/segm/AP", "Mask AP"),
    Headline("coco/segm/AP50", "Mask AP50"),
    Headline("coco/bbox/AP", "Box AP"),
    Headline("panoptic/pq", "Panoptic quality"),
    Headline("aggregated/aji", "AJI"),
    Headline("boundary/f1", "Boundary F1 within 2 px"),
    Headline("boundary/hausdorff95", "Hausdorff 95 of matched cells, px", 0.0),
    Headline("pixel/f1", "Pixel F1 (Dice)"),
    Headline("pixel/iou", "Pixel IoU"),
)


def look_up(scores: Mapping[str, Any], path: str) -> Any:
    """The value under keys joined by "/", or None where one of them is not there.

    >>> look_up({"matching": {"0.50": {"f1": 0.5}}}, "matching/0.50/f1")
    0.5
    >>> look_up({}, "matching/0.50/f1") is None
    True
    """
    value: Any = scores
    for key in path.split("/"):
        if not isinstance(value, Mapping) or key not in value:
            return None
        value = value[key]
    return value


def flatten(figures: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Figures of nested mappings by their joined keys.

    >>> flatten({"pixel": {"f1": 0.5}, "coco": {"segm": {"AP": None}}})
    {'pixel/f1': 0.5, 'coco/segm/AP': None}
    """
    found: dict[str, Any] = {}
    for key, value in figures.items():
        if isinstance(value, Mapping):
            found |= flatten(value, f"{prefix}{key}/")
        else:
            found[f"{prefix}{key}"] = value
    return found
