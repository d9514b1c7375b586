"""The ground that charts are drawn on: round ticks, axes, places, and the figure around them.

Colours are style variables of the page, so that one chart serves light and dark mode.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil, floor, log10

import numpy as np

from cellwright.report.html import Html, escape, join
from cellwright.report.tables import Table

_COLOURS = 8
_DASHES = ("", "7 4", "2 3", "9 3 2 3")


@dataclass(frozen=True, slots=True)
class Canvas:
    """Where a value lies on a drawing.

    Parameters
    ----------
    x_span, y_span
        Lowest and highest value of each axis.
    width, height
        Size of the drawing.
    left, right, top, bottom
        Margins for labels.
    """

    x_span: tuple[float, float]
    y_span: tuple[float, float]
    width: float = 480.0
    height: float = 290.0
    left: float = 58.0
    right: float = 12.0
    top: float = 10.0
    bottom: float = 46.0

    @property
    def base(self) -> float:
        """Height of the x axis on the drawing."""
        return self.height - self.bottom

    @property
    def end(self) -> float:
        """Right end of the x axis on the drawing."""
        return self.width - self.right

    def x(self, value: float) -> float:
        """Place of a value along the x axis."""
        low, high = self.x_span
        return self.left + (value - low) / ((high - low) or 1.0) * (self.end - self.left)

    def y(self, value: float) -> float:
        """Place of a value along the y axis, from above."""
        low, high = self.y_span
        return self.base - (value - low) / ((high - low) or 1.0) * (self.base - self.top)


def axes(
    canvas: Canvas, x_ticks: Sequence[float], y_ticks: Sequence[float], x_label: str, y_label: str
) -> str:
    """Both axes with their ticks and names; lines across at the ticks of y."""
    parts = []
    for tick in y_ticks:
        y = canvas.y(tick)
        parts.append(
            f'<line class="grid" x1="{canvas.left:g}" x2="{canvas.end:g}" '
            f'y1="{y:.1f}" y2="{y:.1f}"/>'
            f'<text x="{canvas.left - 7:g}" y="{y + 4:.1f}" text-anchor="end">{number(tick)}</text>'
        )
    middle = (canvas.top + canvas.base) / 2
    parts.append(x_axis(canvas, x_ticks, x_label))
    parts.append(
        f'<text transform="translate(14 {middle:g}) rotate(-90)" text-anchor="middle">'
        f"{escape(y_label)}</text>"
    )
    return "".join(parts)


def x_axis(canvas: Canvas, x_ticks: Sequence[float], x_label: str) -> str:
    """The x axis with its ticks and name."""
    parts = []
    for tick in x_ticks:
        x = canvas.x(tick)
        parts.append(
            f'<line class="axis" x1="{x:.1f}" x2="{x:.1f}" '
            f'y1="{canvas.base:g}" y2="{canvas.base + 4:g}"/>'
            f'<text x="{x:.1f}" y="{canvas.base + 18:g}" text-anchor="middle">{number(tick)}</text>'
        )
    parts.append(
        f'<line class="axis" x1="{canvas.left:g}" x2="{canvas.end:g}" '
        f'y1="{canvas.base:g}" y2="{canvas.base:g}"/>'
        f'<text x="{(canvas.left + canvas.end) / 2:g}" y="{canvas.height - 8:g}" '
        f'text-anchor="middle">{escape(x_label)}</text>'
    )
    return "".join(parts)


def chart(
    title: str,
    description: str,
    drawing: str,
    *,
    size: tuple[float, float] = (480.0, 290.0),
    names: Sequence[Html] = (),
    values: Table | None = None,
) -> Html:
    """A drawing as a figure with its title, legend and numbers.

    Parameters
    ----------
    title
        Title, plain text.
    description
        What the drawing shows, for readers who do not see it.
    drawing
        SVG elements.
    size
        Width and height of the drawing.
    names
        Items of the legend.
    values
        The numbers that are drawn; they open below the chart.
    """
    legend = f'<ul class="legend">{join(names)}</ul>' if names else ""
    numbers = ""
    if values is not None:
        summary = "<summary>Numbers of this chart</summary>"
        numbers = f'<details class="numbers">{summary}{values.html()}</details>'
    return Html(
        f'<figure class="chart" style="max-width:{1.25 * size[0]:g}px">'
        f"<figcaption>{escape(title)}</figcaption>"
        f'<svg viewBox="0 0 {size[0]:g} {size[1]:g}" role="img" '
        f'aria-label="{escape(description)}">{drawing}</svg>{legend}{numbers}</figure>'
    )


def colour(index: int) -> str:
    """Colour of the series `index`."""
    return f"var(--c{index % _COLOURS})"


def stroke(index: int) -> str:
    """Line style of the series `index`: sixteen and more are told apart by colour and dash."""
    dash = _DASHES[(index // 2 + index // _COLOURS) % len(_DASHES)]
    return f'stroke="{colour(index)}" stroke-width="2.2" fill="none" stroke-dasharray="{dash}"'


def line_name(name: str, index: int) -> Html:
    """The legend of a line."""
    return Html(
        f'<li><svg viewBox="0 0 30 10" aria-hidden="true"><path d="M0 5H30" {stroke(index)}/></svg>'
        f"{escape(name)}</li>"
    )


def reference_line(start: tuple[float, float], end: tuple[float, float], name: str) -> str:
    """A dashed line between two places of the drawing, with its name as a tip."""
    (x1, y1), (x2, y2) = start, end
    return (
        f'<line class="reference" x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}">'
        f"<title>{escape(name)}</title></line>"
    )


def reference_name(name: str) -> Html:
    """The legend of a dashed line."""
    line = '<path class="reference" d="M0 5H30"/>'
    return Html(f'<li><svg viewBox="0 0 30 10" aria-hidden="true">{line}</svg>{escape(name)}</li>')


def finite(*values: Sequence[float]) -> np.ndarray:
    """Rows of the columns `values` in which every number is finite, (row, column)."""
    rows = np.column_stack([np.asarray(column, float) for column in values])
    return rows[np.isfinite(rows).all(axis=1)]


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


def number(value: float) -> str:
    """A tick as it is written at an axis."""
    if 0 < abs(value) < 0.01:
        return f"{value:.1e}".replace(".0e", "e").replace("e-0", "e-")
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:g}"
