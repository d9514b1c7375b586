"""Scores by the values of a tag: a chart, a table with intervals, and every figure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from cellwright.report.bars import bar_chart
from cellwright.report.curve_section import band
from cellwright.report.figures import line_chart
from cellwright.report.html import Html, columns, folded, heading, join
from cellwright.report.score_tables import (
    INTERVALS,
    as_float,
    every_figure,
    figure,
    is_text_number,
    look_up,
    sorted_thresholds,
    unbroken,
)
from cellwright.report.tables import Estimate, Table, is_number

_NO_TAG = "(none)"
_SHOWN = (
    ("images", "Images"),
    ("truth", "True cells"),
    ("predicted", "Predicted"),
    ("matching/0.50/accuracy", "Accuracy @0.50"),
    ("matching/mean/fnr", "AFNR"),
    ("coco/segm/AP", "Mask AP"),
    ("pixel/f1", "Pixel F1 (Dice)"),
)
_DRAWN = (("matching/0.50/accuracy", "Accuracy at IoU 0.50"), ("coco/segm/AP", "Mask AP"))
_MOST_BARS, _MOST_LINES, _MOST_COLUMNS = 30, 8, 12


def group_parts(
    tag: str, groups: Mapping[str, Mapping[str, Any]], whole: Mapping[str, Any]
) -> list[Html]:
    """The part of a score section about one tag.

    Parameters
    ----------
    tag
        Name of the tag.
    groups
        Scores by its values, from the `by` block.
    whole
        Scores of all images, drawn as a line across the bars.
    """
    names, unit = short_names(list(groups))
    named = dict(zip(names, groups.values(), strict=True))
    parts = [heading(f"By {tag}{f' ({unit})' if unit else ''}")]
    drawn = numeric_charts(tag, named) if is_scale(names) else bar_charts(tag, unit, named, whole)
    if drawn:
        parts.append(columns(drawn))
    parts.append(group_table(tag, named).html())
    more = [*by_threshold(tag, named)]
    if len(named) <= _MOST_COLUMNS:
        more.append(all_figures(tag, named).html())
    if more:
        parts.append(folded(f"More figures by {tag}", join(more)))
    return parts


def short_names(names: Sequence[str]) -> tuple[list[str], str]:
    """Names without the words that all end with, and those words.

    >>> short_names(["1 to 4 px of the median", "5 to 9 px of the median"])
    (['1 to 4', '5 to 9'], 'px of the median')
    >>> short_names(["A549", "MCF7"])
    (['A549', 'MCF7'], '')
    """
    words = [str(name).split(" ") for name in names]
    shared = 0
    while len(words) > 1 and shared < min(map(len, words)) - 1:
        if len({w[-1 - shared] for w in words}) > 1:
            break
        shared += 1
    if not shared or len({" ".join(w[:-shared]) for w in words}) < len(words):
        return [str(name) for name in names], ""
    return [" ".join(w[:-shared]) for w in words], " ".join(words[0][-shared:])


def is_scale(names: Sequence[str]) -> bool:
    """Whether the values of a tag are three numbers or more, such as z-levels."""
    values = [name for name in names if name != _NO_TAG]
    return len(values) > 2 and all(is_text_number(name) for name in values)


def numeric_charts(tag: str, groups: Mapping[str, Mapping[str, Any]]) -> list[Html]:
    """Accuracy and AP as lines over the value of the tag, with bands for their intervals."""
    points = sorted((float(name), s) for name, s in groups.items() if name != _NO_TAG)
    lines, bands = {}, {}
    for path, label in _DRAWN:
        values = [(x, figure(scores, path)) for x, scores in points]
        if all(value is None for _, value in values):
            continue
        lines[label] = ([x for x, _ in values], [as_float(_value(v)) for _, v in values])
        if shade := band(values):
            bands[label] = shade
    if not lines:
        return []
    title = f"Score by {tag}"
    return [
        line_chart(lines, title=title, x_label=tag, y_label="score", y_range=(0, 1), bands=bands)
    ]


def bar_charts(
    tag: str, unit: str, groups: Mapping[str, Mapping[str, Any]], whole: Mapping[str, Any]
) -> list[Html]:
    """Accuracy and AP as bars; of very many values those of the lowest score."""
    charts = []
    for path, label in _DRAWN:
        rows = [(name, figure(scores, path)) for name, scores in groups.items()]
        rows = [row for row in rows if row[1] is not None]
        if not rows:
            continue
        title = f"{label} by {tag}"
        if len(rows) > _MOST_BARS:
            rows = sorted(rows, key=lambda row: _value(row[1]))[:_MOST_BARS]
            title += f", the {_MOST_BARS} lowest of {len(groups)}"
        value = look_up(whole, path)
        charts.append(
            bar_chart(
                rows,
                title=title,
                label=f"{tag} ({unit})" if unit else tag,
                value_label=label,
                x_range=(0, 1),
                reference=("all images", float(value)) if is_number(value) else None,
            )
        )
    return charts


def group_table(tag: str, groups: Mapping[str, Mapping[str, Any]]) -> Table:
    """The main scores of each value of a tag, with their intervals."""
    used = [
        (path, label)
        for path, label in _SHOWN
        if any(look_up(scores, path) is not None for scores in groups.values())
    ]
    rows = tuple(
        (unbroken(name), *(figure(scores, path) for path, _ in used))
        for name, scores in groups.items()
    )
    known = any(isinstance(value, Estimate) for row in rows for value in row)
    note = INTERVALS if known else ""
    return Table(f"Scores by {tag}", (tag, *(label for _, label in used)), rows, note)


def by_threshold(tag: str, groups: Mapping[str, Mapping[str, Any]]) -> list[Html]:
    """Accuracy over IoU, a line for each value of the tag."""
    lines = {}
    for name, scores in groups.items():
        blocks = sorted_thresholds(scores)
        if blocks:
            lines[name] = (
                [float(t) for t, _ in blocks],
                [as_float(block.get("accuracy")) for _, block in blocks],
            )
    if not 1 < len(lines) <= _MOST_LINES:
        return []
    title = f"Accuracy over IoU, by {tag}"
    return [
        line_chart(lines, title=title, x_label="IoU threshold", y_label="accuracy", y_range=(0, 1))
    ]


def all_figures(tag: str, groups: Mapping[str, Mapping[str, Any]]) -> Table:
    """Every figure of each value of the tag."""
    tables = [every_figure(scores, caption="").rows for scores in groups.values()]
    found = [dict(rows) for rows in tables]
    paths = dict.fromkeys(path for rows in found for path in rows)
    rows = tuple((path, *(values.get(path) for values in found)) for path in paths)
    return Table(f"Every figure by {tag}", ("Figure", *groups), rows)


def _value(value: Any) -> Any:
    return value.value if isinstance(value, Estimate) else value
