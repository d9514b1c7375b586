"""One-to-one pairs of the graph of cells that meet: the most pairs, then the best ones."""

from __future__ import annotations

import numpy as np
from scipy.optimize import linear_sum_assignment
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

# Far below any difference of two IoUs, far above the rounding of their sums.
_HINT = 1e-12


def assign(
    i: np.ndarray,
    j: np.ndarray,
    iou: np.ndarray,
    threshold: float,
    *,
    prefer: np.ndarray | None = None,
) -> np.ndarray:
    """Most one-to-one pairs with IoU >= threshold, then the largest sum of IoU.

    The graph of pairs falls into small components; one of a single row or column is solved
    by its best pair, each other one by the Hungarian method on its own dense matrix.

    Parameters
    ----------
    i, j, iou
        Pairs that share pixels: (P,) row index, column index and IoU.
    threshold
        IoU in (0, 1].
    prefer
        (P,) in [0, 1]: of equally good pairs the one with the larger value is taken, so that
        the order of the cells does not decide.

    Returns
    -------
    ndarray
        int64 indices of the chosen pairs, sorted by `i`.

    Examples
    --------
    Row 0 likes column 0 best, but two pairs are more than one:

    >>> assign(np.array([0, 0, 1]), np.array([0, 1, 0]), np.array([0.9, 0.6, 0.6]), 0.5).tolist()
    [1, 2]
    """
    enough = np.flatnonzero(iou >= threshold)
    i, j, iou = i[enough], j[enough], iou[enough]
    if not len(i):
        return enough
    rows, row = np.unique(i, return_inverse=True)
    columns, column = np.unique(j, return_inverse=True)
    size = len(rows) + len(columns)
    graph = coo_array((np.ones(len(i), bool), (row, len(rows) + column)), shape=(size, size))
    count, labels = connected_components(graph, directed=False)
    component = labels[row]
    tall = np.bincount(labels[: len(rows)], minlength=count)
    wide = np.bincount(labels[len(rows) :], minlength=count)

    wish = np.zeros(len(i)) if prefer is None else prefer[enough]
    order = np.lexsort((-wish, -iou, component))
    first = np.unique(component[order], return_index=True)[1]
    star = np.minimum(tall, wide) == 1
    chosen = [order[first[star]]]

    starts = np.append(first, len(order))
    for c in np.flatnonzero(~star):
        edges = order[starts[c] : starts[c + 1]]
        chosen.append(edges[_solve(row[edges], column[edges], iou[edges], wish[edges])])
    picked = np.sort(np.concatenate(chosen))
    return enough[picked[np.argsort(i[picked], kind="stable")]]


def _solve(row: np.ndarray, column: np.ndarray, iou: np.ndarray, wish: np.ndarray) -> np.ndarray:
    """Edges of the best assignment of one component: number of pairs, then IoU, then wishes."""
    rows, r = np.unique(row, return_inverse=True)
    columns, c = np.unique(column, return_inverse=True)
    edge = np.full((len(rows), len(columns)), -1)
    edge[r, c] = np.arange(len(row))
    gain = np.zeros(edge.shape)
    gain[r, c] = 1.0 + iou / (2 * min(edge.shape)) + _HINT * wish
    best = edge[linear_sum_assignment(gain, maximize=True)]
    return best[best >= 0]
