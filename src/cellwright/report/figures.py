"""Charts as inline SVG: lines and histograms, told apart by colour, dash and legend.

Colours are style variables of the page, so that one chart serves light and dark mode.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import ceil, floor, log10

import numpy as np

from cellwright.report.html import Html, escape

_WIDTH, _HEIGHT = 480.0, 290.0
_LEFT, _RIGHT, _TOP, _BOTTOM = 58.0, 12.0, 10.0, 46.0
_COLOURS = 8
_DASHES = ("", "7 4", "2 3", "9 3 2 3")
Series = tuple[Sequence[float], Sequence[float]]


def line_chart(
    series: Mapping[str, Series],
    *,
    title: str,
    x_label: str,
    y_label: str,
    y_range: tuple[float, float] | None = None,
) -> Html:
    """Lines over a common x axis.

    Points that are not finite are left out, and the line goes on at the next one.

    Parameters
    ----------
    series
        x and y values by name of the line.
    title, x_label, y_label
        Plain text.
    y_range
        Lowest and highest y; from the values if None.
    """
    lines = {name: _finite(*points) for name, points in series.items()}
    lines = {name: points for name, points in lines.items() if len(points)}
    if not lines:
        return Html(f"<p>{escape(title)}: no values.</p>")
    everything = np.concatenate(list(lines.values()))
    x_ticks = ticks(everything[:, 0].min(), everything[:, 0].max())
    low, high = y_range or (everything[:, 1].min(), everything[:, 1].max())
    y_ticks = ticks(low, high)
    x_span = (min(x_ticks[0], everything[:, 0].min()), max(x_ticks[-1], everything[:, 0].max()))
    place = _Place(x_span, (y_ticks[0], y_ticks[-1]))
    drawn, legend = [], []
    for number, (name, points) in enumerate(lines.items()):
        colour = f"var(--c{number % _COLOURS})"
        dash = _DASHES[(number // 2 + number // _COLOURS) % len(_DASHES)]
        style = f'stroke="{colour}" stroke-width="2.2" fill="none" stroke-dasharray="{dash}"'
        path = " ".join(f"{place.x(x):.1f},{place.y(y):.1f}" for x, y in points)
        drawn.append(f'<polyline points="{path}" stroke-linejoin="round" {style}/>')
        if len(points) <= 24:
            drawn += [
                f'<circle cx="{place.x(x):.1f}" cy="{place.y(y):.1f}" r="3" fill="{colour}">'
                f"<title>{escape(name)}: {x:g}, {y:.4g}</title></circle>"
                for x, y in points
            ]
        legend.append(
            f'<li><svg viewBox="0 0 30 10" aria-hidden="true"><path d="M0 5H30" {style}/></svg>'
            f"{escape(name)}</li>"
        )
    ends = "; ".join(f"{name} ends at {points[-1, 1]:.4g}" for name, points in lines.items())
    return _chart(
        title,
        f"{title}. {x_label} against {y_label}. {ends}",
        _frame(place, x_ticks, y_ticks, x_label, y_label) + "".join(drawn),
        f'<ul class="legend">{"".join(legend)}</ul>',
    )


def histogram(
    values: Sequence[float] | np.ndarray, *, title: str, x_label: str, bins: int = 30
) -> Html:
    """Counts of values in equal bins up to their 99th percentile; the last bin holds the rest."""
    numbers = np.asarray(values, float)
    numbers = numbers[np.isfinite(numbers)]
    if not numbers.size:
        return Html(f"<p>{escape(title)}: no values.</p>")
    low, high = float(numbers.min()), float(np.percentile(numbers, 99))
    whole = np.array_equal(numbers, numbers.round())
    if whole:
        width = max(1, ceil((high - low + 1) / bins))
        start = floor(low) - (0.5 if width == 1 else 0.0)
        edges = np.arange(start, ceil(high) + width + 1, width, dtype=float)
        edges = edges[: 1 + max(1, ceil((high + 1e-9 - start) / width))]
    else:
        edges = np.linspace(low, high if high > low else low + 1, bins + 1)
    counts, _ = np.histogram(np.minimum(numbers, edges[-1]), edges)
    x_ticks = [t for t in ticks(edges[0], edges[-1], whole=whole) if edges[0] <= t <= edges[-1]]
    y_ticks = ticks(0, float(counts.max()), whole=True)
    place = _Place((edges[0], edges[-1]), (0.0, y_ticks[-1]))
    bars = "".join(
        f'<rect x="{place.x(a) + 0.5:.1f}" y="{place.y(n):.1f}" '
        f'width="{max(place.x(b) - place.x(a) - 1, 0.8):.1f}" '
        f'height="{place.y(0) - place.y(n):.1f}" fill="var(--c0)">'
        f"<title>{a:.4g} to {b:.4g}: {n}</title></rect>"
        for a, b, n in zip(edges[:-1], edges[1:], counts, strict=True)
        if n
    )
    median = float(np.median(numbers))
    return _chart(
        title,
        f"{title}. {numbers.size} values, median {median:.4g}",
        _frame(place, x_ticks, y_ticks, x_label, "count") + bars,
        "",
    )


def ticks(low: float, high: float, *, about: int = 5, whole: bool = False) -> list[float]:
    """Round numbers that enclose [low, high]; only whole ones if `whole`.

    Examples
    --------
    >>> ticks(0, 1)
    [0.0, 0.2, 0.4, 0.6, 0.8, 1.0]
    >>> ticks(3, 3)
    [3.0, 4.0]
    >>> ticks(0, 3, whole=True)
    [0.0, 1.0, 2.0, 3.0]
    """
    low, high = float(low), float(high)
    if not high > low:
        return [low, low + 1.0]
    rough = (high - low) / about
    power = 10.0 ** floor(log10(rough))
    factors = (1, 2, 5, 10) if whole else (1, 2, 2.5, 5, 10)
    step = next(f * power for f in factors if f * power >= rough * 0.999)
    step = max(step, 1.0) if whole else step
    first, last = floor(low / step + 1e-9), ceil(high / step - 1e-9)
    return [round(i * step, 12) for i in range(first, last + 1)]


class _Place:
    """Where a value lies on the canvas."""

    def __init__(self, x_span: tuple[float, float], y_span: tuple[float, float]) -> None:
        self._x0, self._x1 = x_span
        self._y0, self._y1 = y_span

    def x(self, value: float) -> float:
        part = (value - self._x0) / ((self._x1 - self._x0) or 1.0)
        return _LEFT + part * (_WIDTH - _LEFT - _RIGHT)

    def y(self, value: float) -> float:
        part = (value - self._y0) / ((self._y1 - self._y0) or 1.0)
        return _HEIGHT - _BOTTOM - part * (_HEIGHT - _TOP - _BOTTOM)


def _finite(x: Sequence[float], y: Sequence[float]) -> np.ndarray:
    points = np.column_stack([np.asarray(x, float), np.asarray(y, float)])
    return points[np.isfinite(points).all(axis=1)]


def _frame(
    place: _Place, x_ticks: Sequence[float], y_ticks: Sequence[float], x_label: str, y_label: str
) -> str:
    left, right, base = _LEFT, _WIDTH - _RIGHT, _HEIGHT - _BOTTOM
    parts = []
    for tick in y_ticks:
        y = place.y(tick)
        parts.append(f'<line class="grid" x1="{left}" x2="{right}" y1="{y:.1f}" y2="{y:.1f}"/>')
        parts.append(
            f'<text x="{left - 7}" y="{y + 4:.1f}" text-anchor="end">{_number(tick)}</text>'
        )
    for tick in x_ticks:
        x = place.x(tick)
        parts.append(
            f'<line class="axis" x1="{x:.1f}" x2="{x:.1f}" y1="{base}" y2="{base + 4}"/>'
            f'<text x="{x:.1f}" y="{base + 18}" text-anchor="middle">{_number(tick)}</text>'
        )
    parts.append(f'<line class="axis" x1="{left}" x2="{right}" y1="{base}" y2="{base}"/>')
    middle = (_TOP + base) / 2
    parts.append(
        f'<text x="{(left + right) / 2}" y="{_HEIGHT - 8}" text-anchor="middle">'
        f"{escape(x_label)}</text>"
        f'<text transform="translate(14 {middle}) rotate(-90)" text-anchor="middle">'
        f"{escape(y_label)}</text>"
    )
    return "".join(parts)


def _number(value: float) -> str:
    if 0 < abs(value) < 0.01:
        return f"{value:.1e}".replace(".0e", "e").replace("e-0", "e-")
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:g}"


def _chart(title: str, description: str, drawing: str, below: str) -> Html:
    return Html(
        f'<figure class="chart"><figcaption>{escape(title)}</figcaption>'
        f'<svg viewBox="0 0 {_WIDTH:g} {_HEIGHT:g}" role="img" '
        f'aria-label="{escape(description)}">{drawing}</svg>{below}</figure>'
    )
