"""Recall of true cells in bins of something known of them: their size, how covered they are."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from cellwright.evaluate import ratios
from cellwright.evaluate.comparison import Comparison
from cellwright.evaluate.metric import Sums

#: Name of the figure -> IoU a prediction must have.
RECALLS: tuple[tuple[str, float], ...] = (("recall50", 0.5), ("recall75", 0.75))


def recall_sums(seen: Comparison, names: Sequence[str], bins: np.ndarray) -> dict[str, float]:
    """Cells and found cells of each bin.

    Parameters
    ----------
    names
        Names of the bins.
    bins
        (N,) int, number of the bin of each true cell; those of crowds are not used.

    Examples
    --------
    >>> from cellwright.types import Instances
    >>> cells = Instances((1, 4), [[0, 0, 1, 2], [0, 2, 1, 4]], [np.ones((1, 2))] * 2)
    >>> recall_sums(Comparison(cells, cells[:1]), ("low", "high"), np.array([0, 1]))["cells@high"]
    1
    """
    real = ~seen.crowd
    sums = _per_bin("cells", names, bins[real])
    for name, threshold in RECALLS:
        sums |= _per_bin(name, names, bins[real & ~seen.missed(threshold)])
    return sums


def recall_figures(sums: Sums, names: Sequence[str]) -> dict[str, dict[str, Any]]:
    """Bin -> cells, recall50, recall75; a recall of no cells is NaN.

    >>> recall_figures({"cells@high": 2, "recall50@high": 1}, ["high"])
    {'high': {'cells': 2, 'recall50': 0.5, 'recall75': 0.0}}
    """
    figures = {}
    for bin_name in names:
        cells = sums.get(f"cells@{bin_name}", 0)
        figures[bin_name] = {"cells": cells} | {
            name: ratios.mean(sums.get(f"{name}@{bin_name}", 0), cells) for name, _ in RECALLS
        }
    return figures


def _per_bin(what: str, names: Sequence[str], bins: np.ndarray) -> dict[str, float]:
    counts = np.bincount(bins, minlength=len(names)).tolist()
    return {f"{what}@{name}": count for name, count in zip(names, counts, strict=True)}
