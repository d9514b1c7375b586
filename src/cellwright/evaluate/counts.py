"""How many cells, how large they are, and which sizes are found."""

from __future__ import annotations

from typing import Any

import numpy as np

from cellwright.evaluate import ratios
from cellwright.evaluate.binned import recall_figures, recall_sums
from cellwright.evaluate.comparison import Comparison
from cellwright.evaluate.metric import Metric, Sums
from cellwright.types import Instances

#: Lower ends, in pixels, of the bins of a true cell's area; a bin ends where the next begins.
#: 324 and 961 are LIVECell's (18 and 31 pixels squared), 9216 is COCO's (96 squared).
SIZES_PX: tuple[tuple[str, int], ...] = (
    ("<100", 0),
    ("100-324", 100),
    ("324-961", 324),
    ("961-9216", 961),
    (">=9216", 9216),
)


def counts(truth: Instances, pred: Instances) -> dict[str, float]:
    """Number of true and predicted cells, and the errors of the number per image.

    True cells tagged ``iscrowd`` are not counted, nor are unmatched predictions that lie in
    them.

    Returns
    -------
    dict
        true, predicted; mean_error, the mean over images of predicted - true (the bias);
        mean_absolute_error, that of its size; relative_error, the sum of absolute errors over
        the true cells. The means of no image and the ratio to no cell are NaN.

    Raises
    ------
    InputError
        If the frames differ or a class is predicted that the truth does not have.

    Examples
    --------
    >>> cells = Instances((1, 4), [[0, 0, 1, 2], [0, 2, 1, 4]], [np.ones((1, 2))] * 2)
    >>> found = counts(cells, cells[:1])
    >>> found["true"], found["predicted"], found["mean_error"], found["relative_error"]
    (2, 1, -1.0, 0.5)
    """
    return COUNTS(truth, pred)


def size_errors(truth: Instances, pred: Instances) -> dict[str, float]:
    """Relative errors of the area of cells matched at IoU 0.50.

    Of a pair, (predicted area - true area) / true area.

    Returns
    -------
    dict
        bias, the mean over the pairs; absolute_error, the mean of its size; NaN without a pair.

    Examples
    --------
    >>> truth = Instances((1, 8), [[0, 0, 1, 4]], [np.ones((1, 4))])
    >>> size_errors(truth, Instances((1, 8), [[0, 0, 1, 3]], [np.ones((1, 3))]))
    {'bias': -0.25, 'absolute_error': 0.25}
    """
    return SIZES(truth, pred)


def recall_by_size(truth: Instances, pred: Instances) -> dict[str, dict[str, float]]:
    """Recall of true cells by their area.

    Returns
    -------
    dict
        Bin of `SIZES_PX` (lower end included, upper end not) -> cells, recall50 and recall75:
        the share of its cells with a match at IoU 0.50 and 0.75 (NaN without cells).

    Examples
    --------
    >>> cell = Instances((20, 20), [[0, 0, 10, 10]], [np.ones((10, 10))])
    >>> recall_by_size(cell, cell)["100-324"]
    {'cells': 1, 'recall50': 1.0, 'recall75': 1.0}
    """
    return BY_SIZE(truth, pred)


def _count(seen: Comparison) -> dict[str, float]:
    true = int(np.count_nonzero(~seen.crowd))
    predicted = len(seen.matched(0.5)) + int(np.count_nonzero(seen.spurious(0.5)))
    error = abs(predicted - true)
    return {"images": 1, "true": true, "predicted": predicted, "absolute": error}


def _divide(sums: Sums) -> dict[str, Any]:
    images, true, predicted, absolute = (
        sums.get(k, 0) for k in ("images", "true", "predicted", "absolute")
    )
    return {
        "true": true,
        "predicted": predicted,
        "mean_error": ratios.mean(predicted - true, images),
        "mean_absolute_error": ratios.mean(absolute, images),
        "relative_error": ratios.mean(absolute, true),
    }


def _count_sizes(seen: Comparison) -> dict[str, float]:
    pairs = seen.matched(0.5)
    error = seen.pred_areas[pairs.j] / seen.true_areas[pairs.i] - 1
    return {
        "pairs": len(pairs),
        "error": float(error.sum()),
        "absolute": float(np.abs(error).sum()),
    }


def _divide_sizes(sums: Sums) -> dict[str, Any]:
    pairs = sums.get("pairs", 0)
    return {
        "bias": ratios.mean(sums.get("error", 0), pairs),
        "absolute_error": ratios.mean(sums.get("absolute", 0), pairs),
    }


def _count_by_size(seen: Comparison) -> dict[str, float]:
    bins = np.searchsorted([low for _, low in SIZES_PX[1:]], seen.true_areas, side="right")
    return recall_sums(seen, [name for name, _ in SIZES_PX], bins)


def _divide_by_size(sums: Sums) -> dict[str, Any]:
    return recall_figures(sums, [name for name, _ in SIZES_PX])


#: true, predicted, mean_error, mean_absolute_error, relative_error.
COUNTS = Metric("counts", "Number of cells, true against predicted", _count, _divide)

#: bias, absolute_error: relative errors of the area of matched cells.
SIZES = Metric(
    "sizes", "Area of matched cells, as a share of the true", _count_sizes, _divide_sizes
)

#: Bin of the true area in pixels -> cells, recall50, recall75.
BY_SIZE = Metric("by_size", "Cells found, by their true area", _count_by_size, _divide_by_size)
