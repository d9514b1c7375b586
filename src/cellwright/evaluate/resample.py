"""Uncertainty of a figure: the images drawn anew a thousand times (percentile bootstrap).

Images, not cells, are drawn: cells of one image are alike, and it is another image that the
reader asks about. Efron and Tibshirani 1993, chapter 13. With few images (under about ten) the
intervals are too narrow, as every bootstrap's are.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from cellwright.evaluate.headlines import flatten

RESAMPLES = 1000
LEVEL = 0.95

Interval = tuple[float, float]


def draw(images: int, resamples: int = RESAMPLES, *, seed: int = 0) -> np.ndarray:
    """How often each image is drawn in each resample: (resample, image) int64.

    Every row sums to `images`.

    >>> draw(3, 2, seed=1).sum(axis=1).tolist()
    [3, 3]
    """
    if not images:
        return np.zeros((resamples, 0), dtype=np.int64)
    rng = np.random.default_rng(seed)
    return rng.multinomial(images, np.full(images, 1 / images), size=resamples)


def total(rows: Sequence[Mapping[str, float]], drawn: np.ndarray | None = None) -> dict[str, Any]:
    """Sums over images, once or for each resample.

    Parameters
    ----------
    rows
        The sums of each image by name; a name that is not there is 0.
    drawn
        (resample, image) as from `draw`; None for each image once.

    Returns
    -------
    dict
        Name -> number, or (resample,) array.

    Examples
    --------
    >>> total([{"tp": 1}, {"tp": 2, "fp": 1}])
    {'tp': 3, 'fp': 1}
    >>> total([{"tp": 1}, {"tp": 2}], np.array([[2, 0], [0, 2]]))["tp"].tolist()
    [2.0, 4.0]
    """
    names = list(dict.fromkeys(name for row in rows for name in row))
    table = np.array([[row.get(name, 0) for name in names] for row in rows], dtype=float)
    table = table.reshape(len(rows), len(names))
    if drawn is None:
        sums = table.sum(axis=0).tolist()
        return {n: int(v) if v.is_integer() else v for n, v in zip(names, sums, strict=True)}
    return dict(zip(names, (drawn @ table).T, strict=True))


def interval(values: np.ndarray, level: float = LEVEL) -> Interval | None:
    """The middle `level` of the values; None where the figure is not defined in all of them.

    >>> interval(np.arange(101.0), 0.5)
    (25.0, 75.0)
    """
    values = np.asarray(values, dtype=float)
    values = values[np.isfinite(values)]
    if not values.size:
        return None
    low, high = np.quantile(values, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)


def intervals(figures: Mapping[str, Any], level: float = LEVEL) -> dict[str, Interval]:
    """Intervals of all figures that are arrays over resamples, by their joined keys.

    >>> intervals({"pixel": {"f1": np.array([0.5, 0.5])}})
    {'pixel/f1': (0.5, 0.5)}
    """
    found = {
        path: interval(values, level)
        for path, values in flatten(figures).items()
        if isinstance(values, np.ndarray)
    }
    return {path: bounds for path, bounds in found.items() if bounds is not None}
