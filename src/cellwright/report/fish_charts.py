"""Histograms of responses with the threshold between noise and signals."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from cellwright.report.canvas import Canvas, axes, chart, reference_line, reference_name, ticks
from cellwright.report.html import Html
from cellwright.report.tables import Table

_BINS = 60


def threshold_chart(probe: str, found: Sequence[Mapping[str, Any]]) -> Html:
    """Responses of all spots of a probe in nuclei, both axes logarithmic, and the thresholds.

    Parameters
    ----------
    probe
        Name of the probe.
    found
        One record per frame with ``edges``, ``counts`` and ``value``.
    """
    top = max(float(record["edges"][-1]) for record in found)
    edges = np.geomspace(1.0, top, _BINS + 1)
    counts = np.zeros(_BINS)
    for record in found:
        own = np.asarray(record["edges"], float)
        middles = np.sqrt(own[1:] * own[:-1])
        counts += np.histogram(middles, edges, weights=np.asarray(record["counts"], float))[0]
    heights = np.log10(1 + counts)
    place = np.log10(edges)
    canvas = Canvas((0.0, float(place[-1])), (0.0, max(1.0, float(np.ceil(heights.max())))))
    bars = "".join(
        f'<rect x="{canvas.x(a):.1f}" y="{canvas.y(h):.1f}" '
        f'width="{max(canvas.x(b) - canvas.x(a) - 0.5, 0.8):.1f}" '
        f'height="{canvas.y(0) - canvas.y(h):.1f}" fill="var(--c0)">'
        f"<title>{10**a:.3g} to {10**b:.3g}: {int(n)}</title></rect>"
        for a, b, h, n in zip(place[:-1], place[1:], heights, counts, strict=True)
        if n
    )
    values = sorted({float(record["value"]) for record in found})
    low, high = values[0], values[-1]
    lines = "".join(
        reference_line(
            (canvas.x(np.log10(v)), canvas.y(0)),
            (canvas.x(np.log10(v)), canvas.top),
            f"threshold {v:.3g}",
        )
        for v in dict.fromkeys((low, high))
    )
    span = f"{low:.3g}" if low == high else f"{low:.3g} to {high:.3g}"
    x_ticks = [t for t in ticks(0.0, float(place[-1])) if t <= place[-1]]
    y_ticks = ticks(0.0, canvas.y_span[1], whole=True)
    rows = tuple(
        (float(a), float(b), int(n))
        for a, b, n in zip(edges[:-1], edges[1:], counts, strict=True)
        if n
    )
    title = f"{probe}: responses and threshold"
    return chart(
        title,
        f"{title}. {int(counts.sum())} spots in nuclei, threshold {span}",
        axes(canvas, x_ticks, y_ticks, "log10 of response / noise", "log10 of 1 + spots")
        + bars
        + lines,
        names=[reference_name(f"threshold {span}")],
        values=Table(f"{title}: counts", ("From", "To", "Spots"), rows),
    )
