"""Which predicted class is which true class: classes meet by name, never by number."""

from __future__ import annotations

import numpy as np

from cellwright.types import InputError, Instances


def check_same_frame(truth: Instances, pred: Instances) -> None:
    """Raise InputError where truth and prediction are not of one frame."""
    if truth.shape != pred.shape:
        raise InputError(
            f"the truth is {truth.shape[0]} x {truth.shape[1]} pixels, the prediction "
            f"{pred.shape[0]} x {pred.shape[1]}: both must be of the same image"
        )


def class_labels(truth: Instances, pred: Instances) -> tuple[np.ndarray, np.ndarray]:
    """Class names of each true and each predicted cell, made comparable.

    Where both sides know one class only, it is the same class whatever its name ("nucleus"
    and "cell" cannot be told apart there); otherwise every predicted class must be a true one.

    Returns
    -------
    truth_names, pred_names
        (N,) and (M,) arrays of str.

    Raises
    ------
    InputError
        If cells are predicted of a class that the truth does not have.

    Examples
    --------
    >>> box, mask = [[0, 0, 1, 1]], [[[True]]]
    >>> truth = Instances((2, 2), box, mask, class_names=("nucleus",))
    >>> pred = Instances((2, 2), box, mask, class_names=("cell",))
    >>> [names.tolist() for names in class_labels(truth, pred)]
    [['nucleus'], ['nucleus']]
    """
    true_names = np.asarray(truth.class_names, dtype=object)
    if len(truth.class_names) == len(pred.class_names) == 1:
        return true_names[truth.classes], true_names[pred.classes]
    pred_names = np.asarray(pred.class_names, dtype=object)[pred.classes]
    unknown = sorted(set(pred_names) - set(truth.class_names))
    if unknown:
        raise InputError(
            f"cells of class {', '.join(unknown)} are predicted, the truth has "
            f"{', '.join(truth.class_names)}: give both the same class names"
        )
    return true_names[truth.classes], pred_names


def crowds(truth: Instances) -> np.ndarray:
    """(N,) bool: true where a mask is a region of uncounted cells (COCO's iscrowd)."""
    return np.array([bool(t.get("iscrowd", False)) for t in truth.tags or ({},) * len(truth)], bool)


def cells_and_crowds(truth: Instances) -> tuple[Instances, Instances]:
    """The cells, and the regions of uncounted ones, in their order."""
    crowd = crowds(truth)
    return truth[~crowd], truth[crowd]
