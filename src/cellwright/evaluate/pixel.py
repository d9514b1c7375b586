"""Pixels of the foreground: the union of all masks, true against predicted."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from cellwright.evaluate import ratios
from cellwright.evaluate.classes import check_same_frame
from cellwright.types import Instances

STRIP_ROWS = 2048


@dataclass(frozen=True, slots=True)
class PixelCounts:
    """Pixels that are foreground in both (tp), in one (fp, fn), in none (tn).

    >>> counts = PixelCounts(tp=1, fp=1, fn=0, tn=2)
    >>> counts.figures()["iou"], counts.figures()["accuracy"]
    (0.5, 0.75)
    """

    tp: int = 0
    fp: int = 0
    fn: int = 0
    tn: int = 0

    def __add__(self, other: PixelCounts) -> PixelCounts:
        return PixelCounts(
            self.tp + other.tp, self.fp + other.fp, self.fn + other.fn, self.tn + other.tn
        )

    def figures(self) -> dict[str, float]:
        """Accuracy (TP + TN) / all, precision, recall, F1 = Dice, and IoU, by name."""
        return {
            "accuracy": ratios.ratio(self.tp + self.tn, self.tp + self.fp + self.fn + self.tn),
            "precision": ratios.precision(self.tp, self.fp),
            "recall": ratios.recall(self.tp, self.fn),
            "f1": ratios.f1(self.tp, self.fp, self.fn),
            "iou": ratios.jaccard(self.tp, self.fp, self.fn),
        }


def foreground(instances: Instances, rows: slice = slice(None)) -> np.ndarray:
    """Union of all masks as a boolean (row, column) array, of all rows or a run of them.

    >>> cell = Instances((2, 2), [[1, 0, 2, 2]], [[[True, True]]])
    >>> foreground(cell).astype(int).tolist()
    [[0, 0], [1, 1]]
    """
    top, bottom, _ = rows.indices(instances.shape[0])
    canvas = np.zeros((max(bottom - top, 0), instances.shape[1]), dtype=bool)
    boxes = instances.boxes
    for k in np.flatnonzero((boxes[:, 0] < bottom) & (boxes[:, 2] > top)):
        row0, col0, row1, col1 = boxes[k]
        low, high = max(row0, top), min(row1, bottom)
        canvas[low - top : high - top, col0:col1] |= instances.masks[k][low - row0 : high - row0]
    return canvas


def pixel_counts(truth: Instances, pred: Instances) -> PixelCounts:
    """Count foreground pixels of one image, strip by strip.

    Crowd regions are foreground like any other true mask; classes are not told apart.

    Raises
    ------
    InputError
        If the frames differ.

    Examples
    --------
    >>> truth = Instances((2, 2), [[0, 0, 1, 2]], [[[True, True]]])
    >>> pred = Instances((2, 2), [[0, 0, 2, 1]], [[[True], [True]]])
    >>> pixel_counts(truth, pred)
    PixelCounts(tp=1, fp=1, fn=1, tn=1)
    """
    check_same_frame(truth, pred)
    total = PixelCounts()
    for rows in _strips(truth.shape[0]):
        a, b = foreground(truth, rows), foreground(pred, rows)
        true, found = int(np.count_nonzero(a)), int(np.count_nonzero(b))
        tp = int(np.count_nonzero(a & b))
        total += PixelCounts(tp, found - tp, true - tp, a.size - true - found + tp)
    return total


def _strips(rows: int) -> Iterator[slice]:
    for top in range(0, rows, STRIP_ROWS):
        yield slice(top, min(top + STRIP_ROWS, rows))
