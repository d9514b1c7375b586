"""Pixels of the foreground: the union of all masks, true against predicted.

Accuracy, precision, recall, F1 (= Dice) and IoU count pixels. The mean squared error and the
binary cross-entropy compare the truth (0 or 1) with the probability p of foreground, which is
the largest score of the masks over a pixel, and 0 under none; so a prediction without scores
has p = 1 on its masks::

    MSE = mean of (y - p)^2
    BCE = mean of -(y ln p + (1 - y) ln(1 - p)),   p clipped to [1e-7, 1 - 1e-7] as in Keras

They are the two losses that Waisman et al. compare for U-Net; here they are figures of a
prediction, over the pixels of all images together.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from cellwright.evaluate import ratios
from cellwright.evaluate.classes import check_same_frame
from cellwright.evaluate.comparison import Comparison
from cellwright.evaluate.metric import Metric, Sums
from cellwright.types import InputError, Instances

STRIP_ROWS = 512
#: Probabilities are kept this far from 0 and 1 before their logarithm is taken.
CLIP = 1e-7


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
        return _ratios(asdict(self))


def foreground(instances: Instances, rows: slice = slice(None)) -> np.ndarray:
    """Union of all masks as a boolean (row, column) array, of all rows or a run of them.

    >>> cell = Instances((2, 2), [[1, 0, 2, 2]], [[[True, True]]])
    >>> foreground(cell).astype(int).tolist()
    [[0, 0], [1, 1]]
    """
    return _painted(instances, rows, np.arange(len(instances)), np.dtype(bool))


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
    sums = pixel_sums(truth, pred)
    return PixelCounts(**{name: int(sums[name]) for name in ("tp", "fp", "fn", "tn")})


def pixel_errors(truth_mask: np.ndarray, probability: np.ndarray) -> dict[str, float]:
    """Mean squared error and binary cross-entropy of a probability map.

    Parameters
    ----------
    truth_mask
        Boolean array: true where there is foreground.
    probability
        Array of the same shape, of probabilities in [0, 1].

    Returns
    -------
    dict
        ``mse`` in [0, 1]; ``bce``, natural logarithm, at most -ln(1e-7) = 16.12. Both are 0
        for an array without a pixel.

    Raises
    ------
    InputError
        If the shapes differ, or a value is not in [0, 1].

    Examples
    --------
    >>> pixel_errors(np.array([True, False]), np.array([0.5, 0.0]))["mse"]
    0.125
    >>> round(pixel_errors(np.array([True, False]), np.array([0.5, 0.5]))["bce"], 6)
    0.693147
    """
    truth = np.asarray(truth_mask, dtype=bool)
    given = np.asarray(probability, dtype=float)
    if truth.shape != given.shape:
        raise InputError(
            f"a mask of shape {truth.shape} and probabilities of shape {given.shape} came: "
            "both must be of the same image"
        )
    if not ((given >= 0) & (given <= 1)).all():
        raise InputError(
            "probabilities outside [0, 1] came: the output of a sigmoid or softmax is wanted, "
            "not logits or grey values"
        )
    squared, entropy = _losses(np.where(truth, given, 1 - given))
    return {
        "mse": ratios.ratio(squared.sum(), truth.size),
        "bce": ratios.ratio(entropy.sum(), truth.size),
    }


def pixel_sums(truth: Instances, pred: Instances) -> dict[str, float]:
    """Sums of one image: tp, fp, fn, tn, squared_error and cross_entropy.

    The prediction's masks are painted by ascending score, so that each pixel holds the mask
    of its largest one; then pixels of one mask have one probability, and are only counted.

    >>> truth = Instances((1, 4), [[0, 0, 1, 2]], [np.ones((1, 2))])
    >>> pred = Instances((1, 4), [[0, 1, 1, 3]], [np.ones((1, 2))], scores=[0.5])
    >>> {k: v for k, v in pixel_sums(truth, pred).items() if k != "cross_entropy"}
    {'tp': 1.0, 'fp': 1.0, 'fn': 1.0, 'tn': 1.0, 'squared_error': 1.5}
    """
    order = np.argsort(pred.scores, kind="stable")
    tally = np.zeros((len(pred) + 1, 2))
    for rows in _strips(truth.shape[0]):
        key = _painted(pred, rows, order, np.dtype(np.int64))
        key *= 2
        key += foreground(truth, rows)
        tally += np.bincount(key.reshape(-1), minlength=tally.size).reshape(-1, 2)
    score = np.concatenate([[0.0], pred.scores[order].astype(float)])
    squared, entropy = _losses(np.stack([1 - score, score], axis=1))
    return {
        "tp": float(tally[1:, 1].sum()),
        "fp": float(tally[1:, 0].sum()),
        "fn": float(tally[0, 1]),
        "tn": float(tally[0, 0]),
        "squared_error": float((tally * squared).sum()),
        "cross_entropy": float((tally * entropy).sum()),
    }


def pixel_figures(sums: Sums) -> dict[str, Any]:
    """Accuracy, precision, recall, f1, iou, mse and bce of the sums of `pixel_sums`."""
    pixels = sum(sums.get(k, 0) for k in ("tp", "fp", "fn", "tn"))
    return _ratios(sums) | {
        "mse": ratios.ratio(sums.get("squared_error", 0), pixels),
        "bce": ratios.ratio(sums.get("cross_entropy", 0), pixels),
    }


def _losses(right: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Squared error and cross-entropy where the right answer was given this probability."""
    return (1 - right) ** 2, -np.log(np.clip(right, CLIP, 1 - CLIP))


def _painted(
    instances: Instances, rows: slice, order: np.ndarray, dtype: np.dtype[Any]
) -> np.ndarray:
    """Rows of a frame in which the masks stand on one another in `order`, as 1, 2, ... (or True).

    Only the rank is written, so that ``np.bool_`` gives the union.
    """
    top, bottom, _ = rows.indices(instances.shape[0])
    canvas = np.zeros((max(bottom - top, 0), instances.shape[1]), dtype=dtype)
    boxes = instances.boxes[order]
    inside = np.flatnonzero((boxes[:, 0] < bottom) & (boxes[:, 2] > top))
    for rank, k, (row0, col0, row1, col1) in zip(
        (inside + 1).tolist(), order[inside].tolist(), boxes[inside].tolist(), strict=True
    ):
        low, high = max(row0, top), min(row1, bottom)
        mask = instances.masks[k][low - row0 : high - row0]
        np.copyto(canvas[low - top : high - top, col0:col1], rank, where=mask, casting="unsafe")
    return canvas


def _strips(rows: int) -> Iterator[slice]:
    for top in range(0, rows, STRIP_ROWS):
        yield slice(top, min(top + STRIP_ROWS, rows))


def _ratios(sums: Sums) -> dict[str, Any]:
    tp, fp, fn, tn = (sums.get(k, 0) for k in ("tp", "fp", "fn", "tn"))
    return {
        "accuracy": ratios.ratio(tp + tn, tp + fp + fn + tn),
        "precision": ratios.precision(tp, fp),
        "recall": ratios.recall(tp, fn),
        "f1": ratios.f1(tp, fp, fn),
        "iou": ratios.jaccard(tp, fp, fn),
    }


def _count(seen: Comparison) -> dict[str, float]:
    return pixel_sums(seen.truth, seen.pred)


#: Accuracy, precision, recall, f1 (= Dice), iou, mse and bce of the foreground.
PIXEL = Metric("pixel", "Foreground pixels, whatever cell they belong to", _count, pixel_figures)
