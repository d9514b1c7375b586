"""Panoptic quality: how many cells are found, times how well the found ones fit.

Source: A. Kirillov, K. He, R. Girshick, C. Rother, P. Dollar, "Panoptic Segmentation",
CVPR 2019, Eq. 1 and 2. With TP the pairs of one class with IoU > 0.5, FP and FN the
predictions and the true cells without a partner, of each class::

    SQ = sum of the IoU of TP / |TP|
    RQ = |TP| / (|TP| + |FP| / 2 + |FN| / 2)
    PQ = SQ * RQ

and each is averaged over the classes that occur in the truth or in the prediction. Counts
are summed over images before they are divided, as in panopticapi.

Masks that do not overlap have at most one partner with IoU > 0.5. Masks that do may have
several; then the matching is one to one: most pairs first, then the largest sum of IoU.
Background is no class, and no pixel is void.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from cellwright.evaluate import ratios
from cellwright.evaluate.comparison import Comparison
from cellwright.evaluate.crowd import MAJORITY
from cellwright.evaluate.metric import Metric, Sums
from cellwright.types import Instances


def panoptic_quality(truth: Instances, pred: Instances) -> dict[str, float]:
    """Panoptic, segmentation and recognition quality of one image.

    Predictions that match nothing and lie in a crowd region of their class with more than
    half of their pixels are not counted. 0 / 0: without a match SQ is 0 (panopticapi's
    convention); without any cell on either side all three are NaN, the mean over no class.

    Parameters
    ----------
    truth, pred
        Cells of the same image; masks may overlap.

    Returns
    -------
    dict
        ``pq``, ``sq``, ``rq``, each in [0, 1].

    Raises
    ------
    InputError
        If the frames differ or a class is predicted that the truth does not have.

    Examples
    --------
    Three of four pixels are found, and a second prediction finds nothing:

    >>> truth = Instances((1, 8), [[0, 0, 1, 4]], [np.ones((1, 4))])
    >>> pred = Instances((1, 8), [[0, 0, 1, 3], [0, 6, 1, 8]], [np.ones((1, 3)), np.ones((1, 2))])
    >>> {name: round(value, 4) for name, value in panoptic_quality(truth, pred).items()}
    {'pq': 0.5, 'sq': 0.75, 'rq': 0.6667}
    """
    return PANOPTIC(truth, pred)


def _count(seen: Comparison) -> dict[str, float]:
    found = seen.matched(MAJORITY)
    names = seen.true_names[found.i]
    sums: dict[str, float] = {}
    _add(sums, "tp", names, np.ones(len(found)))
    _add(sums, "iou", names, found.iou)
    _add(sums, "fn", seen.true_names, seen.missed(MAJORITY))
    _add(sums, "fp", seen.pred_names, seen.spurious(MAJORITY))
    return sums


def _add(sums: dict[str, float], key: str, names: np.ndarray, values: np.ndarray) -> None:
    """The total of `values` of each class, under "key:class"."""
    for name in sorted(set(names)):
        sums[f"{key}:{name}"] = float(values[names == name].sum())


def _divide(sums: Sums) -> dict[str, Any]:
    totals: dict[str, Any] = {"pq": 0.0, "sq": 0.0, "rq": 0.0}
    classes: Any = 0
    for name in sorted({key.split(":", 1)[1] for key in sums}):
        tp, fp, fn, iou = (sums.get(f"{k}:{name}", 0) for k in ("tp", "fp", "fn", "iou"))
        cells = tp + (fp + fn) / 2
        classes = classes + np.greater(cells, 0)
        totals["pq"] = totals["pq"] + ratios.ratio(iou, cells)
        totals["sq"] = totals["sq"] + ratios.ratio(iou, tp)
        totals["rq"] = totals["rq"] + ratios.ratio(tp, cells)
    return {name: ratios.mean(total, classes) for name, total in totals.items()}


#: pq, sq and rq, the means over classes.
PANOPTIC = Metric("panoptic", "Cells found, times how well they fit (IoU > 0.50)", _count, _divide)
