"""What would be gained if one kind of error were gone: predictions corrected by the truth.

The error analysis of Prytula 2023 (section 5.7.4, Table 5.11), and one correction more for each
kind of error. Each takes a prediction and gives a better one, which is then scored like any
other; the truth is not changed.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from cellwright.evaluate.comparison import Comparison
from cellwright.evaluate.cutting import Placed, divided, united
from cellwright.evaluate.errors import kinds
from cellwright.evaluate.pieces import merging_predictions, split_cells
from cellwright.geometry import tighten
from cellwright.types import InputError, Instances


@dataclass(frozen=True, slots=True)
class Correction:
    """One kind of error that is taken away.

    Parameters
    ----------
    name
        Its name in tables.
    summary
        What is done, in one line.
    of
        Comparison of one image -> corrected prediction, of the same shape.
    """

    name: str
    summary: str
    of: Callable[[Comparison], Instances]

    def __call__(self, truth: Instances, pred: Instances) -> Instances:
        """The corrected prediction of one image."""
        return self.of(Comparison(truth, pred))


def correct(name: str, truth: Instances, pred: Instances) -> Instances:
    """A prediction with one kind of error taken away.

    Parameters
    ----------
    name
        One of `CORRECTIONS`.
    truth, pred
        Cells of the same image.

    Returns
    -------
    Instances
        Shape and class names are those of the prediction ("no misses" adds the names of missing
        classes behind them).

    Raises
    ------
    InputError
        If there is no correction of that name, the frames differ, or a class is predicted that
        the truth does not have.

    Examples
    --------
    >>> truth = Instances((1, 8), [[0, 0, 1, 4], [0, 5, 1, 8]], [np.ones((1, 4)), np.ones((1, 3))])
    >>> pred = Instances((1, 8), [[0, 0, 1, 3]], [np.ones((1, 3))], scores=[0.5])
    >>> correct("gt mask", truth, pred).boxes.tolist()
    [[0, 0, 1, 4]]
    >>> correct("no misses", truth, pred).scores.tolist()
    [0.5, 1.0]
    """
    for known in CORRECTIONS:
        if known.name == name:
            return known(truth, pred)
    raise InputError(
        f"there is no correction {name!r}: known are {', '.join(c.name for c in CORRECTIONS)}"
    )


def _gt_mask(seen: Comparison) -> Instances:
    i, j = _best(seen, of_truth=False)
    return _with_masks_of(seen, i, j)


def _gt_matched(seen: Comparison) -> Instances:
    return seen.pred[np.unique(_best(seen, of_truth=True)[1])]


def _perfect_ranking(seen: Comparison) -> Instances:
    matched = seen.matched(0.5)
    scores = np.zeros(len(seen.pred))
    scores[matched.j] = matched.iou
    return replace(seen.pred, scores=scores)


def _perfect_masks(seen: Comparison) -> Instances:
    matched = seen.matched(0.1)
    return _with_masks_of(seen, matched.i, matched.j)


def _no_splits(seen: Comparison) -> Instances:
    groups = list(split_cells(seen).values())
    masks = [united(seen.pred, parts) for parts in groups]
    best = [max(parts, key=lambda j: (seen.pred.scores[j], -j)) for parts in groups]
    return _exchanged(seen.pred, [j for parts in groups for j in parts], best, masks)


def _no_merges(seen: Comparison) -> Instances:
    groups = merging_predictions(seen)
    masks = [
        mask for j, parts in groups.items() for mask in divided(seen.truth, parts, seen.pred, j)
    ]
    origin = [j for j, parts in groups.items() for _ in parts]
    return _exchanged(seen.pred, list(groups), origin, masks)


def _no_misses(seen: Comparison) -> Instances:
    truth, pred = seen.truth, seen.pred
    lost = np.flatnonzero(kinds(seen)[0] == "missed")
    names = pred.class_names
    number = np.zeros(len(lost), dtype=np.int64)
    if not len(names) == len(truth.class_names) == 1:
        wanted = [str(name) for name in seen.true_names[lost]]
        names += tuple(name for name in dict.fromkeys(wanted) if name not in names)
        number = np.array([names.index(name) for name in wanted], dtype=np.int64)
    masks = tuple(truth.masks[k] for k in lost)
    added = Instances(pred.shape, truth.boxes[lost], masks, None, number, names)  # type: ignore[arg-type]
    return Instances.concatenate([replace(pred, class_names=names), added])


def _without(kind: str) -> Callable[[Comparison], Instances]:
    return lambda seen: seen.pred[kinds(seen)[1] != kind]


def _best(seen: Comparison, *, of_truth: bool) -> tuple[np.ndarray, np.ndarray]:
    """Pairs (i, j) of each prediction (or true cell) that meets one, with its best partner.

    The best by IoU is the best by Dice; of equals, the one it is matched with.
    """
    found, matched = seen.overlaps(), seen.matched(0.5)
    partner = np.full(len(seen.truth), -1)
    partner[matched.i] = matched.j
    own = found.i if of_truth else found.j
    order = np.lexsort((partner[found.i] != found.j, -found.iou, own))
    first = order[np.unique(own[order], return_index=True)[1]]
    return found.i[first], found.j[first]


def _with_masks_of(seen: Comparison, i: np.ndarray, j: np.ndarray) -> Instances:
    boxes, masks = seen.pred.boxes.copy(), list(seen.pred.masks)
    boxes[j] = seen.truth.boxes[i]
    for true, found in zip(i.tolist(), j.tolist(), strict=True):
        masks[found] = seen.truth.masks[true]
    return replace(seen.pred, boxes=boxes, masks=tuple(masks))


def _exchanged(
    pred: Instances,
    gone: list[int],
    origin: list[int],
    masks: list[Placed],
) -> Instances:
    """Predictions without those `gone`, with new masks whose score and class are of `origin`."""
    if not gone:
        return pred
    boxes = np.array([box for box, _ in masks])
    new = replace(pred[origin], boxes=boxes, masks=tuple(mask for _, mask in masks))
    keep = np.delete(np.arange(len(pred)), gone)
    return Instances.concatenate([pred[keep], tighten(new)])


CORRECTIONS: tuple[Correction, ...] = (
    Correction(
        "gt mask",
        "Each prediction gets the mask of the true cell it fits best; scores stay; those that "
        "touch no true cell stay as they are",
        _gt_mask,
    ),
    Correction(
        "gt matched", "Only the best-fitting prediction of each true cell is kept", _gt_matched
    ),
    Correction(
        "perfect ranking",
        "Scores are the IoU with the true cell matched at 0.50, and 0 without one",
        _perfect_ranking,
    ),
    Correction(
        "perfect masks",
        "Each prediction matched one to one at IoU 0.10 gets the true mask",
        _perfect_masks,
    ),
    Correction(
        "no splits", "The parts of a split cell are united; the best score stays", _no_splits
    ),
    Correction(
        "no merges",
        "A prediction that merges is cut along its true cells; pixels in none go to the nearest",
        _no_merges,
    ),
    Correction("no misses", "Missed true cells are added with score 1", _no_misses),
    Correction(
        "no spurious", "Predictions where no true cell is are removed", _without("spurious")
    ),
    Correction(
        "no duplicates", "Second predictions of one cell are removed", _without("duplicate")
    ),
)
