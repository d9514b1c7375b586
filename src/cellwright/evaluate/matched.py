"""Matched cells at IoU 0.50: how many, how well they fit, and whether their class is right.

The figures of Girish Nair 2024 (section 6.4, Tables 1 to 4): F1 and mean IoU of masks and of
boxes, and label accuracy. The paper gives the formulas but not the matching; here it is one to
one as in `match`, masks with masks and boxes with boxes.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from cellwright.evaluate import ratios
from cellwright.evaluate.comparison import Comparison
from cellwright.evaluate.metric import Metric, Sums
from cellwright.types import Instances

THRESHOLD = 0.5


def matched(truth: Instances, pred: Instances) -> dict[str, dict[str, float]]:
    """Precision, recall, F1 and mean IoU of matched masks and boxes; label accuracy.

    A true and a predicted cell of one class match if their IoU is 0.50 or more. The label
    accuracy is that of Girish Nair 2024, "correct predictions / predictions", asked of the
    cells that can be right or wrong: masks are matched whatever their class, and the accuracy
    is the matched cells with the right class over all matched cells.

    Parameters
    ----------
    truth, pred
        Cells of the same image; masks may overlap. True cells tagged ``iscrowd`` are not
        counted, nor are unmatched predictions that lie in them.

    Returns
    -------
    dict
        ``masks`` and ``boxes`` with precision TP / (TP + FP), recall TP / (TP + FN), f1 (0 / 0
        is 0) and iou, the mean over the matches (NaN without one); ``labels`` with accuracy
        (NaN without a match).

    Raises
    ------
    InputError
        If the frames differ or a class is predicted that the truth does not have.

    Examples
    --------
    >>> truth = Instances((1, 8), [[0, 0, 1, 4]], [np.ones((1, 4))])
    >>> pred = Instances((1, 8), [[0, 0, 1, 3], [0, 6, 1, 8]], [np.ones((1, 3)), np.ones((1, 2))])
    >>> matched(truth, pred)["masks"]
    {'precision': 0.5, 'recall': 1.0, 'f1': 0.6666666666666666, 'iou': 0.75}
    """
    return MATCHED(truth, pred)


def _count(seen: Comparison) -> dict[str, float]:
    masks = seen.matched(THRESHOLD)
    boxes = seen.matched(THRESHOLD, boxes=True)
    any_class = seen.matched(THRESHOLD, any_class=True)
    right = seen.true_names[any_class.i] == seen.pred_names[any_class.j]
    cells = int(np.count_nonzero(~seen.crowd))
    return {
        "masks": len(masks),
        "masks_fp": int(np.count_nonzero(seen.spurious(THRESHOLD))),
        "masks_fn": cells - len(masks),
        "masks_iou": float(masks.iou.sum()),
        "boxes": len(boxes),
        "boxes_fp": int(np.count_nonzero(_spurious_boxes(seen, boxes.j))),
        "boxes_fn": cells - len(boxes),
        "boxes_iou": float(boxes.iou.sum()),
        "labels": len(any_class),
        "labels_right": int(np.count_nonzero(right)),
    }


def _spurious_boxes(seen: Comparison, taken: np.ndarray) -> np.ndarray:
    """(M,) bool: boxes without a match, those that lie in the box of a crowd apart."""
    wrong = np.ones(len(seen.pred), dtype=bool)
    wrong[taken] = False
    if seen.crowd.any():
        found = seen.boxes
        keep = seen.crowd[found.i]
        keep &= np.asarray(seen.true_names[found.i] == seen.pred_names[found.j], dtype=bool)
        inside = found.pick(keep)
        sides = seen.pred.boxes[inside.j, 2:] - seen.pred.boxes[inside.j, :2]
        wrong[inside.j[inside.shared >= THRESHOLD * sides.prod(axis=1)]] = False
    return wrong


def _divide(sums: Sums) -> dict[str, Any]:
    figures: dict[str, Any] = {}
    for kind in ("masks", "boxes"):
        tp, fp, fn, iou = (sums.get(f"{kind}{k}", 0) for k in ("", "_fp", "_fn", "_iou"))
        figures[kind] = {
            "precision": ratios.precision(tp, fp),
            "recall": ratios.recall(tp, fn),
            "f1": ratios.f1(tp, fp, fn),
            "iou": ratios.mean(iou, tp),
        }
    right, labels = sums.get("labels_right", 0), sums.get("labels", 0)
    figures["labels"] = {"accuracy": ratios.mean(right, labels)}
    return figures


#: "masks" and "boxes" -> precision, recall, f1, iou (mean of the matches); "labels" -> accuracy.
MATCHED = Metric("matched", "Matched cells at IoU 0.50: fit and class", _count, _divide)
