"""Horizontal bars with intervals: a score by the values of a tag, and what would be gained."""

from __future__ import annotations

from collections.abc import Sequence
from math import isfinite

from cellwright.report.canvas import Canvas, chart, reference_line, reference_name, ticks, x_axis
from cellwright.report.html import Html, escape
from cellwright.report.tables import Estimate, Table, shown

_ROW, _BAR = 30.0, 16.0
_LABEL = 22


def bar_chart(
    rows: Sequence[tuple[str, Estimate | float | None]],
    *,
    title: str,
    label: str,
    value_label: str,
    x_range: tuple[float, float] | None = None,
    reference: tuple[str, float] | None = None,
) -> Html:
    """One bar per row, from zero, with its value and, where it has one, its 95 % interval.

    Parameters
    ----------
    rows
        Name and value of each bar, from the top; a dash stands for a value that is not
        a finite number.
    title, label, value_label
        Plain text: of the chart, of what the rows are, of what the values are.
    x_range
        Lowest and highest value of the axis; from the values and zero if None.
    reference
        Name and value of a line across all bars, for example the value as predicted.
    """
    kept = [(str(name), v if isinstance(v, Estimate) else Estimate(v)) for name, v in rows]
    finite = [_finite(v) for _, v in kept]
    ends = [x for value, (_, v) in zip(finite, kept, strict=True) for x in _ends(value, v)]
    if not ends:
        return Html(f"<p>{escape(title)}: no values.</p>")
    if reference is not None:
        ends.append(reference[1])
    marks = ticks(*(x_range or (min(0.0, *ends), max(0.0, *ends))))
    longest = max(len(name) for name, _ in kept)
    canvas = Canvas(
        (marks[0], marks[-1]),
        (0.0, 1.0),
        height=_ROW * len(kept) + 62.0,
        left=14.0 + 7.4 * min(longest, _LABEL),
        right=62.0,
    )
    drawn = [_grid(canvas, marks), x_axis(canvas, marks, value_label)]
    bars = [
        _bar(canvas, index, name, estimate, value)
        for index, ((name, estimate), value) in enumerate(zip(kept, finite, strict=True))
    ]
    drawn += [bar for bar, _ in bars]
    names = []
    if reference is not None:
        text, x = f"{reference[0]}: {shown(reference[1])}", canvas.x(reference[1])
        drawn.append(reference_line((x, canvas.top), (x, canvas.base), text))
        names.append(reference_name(text))
    drawn += [written for _, written in bars]  # above the line, so that all can be read
    words = "; ".join(f"{name} {estimate}" for name, estimate in kept)
    values = tuple((name, v if v.interval is not None else v.value) for name, v in kept)
    return chart(
        title,
        f"{title}. {value_label} by {label}. {words}",
        "".join(drawn),
        size=(canvas.width, canvas.height),
        names=names,
        values=Table(f"{title}: numbers", (label, value_label), values),
    )


def _bar(
    canvas: Canvas, index: int, name: str, estimate: Estimate, value: float | None
) -> tuple[str, str]:
    """A bar with its interval and name, and its value as a text."""
    top = canvas.top + _ROW * index + (_ROW - _BAR) / 2
    middle = top + _BAR / 2
    short = name if len(name) <= _LABEL else f"{name[: _LABEL - 1]}\N{HORIZONTAL ELLIPSIS}"
    parts = [
        f'<text x="{canvas.left - 7:g}" y="{middle + 4.5:.1f}" text-anchor="end">'
        f"{escape(short)}</text>"
    ]
    reach = _x(canvas, 0.0)
    if value is not None:
        low, high = sorted((reach, _x(canvas, value)))
        parts.append(
            f'<rect x="{low:.1f}" y="{top:.1f}" width="{max(high - low, 0.8):.1f}" '
            f'height="{_BAR:g}" fill="var(--c0)"/>'
        )
        reach = high
    if estimate.interval is not None:
        low, high = (_x(canvas, end) for end in estimate.interval)
        parts.append(
            f'<path class="whisker" d="M{low:.1f} {middle:.1f}H{high:.1f}'
            f'M{low:.1f} {middle - 5:.1f}v10M{high:.1f} {middle - 5:.1f}v10"/>'
        )
        reach = max(reach, high)
    tip = f"<title>{escape(f'{name}: {estimate}')}</title>"
    written = (
        f'<text class="value" x="{reach + 6:.1f}" y="{middle + 4.5:.1f}">'
        f"{shown(estimate.value)}</text>"
    )
    return f"<g>{''.join(parts)}{tip}</g>", written


def _x(canvas: Canvas, value: float) -> float:
    """Place of a value, at the end of the axis if it lies beyond."""
    return canvas.x(min(max(value, canvas.x_span[0]), canvas.x_span[1]))


def _grid(canvas: Canvas, marks: Sequence[float]) -> str:
    return "".join(
        f'<line class="grid" x1="{canvas.x(tick):.1f}" x2="{canvas.x(tick):.1f}" '
        f'y1="{canvas.top:g}" y2="{canvas.base:g}"/>'
        for tick in marks
    )


def _finite(estimate: Estimate) -> float | None:
    value = estimate.value
    return None if value is None or not isfinite(value) else float(value)


def _ends(value: float | None, estimate: Estimate) -> list[float]:
    return [] if value is None else [value, *(estimate.interval or ())]
