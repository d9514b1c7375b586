"""Pixels of each class: the union of its masks, true against predicted."""

from __future__ import annotations

from typing import Any

import numpy as np

from cellwright.evaluate.comparison import Comparison
from cellwright.evaluate.metric import Metric, Sums
from cellwright.evaluate.pixel import pixel_figures, pixel_sums
from cellwright.types import Instances


def pixel_classes(truth: Instances, pred: Instances) -> dict[str, dict[str, float]]:
    """Accuracy, precision, recall, f1, iou, mse and bce of the pixels of each class of the truth.

    The figures are those of `pixel.pixel_counts`, with the masks of one class only; a pixel
    may be of several classes. Where both sides know one class, it is the same one, named by
    the truth. 0 / 0 is 0, as for a class that is nowhere.

    Parameters
    ----------
    truth, pred
        Cells of the same image; masks may overlap.

    Raises
    ------
    InputError
        If the frames differ or a class is predicted that the truth does not have.

    Examples
    --------
    >>> facts = dict(classes=[0, 1], class_names=("alive", "dead"))
    >>> truth = Instances((1, 4), [[0, 0, 1, 2], [0, 2, 1, 4]], [np.ones((1, 2))] * 2, **facts)
    >>> pred = Instances((1, 4), [[0, 0, 1, 2], [0, 3, 1, 4]], [np.ones((1, 2)), [[1]]], **facts)
    >>> {name: figures["iou"] for name, figures in pixel_classes(truth, pred).items()}
    {'alive': 1.0, 'dead': 0.5}
    """
    return PIXEL_CLASSES(truth, pred)


def _count(seen: Comparison) -> dict[str, float]:
    sums: dict[str, float] = {}
    for name in seen.truth.class_names:
        truth = seen.truth[np.flatnonzero(seen.true_names == name)]
        pred = seen.pred[np.flatnonzero(seen.pred_names == name)]
        sums |= {f"{key}:{name}": value for key, value in pixel_sums(truth, pred).items()}
    return sums


def _divide(sums: Sums) -> dict[str, Any]:
    classes: dict[str, dict[str, Any]] = {}
    for key, value in sums.items():
        what, name = key.split(":", 1)
        classes.setdefault(name, {})[what] = value
    return {name: pixel_figures(of_class) for name, of_class in classes.items()}


#: class -> accuracy, precision, recall, f1 (= Dice), iou, mse and bce.
PIXEL_CLASSES = Metric("pixel_classes", "Foreground pixels of each class", _count, _divide)
