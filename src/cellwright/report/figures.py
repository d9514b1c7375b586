"""Line charts and histograms as inline SVG, told apart by colour, dash and legend.

Every chart has a title, a text in place of the drawing, tips at its points, and its
numbers as a table that opens below it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import ceil, floor

import numpy as np

from cellwright.report.canvas import (
    Canvas,
    axes,
    chart,
    colour,
    finite,
    line_name,
    stroke,
    ticks,
)
from cellwright.report.html import Html, escape
from cellwright.report.tables import Estimate, Table

Series = tuple[Sequence[float], Sequence[float]]
Band = tuple[Sequence[float], Sequence[float], Sequence[float]]
_POINTS_MARKED = 24


def line_chart(
    series: Mapping[str, Series],
    *,
    title: str,
    x_label: str,
    y_label: str,
    y_range: tuple[float, float] | None = None,
    bands: Mapping[str, Band] | None = None,
) -> Html:
    """Lines over a common x axis, with intervals as shaded bands.

    Points that are not finite are left out, and the line goes on at the next one.

    Parameters
    ----------
    series
        x and y values by name of the line.
    title, x_label, y_label
        Plain text.
    y_range
        Lowest and highest y; from the values if None.
    bands
        x, lower and upper y of the interval, by name of a line.
    """
    lines = {name: finite(*points) for name, points in series.items()}
    lines = {name: points for name, points in lines.items() if len(points)}
    if not lines:
        return Html(f"<p>{escape(title)}: no values.</p>")
    shades = {name: finite(*band) for name, band in (bands or {}).items() if name in lines}
    everything = np.concatenate(list(lines.values()))
    x_ticks = ticks(everything[:, 0].min(), everything[:, 0].max())
    heights = np.concatenate([everything[:, 1], *(band[:, 1:].ravel() for band in shades.values())])
    low, high = y_range or (heights.min(), heights.max())
    y_ticks = ticks(low, high)
    x_span = (min(x_ticks[0], everything[:, 0].min()), max(x_ticks[-1], everything[:, 0].max()))
    canvas = Canvas(x_span, (y_ticks[0], y_ticks[-1]))
    order = {name: index for index, name in enumerate(lines)}
    drawn = [_band(canvas, band, order[name]) for name, band in shades.items()]
    drawn += [_line(canvas, name, points, order[name]) for name, points in lines.items()]
    ends = "; ".join(f"{name} ends at {points[-1, 1]:.4g}" for name, points in lines.items())
    shaded = ". Shaded: 95 % intervals" if shades else ""
    return chart(
        title,
        f"{title}. {x_label} against {y_label}. {ends}{shaded}",
        axes(canvas, x_ticks, y_ticks, x_label, y_label) + "".join(drawn),
        names=[line_name(name, index) for name, index in order.items()],
        values=_line_values(title, x_label, lines, shades),
    )


def histogram(
    values: Sequence[float] | np.ndarray, *, title: str, x_label: str, bins: int = 30
) -> Html:
    """Counts of values in equal bins up to their 99th percentile; the last bin holds the rest."""
    numbers = np.asarray(values, float)
    numbers = numbers[np.isfinite(numbers)]
    if not numbers.size:
        return Html(f"<p>{escape(title)}: no values.</p>")
    edges = _edges(numbers, bins)
    counts, _ = np.histogram(np.minimum(numbers, edges[-1]), edges)
    whole = np.array_equal(numbers, numbers.round())
    x_ticks = [t for t in ticks(edges[0], edges[-1], whole=whole) if edges[0] <= t <= edges[-1]]
    y_ticks = ticks(0, float(counts.max()), whole=True)
    canvas = Canvas((edges[0], edges[-1]), (0.0, y_ticks[-1]))
    filled = [
        (float(a), float(b), int(n))
        for a, b, n in zip(edges[:-1], edges[1:], counts, strict=True)
        if n
    ]
    bars = "".join(
        f'<rect x="{canvas.x(a) + 0.5:.1f}" y="{canvas.y(n):.1f}" '
        f'width="{max(canvas.x(b) - canvas.x(a) - 1, 0.8):.1f}" '
        f'height="{canvas.y(0) - canvas.y(n):.1f}" fill="var(--c0)">'
        f"<title>{a:.4g} to {b:.4g}: {n}</title></rect>"
        for a, b, n in filled
    )
    median = float(np.median(numbers))
    return chart(
        title,
        f"{title}. {numbers.size} values, median {median:.4g}",
        axes(canvas, x_ticks, y_ticks, x_label, "count") + bars,
        values=Table(f"{title}: counts", ("From", "To", "Count"), tuple(filled)),
    )


def _edges(numbers: np.ndarray, bins: int) -> np.ndarray:
    """Edges of the bins of a histogram; of whole numbers they lie between the numbers."""
    low, high = float(numbers.min()), float(np.percentile(numbers, 99))
    if not np.array_equal(numbers, numbers.round()):
        return np.linspace(low, high if high > low else low + 1, bins + 1)
    width = max(1, ceil((high - low + 1) / bins))
    start = floor(low) - (0.5 if width == 1 else 0.0)
    edges = np.arange(start, ceil(high) + width + 1, width, dtype=float)
    return edges[: 1 + max(1, ceil((high + 1e-9 - start) / width))]


def _line(canvas: Canvas, name: str, points: np.ndarray, index: int) -> str:
    path = " ".join(f"{canvas.x(x):.1f},{canvas.y(y):.1f}" for x, y in points)
    line = f'<polyline points="{path}" stroke-linejoin="round" {stroke(index)}/>'
    if len(points) > _POINTS_MARKED:
        return line
    return line + "".join(
        f'<circle cx="{canvas.x(x):.1f}" cy="{canvas.y(y):.1f}" r="3" fill="{colour(index)}">'
        f"<title>{escape(name)}: {x:g}, {y:.4g}</title></circle>"
        for x, y in points
    )


def _band(canvas: Canvas, band: np.ndarray, index: int) -> str:
    there = [(x, high) for x, _, high in band]
    back = [(x, low) for x, low, _ in band[::-1]]
    path = " ".join(f"{canvas.x(x):.1f},{canvas.y(y):.1f}" for x, y in there + back)
    return f'<polygon class="band" points="{path}" fill="{colour(index)}"/>'


def _line_values(
    title: str, x_label: str, lines: Mapping[str, np.ndarray], shades: Mapping[str, np.ndarray]
) -> Table:
    """The points of all lines, one row per x."""
    known: dict[str, dict[float, float | Estimate]] = {}
    for name, points in lines.items():
        ends = {float(x): (float(low), float(high)) for x, low, high in shades.get(name, ())}
        known[name] = {
            float(x): Estimate(float(y), *ends[float(x)]) if float(x) in ends else float(y)
            for x, y in points
        }
    xs = sorted({x for points in known.values() for x in points})
    whole = all(x.is_integer() for x in xs)
    rows = tuple(
        (int(x) if whole else x, *(points.get(x) for points in known.values())) for x in xs
    )
    return Table(f"{title}: numbers", (x_label, *known), rows)
