"""Points about a diagonal: reliability of scores, and one method against another."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from cellwright.report.canvas import (
    Canvas,
    axes,
    chart,
    colour,
    finite,
    reference_line,
    reference_name,
    ticks,
)
from cellwright.report.html import Html, escape
from cellwright.report.tables import Estimate, Table, shown

_SHAPES = 4
_SMALLEST, _LARGEST = 3.5, 9.0


@dataclass(frozen=True, slots=True)
class Point:
    """A point of a scatter chart.

    Parameters
    ----------
    x, y
        Its place.
    name
        What it stands for, in its tip and in the table.
    low, high
        Ends of the interval of y; None where there is none.
    weight
        How many cases it stands for; None where that is not shown. Points grow with it.
    """

    x: float
    y: float
    name: str = ""
    low: float | None = None
    high: float | None = None
    weight: float | None = None


def scatter(
    series: Mapping[str, Sequence[Point]],
    *,
    title: str,
    x_label: str,
    y_label: str,
    span: tuple[float, float] | None = None,
    diagonal: str = "",
    name_label: str = "",
    weight_label: str = "Count",
) -> Html:
    """Points on axes of one scale; series differ by colour and shape.

    A series keeps its colour where another one is empty, so that charts can be read together.
    Points whose x or y is not finite are left out.

    Parameters
    ----------
    series
        Points by name of their series.
    title, x_label, y_label
        Plain text.
    span
        Lowest and highest value of both axes; from the points if None.
    diagonal
        What lies on the diagonal, for example "as sure as right"; "" for no diagonal.
    name_label, weight_label
        Column names of names and weights in the table of numbers.
    """
    kept = {
        name: [p for p in points if len(finite([p.x], [p.y]))] for name, points in series.items()
    }
    kept = {name: points for name, points in kept.items() if points}
    if not kept:
        return Html(f"<p>{escape(title)}: no values.</p>")
    everything = [p for points in kept.values() for p in points]
    values = [v for p in everything for v in (p.x, p.y, p.low, p.high) if v is not None]
    marks = ticks(*(span or (min(values), max(values))))
    canvas = Canvas((marks[0], marks[-1]), (marks[0], marks[-1]), width=400.0, height=370.0)
    most = max((p.weight for p in everything if p.weight is not None), default=0.0)
    drawn = [axes(canvas, marks, marks, x_label, y_label)]
    if diagonal:
        low, high = ((canvas.x(mark), canvas.y(mark)) for mark in (marks[0], marks[-1]))
        drawn.append(reference_line(low, high, diagonal))
    order = {name: index for index, name in enumerate(series)}
    for name, points in kept.items():
        shown_name = name if len(kept) > 1 else ""
        drawn += [_point(canvas, p, order[name], most, shown_name) for p in points]
    names = [_legend(name, order[name]) for name in kept if len(kept) > 1]
    names += [reference_name(diagonal)] if diagonal else []
    above = sum(p.y > p.x for p in everything)
    text = f"{title}. {x_label} against {y_label}, {len(everything)} points"
    text += f", {above} above the diagonal" if diagonal else ""
    return chart(
        title,
        text,
        "".join(drawn),
        size=(canvas.width, canvas.height),
        names=names,
        values=_values(title, kept, (name_label, x_label, y_label, weight_label)),
    )


def _point(canvas: Canvas, point: Point, index: int, most: float, series: str) -> str:
    x, y = canvas.x(point.x), canvas.y(point.y)
    size = 4.5
    if point.weight is not None and most > 0:
        size = _SMALLEST + (_LARGEST - _SMALLEST) * (max(point.weight, 0) / most) ** 0.5
    estimate = Estimate(point.y, point.low, point.high)
    words = [w for w in (series, point.name) if w]
    tip = f"{', '.join(words)}: " if words else ""
    tip += f"{shown(float(point.x))}, {estimate}"
    tip += f", {shown(point.weight)}" if point.weight is not None else ""
    bar = ""
    if estimate.interval is not None:
        low, high = (
            canvas.y(min(max(v, canvas.y_span[0]), canvas.y_span[1])) for v in estimate.interval
        )
        bar = f'<path class="whisker" d="M{x:.1f} {low:.1f}V{high:.1f}" stroke="{colour(index)}"/>'
    return f"<g>{bar}{_shape(x, y, size, index)}<title>{escape(tip)}</title></g>"


def _shape(x: float, y: float, size: float, index: int) -> str:
    """A circle, square, triangle or diamond about a place."""
    style = f'class="mark" fill="{colour(index)}"'
    kind = index % _SHAPES
    if kind == 0:
        return f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{size:.1f}" {style}/>'
    corners = (
        ((-0.9, -0.9), (0.9, -0.9), (0.9, 0.9), (-0.9, 0.9)),
        ((0, -1.2), (1.1, 0.8), (-1.1, 0.8)),
        ((0, -1.25), (1.25, 0), (0, 1.25), (-1.25, 0)),
    )[kind - 1]
    path = " ".join(f"{x + size * a:.1f},{y + size * b:.1f}" for a, b in corners)
    return f'<polygon points="{path}" {style}/>'


def _legend(name: str, index: int) -> Html:
    mark = _shape(15, 5, 4, index)
    return Html(f'<li><svg viewBox="0 0 30 10" aria-hidden="true">{mark}</svg>{escape(name)}</li>')


def _values(
    title: str, series: Mapping[str, Sequence[Point]], labels: tuple[str, str, str, str]
) -> Table:
    """The points as a table; columns that nobody fills are left out."""
    rows = [
        (name, p.name, float(p.x), _estimate(p), p.weight)
        for name, points in series.items()
        for p in points
    ]
    used = (
        len(series) > 1,
        any(row[1] for row in rows),
        True,
        True,
        any(row[4] is not None for row in rows),
    )
    chosen = [i for i, use in enumerate(used) if use]
    columns = ("Series", *labels)
    return Table(
        f"{title}: numbers",
        tuple(columns[i] for i in chosen),
        tuple(tuple(row[i] for i in chosen) for row in rows),
    )


def _estimate(point: Point) -> Estimate | float:
    estimate = Estimate(float(point.y), point.low, point.high)
    return float(point.y) if estimate.interval is None else estimate
