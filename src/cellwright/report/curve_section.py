"""Curves of scores: accuracy over IoU with its interval, and precision over recall."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cellwright.report.figures import Band, line_chart
from cellwright.report.html import Html
from cellwright.report.score_tables import as_float, figure, look_up, sorted_thresholds
from cellwright.report.tables import Estimate

_LINES = (("accuracy", "Accuracy"), ("precision", "Precision"), ("recall", "Recall"), ("f1", "F1"))
_CURVES = (("0.50", "IoU 0.50"), ("0.75", "IoU 0.75"), ("mean", "mean of IoU 0.50 to 0.95"))


def by_threshold(scores: Mapping[str, Any]) -> Html:
    """Accuracy with its 95 % interval, precision, recall and F1 over the IoU threshold."""
    blocks = sorted_thresholds(scores)
    lines = {
        name: (
            [float(t) for t, _ in blocks],
            [as_float(block.get(key)) for _, block in blocks],
        )
        for key, name in _LINES
    }
    shade = band([(float(t), figure(scores, f"matching/{t}/accuracy")) for t, _ in blocks])
    return line_chart(
        lines,
        title="Cells found, by how well they must fit",
        x_label="IoU threshold",
        y_label="score",
        y_range=(0, 1),
        bands={"Accuracy": shade} if shade else None,
    )


def precision_recall(scores: Mapping[str, Any]) -> list[Html]:
    """Precision over recall, of masks and of boxes; none where scores have no curves."""
    charts = []
    for kind, name in (("segm", "masks"), ("bbox", "boxes")):
        recall = look_up(scores, f"curves/{kind}/recall")
        precision = look_up(scores, f"curves/{kind}/precision") or {}
        lines = {
            label: (recall, [as_float(v) for v in precision[key]])
            for key, label in _CURVES
            if recall and precision.get(key)
        }
        if lines:
            charts.append(
                line_chart(
                    lines,
                    title=f"Precision over recall, {name}",
                    x_label="recall: true cells found, surest predictions first",
                    y_label="precision",
                    y_range=(0, 1),
                )
            )
    return charts


def band(points: list[tuple[float, Any]]) -> Band | None:
    """x, low and high of the points that have an interval; None if none has one."""
    known = [(x, *v.interval) for x, v in points if isinstance(v, Estimate) and v.interval]
    if not known:
        return None
    xs, low, high = zip(*known, strict=True)
    return xs, low, high
