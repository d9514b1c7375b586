"""Does a score say how often a prediction is right?"""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np

from cellwright.evaluate import ratios
from cellwright.evaluate.comparison import Comparison
from cellwright.evaluate.metric import Metric, Sums
from cellwright.types import InputError, Instances

EDGES: tuple[float, ...] = tuple(k / 10 for k in range(11))
BINS: tuple[str, ...] = tuple(f"{a:.1f}-{b:.1f}" for a, b in pairwise(EDGES))


def calibration(truth: Instances, pred: Instances) -> dict[str, Any]:
    """Scores against the share of predictions that match a true cell at IoU 0.50.

    A prediction is right (1) if it is matched, else wrong (0). Ten bins of equal width, lower
    end included, upper end not, but 1 in the last (Naeini et al. 2015; Guo et al. 2017, Eq. 3):
    ``ECE = sum_b n_b / n * |precision_b - mean score_b|``; ``Brier = mean (score - right)^2``
    (Brier 1950). Scores are read to six decimals, so that a float32 0.7 is 0.7.

    Parameters
    ----------
    truth, pred
        Cells of the same image. Unmatched predictions in regions tagged ``iscrowd`` are left
        out.

    Returns
    -------
    dict
        ece, brier (NaN without predictions) and bins: "0.0-0.1" ... "0.9-1.0" -> cells, score
        (their mean) and precision (NaN where there are none).

    Raises
    ------
    InputError
        If a score is not in [0, 1], the frames differ, or a class is unknown to the truth.

    Examples
    --------
    One right with 0.75, one wrong with 0.25:

    >>> truth = Instances((1, 8), [[0, 0, 1, 4]], [np.ones((1, 4))])
    >>> pred = Instances((1, 8), [[0, 0, 1, 4], [0, 6, 1, 8]],
    ...                  [np.ones((1, 4)), np.ones((1, 2))], scores=[0.75, 0.25])
    >>> found = calibration(truth, pred)
    >>> found["ece"], found["brier"], found["bins"]["0.7-0.8"]
    (0.25, 0.0625, {'cells': 1, 'score': 0.75, 'precision': 1.0})
    """
    return CALIBRATION(truth, pred)


def _count(seen: Comparison) -> dict[str, float]:
    scores = seen.pred.scores.astype(np.float64).round(6)
    outside = ~((scores >= 0) & (scores <= 1))
    if outside.any():
        raise InputError(
            f"a prediction has the score {seen.pred.scores[outside][0]:g}: scores must be in "
            "0 ... 1, scale them before they are written"
        )
    right = np.zeros(len(scores), dtype=bool)
    right[seen.matched(0.5).j] = True
    keep = right | seen.spurious(0.5)
    scores, right = scores[keep], right[keep]
    bins = np.searchsorted(EDGES[1:-1], scores, side="right")
    cells, total, hits = (
        np.bincount(bins, weights, len(BINS)).tolist() for weights in (None, scores, right)
    )
    sums: dict[str, float] = {"brier": float(((scores - right) ** 2).sum())}
    for k, name in enumerate(BINS):
        sums |= {f"cells@{name}": cells[k], f"score@{name}": total[k], f"right@{name}": hits[k]}
    return sums


def _divide(sums: Sums) -> dict[str, Any]:
    bins: dict[str, dict[str, Any]] = {}
    cells: Any = 0
    gap: Any = 0
    for name in BINS:
        n, score, right = (sums.get(f"{k}@{name}", 0) for k in ("cells", "score", "right"))
        cells, gap = cells + n, gap + np.abs(right - score)
        bins[name] = {
            "cells": n,
            "score": ratios.mean(score, n),
            "precision": ratios.mean(right, n),
        }
    brier = ratios.mean(sums.get("brier", 0), cells)
    return {"ece": ratios.mean(gap, cells), "brier": brier, "bins": bins}


#: ece, brier, and bins of the score -> cells, score, precision.
CALIBRATION = Metric("calibration", "Scores against how often they are right", _count, _divide)
