"""What went wrong, cell by cell: splits, merges, misses, false ones, duplicates."""

from __future__ import annotations

from typing import Any

import numpy as np

from cellwright.evaluate import ratios
from cellwright.evaluate.comparison import Comparison
from cellwright.evaluate.metric import Metric, Sums
from cellwright.evaluate.pieces import (
    THRESHOLD,
    duplicates,
    merging_predictions,
    split_cells,
)
from cellwright.types import Instances

#: What a true cell can be, and what a prediction can be.
TRUE_KINDS: tuple[str, ...] = ("found", "split", "merged", "missed", "crowd")
PRED_KINDS: tuple[str, ...] = ("right", "part", "merge", "duplicate", "spurious", "ignored")


def kinds(seen: Comparison) -> tuple[np.ndarray, np.ndarray]:
    """What became of every true cell, and what every prediction is.

    A true cell is, the first that holds: ``crowd`` (tagged ``iscrowd``), ``split`` (two parts
    or more, see `pieces`), ``merged`` (a part of a prediction that merges), ``found`` (matched
    one to one at IoU 0.50), ``missed``. A prediction is: ``merge``, ``part`` (of a split cell),
    ``right``, ``ignored`` (unmatched, in a crowd), ``duplicate``, ``spurious``. Cells meet
    within their class; a prediction whose outline fits too badly to match is spurious, and
    its true cell missed.

    Returns
    -------
    true_kinds, pred_kinds
        (N,) and (M,) arrays of str.

    Examples
    --------
    One cell is cut in two, one is not found, and one is predicted where none is:

    >>> truth = Instances((1, 16), [[0, 0, 1, 8], [0, 9, 1, 11]],
    ...                   [np.ones((1, 8)), np.ones((1, 2))])
    >>> pred = Instances((1, 16), [[0, 0, 1, 5], [0, 5, 1, 8], [0, 13, 1, 16]],
    ...                  [np.ones((1, 5)), np.ones((1, 3)), np.ones((1, 3))])
    >>> [names.tolist() for names in kinds(Comparison(truth, pred))]
    [['split', 'missed'], ['part', 'part', 'spurious']]
    """
    matched = seen.matched(THRESHOLD)
    splits, merges = split_cells(seen), merging_predictions(seen)
    true = np.full(len(seen.truth), "missed", dtype="<U9")
    true[seen.crowd] = "crowd"
    true[matched.i] = "found"
    true[[i for parts in merges.values() for i in parts]] = "merged"
    true[list(splits)] = "split"
    pred = np.full(len(seen.pred), "spurious", dtype="<U9")
    pred[duplicates(seen)] = "duplicate"
    pred[~seen.spurious(THRESHOLD)] = "ignored"
    pred[matched.j] = "right"
    pred[[j for parts in splits.values() for j in parts]] = "part"
    pred[list(merges)] = "merge"
    return true, pred


def errors(truth: Instances, pred: Instances) -> dict[str, float]:
    """Number and rate of each kind of error.

    Splits (true cells in two parts or more), merges (predictions that join two true cells or
    more), missed true cells, spurious predictions and duplicates (Prytula 2023, section 6.2),
    as `kinds` tells them. Missed cells do not contain those of a merge, nor spurious
    predictions the parts of a split, so the sum is not that of FN and FP.

    Parameters
    ----------
    truth, pred
        Cells of the same image; masks may overlap.

    Returns
    -------
    dict
        splits, merges, missed, spurious, duplicates; split_rate and missed_rate per true cell
        (crowds apart), merge_rate, spurious_rate and duplicate_rate per prediction (those
        ignored in crowds apart); 0 / 0 is 0.

    Raises
    ------
    InputError
        If the frames differ or a class is predicted that the truth does not have.

    Examples
    --------
    >>> truth = Instances((1, 8), [[0, 0, 1, 4], [0, 4, 1, 7]], [np.ones((1, 4)), np.ones((1, 3))])
    >>> found = errors(truth, Instances((1, 8), [[0, 0, 1, 7]], [np.ones((1, 7))]))
    >>> found["merges"], found["merge_rate"], found["missed"]
    (1, 1.0, 0)
    """
    return ERRORS(truth, pred)


def _count(seen: Comparison) -> dict[str, float]:
    true, pred = kinds(seen)
    wrong = {
        "splits": np.count_nonzero(true == "split"),
        "merges": np.count_nonzero(pred == "merge"),
        "missed": np.count_nonzero(true == "missed"),
        "spurious": np.count_nonzero(pred == "spurious"),
        "duplicates": np.count_nonzero(pred == "duplicate"),
        "true": np.count_nonzero(true != "crowd"),
        "predicted": np.count_nonzero(pred != "ignored"),
    }
    return {name: int(count) for name, count in wrong.items()}


#: Number -> its rate, and what the rate is per.
_RATES = (
    ("splits", "split_rate", "true"),
    ("merges", "merge_rate", "predicted"),
    ("missed", "missed_rate", "true"),
    ("spurious", "spurious_rate", "predicted"),
    ("duplicates", "duplicate_rate", "predicted"),
)


def _divide(sums: Sums) -> dict[str, Any]:
    figures = {name: sums.get(name, 0) for name, _, _ in _RATES}
    rates = {
        rate: ratios.ratio(sums.get(name, 0), sums.get(whole, 0)) for name, rate, whole in _RATES
    }
    return figures | rates


#: splits, merges, missed, spurious, duplicates, and the rate of each.
ERRORS = Metric("errors", "What went wrong, cell by cell", _count, _divide)
