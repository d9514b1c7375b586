"""Distributions of several data sets in one chart: an outline of shares for each."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from cellwright.report.figures import line_chart
from cellwright.report.html import Html

BINS = 24


def spreads(values: Mapping[str, np.ndarray], *, title: str, x_label: str) -> Html:
    """Share of the values of each data set in bins that all have in common.

    The bins reach from the least to the 99th percentile of the widest set; the last one holds what
    lies beyond, so that few large values do not press the others together.

    Parameters
    ----------
    values
        Numbers by name of the data set; sets without any are left out.
    title, x_label
        Plain text.
    """
    kept = {name: np.asarray(v, float) for name, v in values.items() if len(v)}
    if not kept:
        return line_chart({}, title=title, x_label=x_label, y_label="share")
    edges = bin_edges(list(kept.values()))
    series = {name: _outline(v, edges) for name, v in kept.items()}
    return line_chart(
        series, title=title, x_label=x_label, y_label="share", y_range=(0.0, _top(series))
    )


def bin_edges(values: list[np.ndarray]) -> np.ndarray:
    """Edges of the common bins; between the numbers where all are whole and few."""
    low = min(float(v.min()) for v in values)
    high = max(float(np.percentile(v, 99)) for v in values)
    whole = all(np.array_equal(v, v.round()) for v in values)
    if whole:
        width = max(1, int(np.ceil((high - low + 1) / BINS)))
        return np.arange(low - 0.5, high + 0.5 + width, width)
    return np.linspace(low, high if high > low else low + 1.0, BINS + 1)


def _outline(values: np.ndarray, edges: np.ndarray) -> tuple[list[float], list[float]]:
    """Steps of the histogram, as x and y of a line that begins and ends at nothing."""
    counts, _ = np.histogram(np.clip(values, edges[0], edges[-1]), edges)
    shares = counts / len(values)
    x = np.repeat(edges, 2)
    y = np.concatenate([[0.0], np.repeat(shares, 2), [0.0]])
    return x.tolist(), y.tolist()


def _top(series: Mapping[str, tuple[list[float], list[float]]]) -> float:
    return max(max(y) for _, y in series.values())
