"""Cells that were cut into pieces, pieces that were joined, and cells that were found twice.

One definition serves both sides. A *whole* is a true cell, its *parts* are predictions: a split.
Or the whole is a prediction and its parts are true cells: a merge. Parts are its one-to-one
match at IoU 0.50, where it has one, and cells that match nothing else, if

- at least half of the part lies in the whole (the rule of the Cell Tracking Challenge: Matula et
  al. 2015, who ask for more than half), and
- of its pixels that the parts before it do not have (the match comes first, then the largest),
  at least half lie in the whole and make at least a tenth of it (Caicedo et al. 2019 ask for an
  IoU above 0.1, so that specks are no parts).

A whole with two parts or more is split or merges. Cells matched with something else are never
parts, and a part must bring pixels of its own: two true cells that lie over one another, each
with its own prediction, are neither split nor merged nor found twice.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from cellwright.evaluate.comparison import Comparison
from cellwright.types import Instances

THRESHOLD = 0.5

#: Whole -> its parts, the match first, then the largest.
Groups = dict[int, list[int]]


def split_cells(seen: Comparison) -> Groups:
    """True cells with two predicted parts or more.

    Predictions that find a cell again (`duplicates`) or lie in a crowd are no parts.

    >>> truth = Instances((1, 8), [[0, 0, 1, 8]], [np.ones((1, 8))])
    >>> pred = Instances((1, 8), [[0, 0, 1, 3], [0, 3, 1, 8]], [np.ones((1, 3)), np.ones((1, 5))])
    >>> split_cells(Comparison(truth, pred)), merging_predictions(Comparison(pred, truth))
    ({0: [1, 0]}, {0: [1, 0]})
    """
    found, matched = seen.overlaps(), seen.matched(THRESHOLD)
    partner = dict(zip(matched.i.tolist(), matched.j.tolist(), strict=True))
    free = seen.spurious(THRESHOLD) & ~duplicates(seen)
    sizes = seen.true_areas, seen.pred_areas
    return _groups(seen.truth, seen.pred, found.i, found.j, found.shared, sizes, partner, free)


def merging_predictions(seen: Comparison) -> Groups:
    """Predictions with two true cells or more as parts; see the module."""
    found, matched = seen.overlaps(), seen.matched(THRESHOLD)
    partner = dict(zip(matched.j.tolist(), matched.i.tolist(), strict=True))
    free = seen.missed(THRESHOLD)
    sizes = seen.pred_areas, seen.true_areas
    return _groups(seen.pred, seen.truth, found.j, found.i, found.shared, sizes, partner, free)


def duplicates(seen: Comparison) -> np.ndarray:
    """(M,) bool: predictions that find a true cell which another prediction has already.

    A duplicate has IoU >= 0.50 with a true cell that is matched with another prediction, and the
    two predictions share pixels: two exact halves of one cell are no duplicates.

    >>> cell = Instances((1, 4), [[0, 0, 1, 4]], [np.ones((1, 4))])
    >>> duplicates(Comparison(cell, cell[[0, 0]])).tolist()
    [False, True]
    """
    again = np.zeros(len(seen.pred), dtype=bool)
    found, matched = seen.overlaps(), seen.matched(THRESHOLD)
    spare = found.pick(seen.spurious(THRESHOLD)[found.j] & (found.iou >= THRESHOLD))
    partner = dict(zip(matched.i.tolist(), matched.j.tolist(), strict=True))
    for i, j in zip(spare.i.tolist(), spare.j.tolist(), strict=True):
        again[j] |= _meet(seen.pred, j, partner[i])
    return again


def _meet(cells: Instances, a: int, b: int) -> bool:
    (top, left, bottom, right), (row0, col0, row1, col1) = cells.boxes[[a, b]].tolist()
    low, high = max(top, row0), min(bottom, row1)
    start, stop = max(left, col0), min(right, col1)
    if low >= high or start >= stop:
        return False
    first = cells.masks[a][low - top : high - top, start - left : stop - left]
    return bool(
        (first & cells.masks[b][low - row0 : high - row0, start - col0 : stop - col0]).any()
    )


def _groups(
    wholes: Instances,
    parts: Instances,
    w: np.ndarray,
    p: np.ndarray,
    shared: np.ndarray,
    sizes: tuple[np.ndarray, np.ndarray],
    partner: dict[int, int],
    free: np.ndarray,
) -> Groups:
    """Wholes (w) with two parts (p) or more, of pairs that share pixels."""
    keep = free[p] & (2 * shared >= sizes[1][p]) & (10 * shared >= sizes[0][w])
    w, p, shared = w[keep], p[keep], shared[keep]
    order = np.lexsort((p, -shared, w))
    candidates: Groups = {}
    for whole, part in zip(w[order].tolist(), p[order].tolist(), strict=True):
        candidates.setdefault(whole, [partner[whole]] if whole in partner else []).append(part)
    brought = {
        whole: _parts_of(wholes, whole, parts, tried)
        for whole, tried in candidates.items()
        if len(tried) > 1
    }
    best: dict[int, tuple[int, int]] = {}  # a part goes to the whole it brings most pixels to
    for whole, pixels in brought.items():
        for part, inside in pixels.items():
            best[part] = max(best.get(part, (0, 0)), (inside, -whole))
    groups = {
        whole: [part for part in pixels if best[part][1] == -whole]
        for whole, pixels in brought.items()
    }
    return {whole: found for whole, found in groups.items() if len(found) > 1}


def _parts_of(
    wholes: Instances, whole: int, parts: Instances, tried: Sequence[int]
) -> dict[int, int]:
    """Part -> pixels of the whole that it has and no part before it."""
    boxes = np.vstack([wholes.boxes[[whole]], parts.boxes[list(tried)]])
    top, left = boxes[:, :2].min(axis=0)
    shape = tuple((boxes[:, 2:].max(axis=0) - (top, left)).tolist())
    windows = [np.s_[a - top : c - top, b - left : d - left] for a, b, c, d in boxes.tolist()]
    cell, covered = np.zeros(shape, dtype=bool), np.zeros(shape, dtype=bool)
    cell[windows[0]] = wholes.masks[whole]
    size = int(np.count_nonzero(wholes.masks[whole]))
    found: dict[int, int] = {}
    for part, window in zip(tried, windows[1:], strict=True):
        new = parts.masks[part] & ~covered[window]
        inside = int(np.count_nonzero(new & cell[window]))
        if 2 * inside >= np.count_nonzero(new) and 10 * inside >= size:
            covered[window] |= parts.masks[part]
            found[part] = inside
    return found
