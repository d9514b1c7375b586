"""Aggregated Jaccard index, AJI and AJI+: shared pixels of all pairs over pixels of all pairs.

AJI: N. Kumar, R. Verma, S. Sharma, S. Bhargava, A. Vahadane, A. Sethi, "A dataset and a
technique for generalized nuclear segmentation for computational pathology", IEEE TMI 36
(2017) 1550-1560, Algorithm 1. Every true cell G takes the prediction S(G) of the largest
IoU; one prediction may be taken by several true cells, and is then counted as often::

    AJI = sum |G and S(G)| / (sum |G or S(G)| + sum of |S| over predictions never taken)

A true cell that no prediction touches adds its own pixels to the denominator.

AJI+: S. Graham et al., "HoVer-Net", Medical Image Analysis 58 (2019) 101563. The same, with
one-to-one pairs that maximise the sum of IoU; true cells and predictions left over add
their own pixels.

Of two predictions of equal IoU, the larger pair is taken: both follow HoVer-Net's published
code, which divides by the union + 1e-6 when it compares. Of pairs that are alike in that too,
the one with the better score is taken, whatever the order of the cells.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.optimize import linear_sum_assignment
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from cellwright.evaluate import ratios
from cellwright.evaluate.comparison import Comparison
from cellwright.evaluate.crowd import counted
from cellwright.evaluate.metric import Metric, Sums
from cellwright.evaluate.pairs import Pairs
from cellwright.types import Instances

_EPSILON = 1e-6
# Of pairs that are equal in everything else the one with the better score is taken.
_HINT = 1e-12


def aggregated_jaccard(truth: Instances, pred: Instances) -> dict[str, float]:
    """AJI and AJI+ of one image.

    Only cells of one class can be a pair. Crowd regions are no cells, and predictions of
    which more than half lies in one add nothing unless they are taken. 0 / 0: with no cell
    on either side both are NaN, and the image is left out of means.

    Parameters
    ----------
    truth, pred
        Cells of the same image; masks may overlap.

    Returns
    -------
    dict
        ``aji``, ``aji_plus``, each in [0, 1].

    Raises
    ------
    InputError
        If the frames differ or a class is predicted that the truth does not have.

    Examples
    --------
    One prediction over two true cells is taken twice by AJI, once by AJI+:

    >>> truth = Instances((1, 8), [[0, 0, 1, 4], [0, 4, 1, 8]], [np.ones((1, 4))] * 2)
    >>> pred = Instances((1, 8), [[0, 0, 1, 6]], [np.ones((1, 6))])
    >>> aggregated_jaccard(truth, pred)  # (4 + 2) / (6 + 8) and 4 / (6 + 4)
    {'aji': 0.42857142857142855, 'aji_plus': 0.4}
    """
    return AGGREGATED(truth, pred)


def _count(seen: Comparison) -> dict[str, float]:
    true = np.where(seen.crowd, 0, seen.true_areas)
    pred = np.where(counted(seen), seen.pred_areas, 0)
    if not true.any() and not pred.any():
        return {"aji": 0.0, "aji_plus": 0.0, "images": 0}
    found = seen.overlaps()
    union = seen.true_areas[found.i] + seen.pred_areas[found.j] - found.shared
    gain = found.shared / (union + _EPSILON) + _HINT * seen.pred.scores[found.j]
    sums: dict[str, float] = {"images": 1}
    for name, chosen in (("aji", _best(found, gain)), ("aji_plus", _one_to_one(found, gain))):
        left_true, left_pred = true.copy(), pred.copy()
        left_true[found.i[chosen]] = 0
        left_pred[found.j[chosen]] = 0
        whole = union[chosen].sum() + left_true.sum() + left_pred.sum()
        sums[name] = float(found.shared[chosen].sum() / whole)
    return sums


def _best(found: Pairs, gain: np.ndarray) -> np.ndarray:
    """Indices of the pairs of each true cell with its best prediction; the first of equals."""
    order = np.lexsort((-gain, found.i))
    return order[np.unique(found.i[order], return_index=True)[1]]


def _one_to_one(found: Pairs, gain: np.ndarray) -> np.ndarray:
    """Indices of the one-to-one pairs of the largest total gain."""
    sure, left = [], np.arange(len(gain))
    while len(left):
        i, j, g = found.i[left], found.j[left], gain[left]
        # No exchange gains where a pair outweighs the next best of both its cells together.
        certain = g > _rival(i, g) + _rival(j, g)
        if not certain.any():
            break
        sure.append(left[certain])
        left = left[~(np.isin(i, i[certain]) | np.isin(j, j[certain]))]
    if len(left):
        sure += _solved(found, gain, left)
    return np.concatenate(sure) if sure else left


def _rival(cell: np.ndarray, gain: np.ndarray) -> np.ndarray:
    """For each pair, the largest gain among the other pairs of its cell; 0 where it has none."""
    order = np.lexsort((-gain, cell))
    first = np.unique(cell[order], return_index=True)[1]
    lengths = np.diff(first, append=len(order))
    best = np.repeat(gain[order[first]], lengths)
    second = np.zeros(len(first))
    several = lengths > 1
    second[several] = gain[order[first[several] + 1]]
    rival = np.empty(len(gain))
    rival[order] = best
    rival[order[first]] = second
    return rival


def _solved(found: Pairs, gain: np.ndarray, left: np.ndarray) -> list[np.ndarray]:
    """The best assignment of each connected component of the pairs `left`."""
    rows, row = np.unique(found.i[left], return_inverse=True)
    columns, column = np.unique(found.j[left], return_inverse=True)
    size = len(rows) + len(columns)
    graph = coo_array((np.ones(len(left), bool), (row, len(rows) + column)), shape=(size, size))
    component = connected_components(graph, directed=False)[1][row]
    order = np.argsort(component, kind="stable")
    parts = np.split(order, np.flatnonzero(np.diff(component[order])) + 1)
    chosen = []
    for part in parts:
        r = np.unique(row[part], return_inverse=True)[1]
        c = np.unique(column[part], return_inverse=True)[1]
        pair = np.full((r.max() + 1, c.max() + 1), -1)
        pair[r, c] = left[part]
        weight = np.zeros(pair.shape)
        weight[r, c] = gain[left[part]]
        best = pair[linear_sum_assignment(weight, maximize=True)]
        chosen.append(best[best >= 0])
    return chosen


def _divide(sums: Sums) -> dict[str, Any]:
    images = sums.get("images", 0)
    return {name: ratios.mean(sums.get(name, 0), images) for name in ("aji", "aji_plus")}


#: aji and aji_plus, the means over the images that have a cell on either side.
AGGREGATED = Metric("aggregated", "Pixels shared by pairs of cells (AJI)", _count, _divide)
