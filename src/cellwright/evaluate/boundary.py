"""Contours of cells: how much of them is found within a few pixels, and how far off they are.

Boundary precision, recall and F1: G. Csurka, D. Larlus, F. Perronnin, "What is a good
evaluation measure for semantic segmentation?", BMVC 2013; F. Perazzi et al., "A benchmark
dataset and evaluation methodology for video object segmentation", CVPR 2016. With the contour
pixels of all cells on one map per side::

    precision = predicted contour pixels within `TOLERANCE` px of a true one / predicted ones
    recall    = true contour pixels within `TOLERANCE` px of a predicted one / true ones

Distances are Euclidean, between pixel centres. Pixels are counted over all images, then
divided. Contours are of every cell, so that a border between touching cells counts.

The Hausdorff distance (`hausdorff`) is that of the pairs matched at IoU >= 0.50.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from cellwright.evaluate import ratios
from cellwright.evaluate.comparison import Comparison
from cellwright.evaluate.contours import contour, drawn, within
from cellwright.evaluate.crowd import counted
from cellwright.evaluate.hausdorff import contour_distance
from cellwright.evaluate.metric import Metric, Sums
from cellwright.types import Instances

#: How far a contour pixel may be off, in pixels.
TOLERANCE = 2.0
STRIP_ROWS = 512


def boundary_scores(truth: Instances, pred: Instances) -> dict[str, float]:
    """Boundary precision, recall, F1, and the mean 95 % Hausdorff distance, of one image.

    Crowd regions have no contour, nor have predictions of which more than half lies in one.
    0 / 0: precision, recall and F1 are 0 where there is no contour; the distance is NaN where
    no cell is matched.

    Parameters
    ----------
    truth, pred
        Cells of the same image; masks may overlap.

    Returns
    -------
    dict
        ``precision``, ``recall``, ``f1`` in [0, 1]; ``hausdorff95`` and ``tolerance`` in px.

    Raises
    ------
    InputError
        If the frames differ or a class is predicted that the truth does not have.

    Examples
    --------
    >>> truth = Instances((1, 9), [[0, 0, 1, 4]], [np.ones((1, 4))])
    >>> pred = Instances((1, 9), [[0, 0, 1, 8]], [np.ones((1, 8))])
    >>> found = boundary_scores(truth, pred)
    >>> found["precision"], found["recall"], round(found["hausdorff95"], 2)
    (0.75, 1.0, 3.65)
    """
    return BOUNDARY(truth, pred)


def _count(seen: Comparison) -> dict[str, float]:
    true = [contour(mask) for mask in seen.truth.masks]
    pred = [contour(mask) for mask in seen.pred.masks]
    return _near(seen, true, pred) | _distances(seen, true, pred)


def _near(seen: Comparison, true: list[np.ndarray], pred: list[np.ndarray]) -> dict[str, float]:
    """Contour pixels of each side, and how many have one of the other side near.

    Strip by strip, each with a margin of the tolerance, which changes nothing.
    """
    height, width = seen.truth.shape
    cells = np.flatnonzero(~seen.crowd), np.flatnonzero(counted(seen))
    sides = [
        ([edges[k] for k in kept], side.boxes[kept])
        for edges, side, kept in zip((true, pred), (seen.truth, seen.pred), cells, strict=True)
    ]
    sums: dict[str, float] = dict.fromkeys(("true", "pred", "true_near", "pred_near"), 0)
    margin = int(TOLERANCE)
    for row in range(0, height, STRIP_ROWS):
        top, bottom = max(row - margin, 0), min(row + STRIP_ROWS + margin, height)
        core = slice(row - top, min(row + STRIP_ROWS, height) - top)
        a, b = (drawn(*side, (bottom - top, width), top) for side in sides)
        sums["true"] += int(np.count_nonzero(a[core]))
        sums["pred"] += int(np.count_nonzero(b[core]))
        sums["true_near"] += int(np.count_nonzero(a[core] & within(b, TOLERANCE)[core]))
        sums["pred_near"] += int(np.count_nonzero(b[core] & within(a, TOLERANCE)[core]))
    return sums


def _distances(
    seen: Comparison, true: list[np.ndarray], pred: list[np.ndarray]
) -> dict[str, float]:
    found = seen.matched(0.5)
    total = 0.0
    for i, j, a, b in zip(
        found.i.tolist(),
        found.j.tolist(),
        seen.truth.boxes[found.i, :2],
        seen.pred.boxes[found.j, :2],
        strict=True,
    ):
        total += contour_distance(
            np.argwhere(true[i]) + a.astype(float), np.argwhere(pred[j]) + b.astype(float)
        )
    return {"hausdorff95": total, "matched": len(found)}


def _divide(sums: Sums) -> dict[str, Any]:
    true, pred, true_near, pred_near = (
        sums.get(k, 0) for k in ("true", "pred", "true_near", "pred_near")
    )
    precision, recall = ratios.ratio(pred_near, pred), ratios.ratio(true_near, true)
    return {
        "precision": precision,
        "recall": recall,
        "f1": ratios.ratio(2 * precision * recall, precision + recall),
        "hausdorff95": ratios.mean(sums.get("hausdorff95", 0), sums.get("matched", 0)),
        "tolerance": TOLERANCE,
    }


#: precision, recall and f1 of contour pixels; hausdorff95, the mean over matched cells.
BOUNDARY = Metric(
    "boundary", "Contours found within 2 px, and how far off they are", _count, _divide
)
