"""Cells from a landscape: its peaks, those of little prominence merged into their neighbour.

Every pixel belongs to the peak that it leads up to (`cellwright.codecs.ascent`). Two basins that
meet are one cell unless the lower of their peaks stands out of the saddle between them by the
wanted prominence.
This is zero-dimensional persistence (Edelsbrunner, Letscher, Zomorodian 2002), the same as a
watershed from h-maxima, without a morphological reconstruction of the whole frame.
"""

from __future__ import annotations

import numpy as np

from cellwright.codecs.ascent import Basins, ascend


def prominent_basins(
    landscape: np.ndarray, inside: np.ndarray, *, prominence: float, least: float
) -> np.ndarray:
    """Basins of the prominent peaks, labelled from 1, int32 (row, column).

    Parameters
    ----------
    landscape
        (row, column) float32, high where cells have their middle.
    inside
        (row, column) bool: what is flooded; regions without a peak stay 0.
    prominence
        Height by which a peak must stand out of the saddle to a higher one.
    least
        Height that a peak must have.

    Examples
    --------
    >>> line = np.array([[0.9, 0.6, 0.8, 0.0, 0.5]], np.float32)
    >>> prominent_basins(line, line > 0, prominence=0.15, least=0.1).tolist()
    [[1, 1, 2, 0, 3]]
    >>> prominent_basins(line, line > 0, prominence=0.3, least=0.1).tolist()
    [[1, 1, 1, 0, 2]]
    """
    found = ascend(landscape, inside)
    summit = np.concatenate([np.full(1, -np.inf, found.heights.dtype), found.summits])
    root = _merged(*_saddles(found), summit, prominence, least)
    numbers = np.unique(root[summit[root] > least])
    compact = np.zeros(len(summit), dtype=np.int32)
    compact[numbers] = np.arange(1, len(numbers) + 1)
    return found.painted(compact[root][found.labels])


def _saddles(found: Basins) -> tuple[np.ndarray, np.ndarray]:
    """Pairs of basins that meet, (P, 2), and the height of the pass between them, highest first."""
    here, there = found.edges
    a, b = found.labels[here], found.labels[there]
    meet = np.flatnonzero(a != b)
    a, b = a[meet], b[meet]
    pair = np.column_stack([np.minimum(a, b), np.maximum(a, b)])
    height = np.minimum(found.heights[here[meet]], found.heights[there[meet]])
    order = np.argsort(-height, kind="stable")
    pair, height = pair[order], height[order]
    _, first = np.unique(pair, axis=0, return_index=True)
    first.sort()
    return pair[first], height[first]


def _merged(
    pairs: np.ndarray, passes: np.ndarray, summit: np.ndarray, prominence: float, least: float
) -> np.ndarray:
    """For each basin the one it belongs to: the higher peak takes over the lower.

    It does where the lower is not prominent, or so low that it is no cell of its own.
    """
    root = np.arange(len(summit))

    def find(k: int) -> int:
        while root[k] != k:
            root[k] = root[root[k]]
            k = int(root[k])
        return k

    for (a, b), height in zip(pairs.tolist(), passes.tolist(), strict=True):
        high, low = find(a), find(b)
        if summit[high] < summit[low]:
            high, low = low, high
        if high != low and (summit[low] - height < prominence or summit[low] <= least):
            root[low] = high
    return np.array([find(k) for k in range(len(root))])
