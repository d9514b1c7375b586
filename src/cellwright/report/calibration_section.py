"""Whether the scores of predictions say how often they are right."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cellwright.report.html import Html, columns, folded, join, paragraph
from cellwright.report.scatter import Point, scatter
from cellwright.report.score_tables import figure, look_up
from cellwright.report.tables import Table, is_number


def calibration_part(scores: Mapping[str, Any]) -> list[Html]:
    """The reliability diagram and its numbers, to be opened; none where there is no block."""
    block = scores.get("calibration") or {}
    bins = block.get("bins") or {}
    known = {name: b for name, b in bins.items() if b.get("cells") and is_number(b.get("score"))}
    if not known:
        return []
    chart = scatter(
        {"bins of the score": [_point(scores, name) for name in known]},
        title="Reliability of the scores",
        x_label="mean score of the predictions",
        y_label="share that is right",
        span=(0, 1),
        diagonal="as sure as right",
        name_label="Scores",
        weight_label="Predictions",
    )
    text = (
        "Predictions are right that match a true cell at IoU 0.50. Points below the diagonal: "
        "surer than right. Larger points stand for more predictions."
    )
    body = join([paragraph(text, kind="soft"), columns([chart, calibration_table(scores).html()])])
    return [folded("Do the scores of the cells say how sure they are? (calibration)", body)]


def calibration_table(scores: Mapping[str, Any]) -> Table:
    """Predictions, their mean score and the share that is right, by bins of the score."""
    bins = look_up(scores, "calibration/bins") or {}
    rows = tuple(
        (name.replace("-", " to "), block.get("cells"), block.get("score"), right)
        for name, block in bins.items()
        if block.get("cells")
        for right in [figure(scores, f"calibration/bins/{name}/precision")]
    )
    ece, brier = (look_up(scores, f"calibration/{key}") for key in ("ece", "brier"))
    parts = []
    if is_number(ece):
        parts.append(f"Expected calibration error {ece:.3f}: mean distance from the diagonal.")
    if is_number(brier):
        parts.append(f"Brier score {brier:.3f}. Both are 0 if all is right.")
    names = ("Score", "Predictions", "Mean score", "Share right")
    return Table("Calibration of the scores", names, rows, " ".join(parts))


def _point(scores: Mapping[str, Any], name: str) -> Point:
    block = scores["calibration"]["bins"][name]
    found = figure(scores, f"calibration/bins/{name}/precision")
    low, high = getattr(found, "interval", None) or (None, None)
    return Point(
        float(block["score"]),
        float(block["precision"]),
        name=name.replace("-", " to "),
        low=low,
        high=high,
        weight=int(block["cells"]),
    )
