"""Where cells lie over one another: the region itself, and recall of the cells in it.

The region under two masks or more is scored like a segmentation of its own, as in Prytula 2023
(Tables 5.3 and 5.6). Classes are not told apart: an alive cell may lie over a dead one.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np

from cellwright.evaluate import ratios
from cellwright.evaluate.binned import recall_figures, recall_sums
from cellwright.evaluate.comparison import Comparison
from cellwright.evaluate.metric import Metric, Sums
from cellwright.evaluate.pixel import foreground
from cellwright.overlap import overlap_map
from cellwright.types import Instances

#: Pixels of a frame that are looked at in one go; bounds the memory on large frames.
STRIP_PIXELS = 1 << 23

#: Upper ends of the bins of the covered share s: s = 0, then 0 < s <= 0.1, 0.1 < s <= 0.25 ...
SHARES: tuple[tuple[str, float], ...] = (
    ("0", 0.0),
    ("0-0.1", 0.1),
    ("0.1-0.25", 0.25),
    ("0.25-0.5", 0.5),
    ("0.5-1", 1.0),
)


def overlap_region(truth: Instances, pred: Instances) -> dict[str, float]:
    """Pixels under two masks or more: true against predicted.

    Prytula 2023, Tables 5.3 and 5.6. A mask over itself counts once per cell: two equal
    predictions make a predicted region. Regions tagged ``iscrowd`` hide unknown cells; pixels
    under them are left out on both sides.

    Parameters
    ----------
    truth, pred
        Cells of the same image.

    Returns
    -------
    dict
        accuracy (TP + TN) / all, precision TP / (TP + FP), recall TP / (TP + FN), f1 = Dice,
        iou (0 / 0 is 0), and area_true, area_predicted in pixels.

    Raises
    ------
    InputError
        If the frames differ or a class is predicted that the truth does not have.

    Examples
    --------
    Two cells share two pixels; predicted, they share one of them:

    >>> truth = Instances((1, 8), [[0, 0, 1, 4], [0, 2, 1, 6]], [np.ones((1, 4))] * 2)
    >>> pred = Instances((1, 8), [[0, 0, 1, 3], [0, 2, 1, 6]], [np.ones((1, 3)), np.ones((1, 4))])
    >>> found = overlap_region(truth, pred)
    >>> found["precision"], found["recall"], found["area_true"], found["area_predicted"]
    (1.0, 0.5, 2, 1)
    """
    return OVERLAP(truth, pred)


def overlapped(truth: Instances, pred: Instances) -> dict[str, dict[str, float]]:
    """Recall of true cells by the share of their area that other true cells cover.

    Parameters
    ----------
    truth, pred
        Cells of the same image. Those tagged ``iscrowd`` neither count nor cover.

    Returns
    -------
    dict
        Bin of `SHARES` -> cells, recall50 and recall75: the share of its cells with a match at
        IoU 0.50 and 0.75 (NaN without cells).

    Raises
    ------
    InputError
        If the frames differ or a class is predicted that the truth does not have.

    Examples
    --------
    >>> truth = Instances((1, 8), [[0, 0, 1, 4], [0, 2, 1, 6]], [np.ones((1, 4))] * 2)
    >>> overlapped(truth, truth[:1])["0.25-0.5"]
    {'cells': 2, 'recall50': 0.5, 'recall75': 0.5}
    """
    return OVERLAPPED(truth, pred)


def covered_shares(cells: Instances) -> np.ndarray:
    """(N,) share of each cell's area that the other cells cover, in [0, 1].

    A cell without a pixel has share 0.

    >>> covered_shares(Instances((1, 8), [[0, 0, 1, 4], [0, 3, 1, 5]],
    ...                          [np.ones((1, 4)), np.ones((1, 2))])).tolist()
    [0.25, 0.5]
    """
    covered = np.zeros(len(cells), dtype=np.int64)
    for rows in _strips(cells.shape):
        number, part = _in_rows(cells, rows)
        twice = overlap_map(part)
        for k, (row0, col0, row1, col1), mask in zip(
            number.tolist(), part.boxes.tolist(), part.masks, strict=True
        ):
            covered[k] += np.count_nonzero(twice[row0:row1, col0:col1] & mask)
    return covered / np.maximum(cells.areas, 1)


def _strips(shape: tuple[int, int]) -> Iterator[slice]:
    step = max(STRIP_PIXELS // shape[1], 1)
    for top in range(0, shape[0], step):
        yield slice(top, min(top + step, shape[0]))


def _in_rows(cells: Instances, rows: slice) -> tuple[np.ndarray, Instances]:
    """Numbers of the cells in a strip and the cells cut to it, in its coordinates."""
    top, bottom = rows.start, rows.stop
    if (top, bottom) == (0, cells.shape[0]):
        return np.arange(len(cells)), cells
    number = np.flatnonzero((cells.boxes[:, 0] < bottom) & (cells.boxes[:, 2] > top))
    boxes = cells.boxes[number]
    masks = [
        cells.masks[k][max(top - row0, 0) : bottom - row0]
        for k, row0 in zip(number.tolist(), boxes[:, 0].tolist(), strict=True)
    ]
    boxes[:, ::2] = boxes[:, ::2].clip(top, bottom) - top
    return number, Instances((bottom - top, cells.shape[1]), boxes, tuple(masks))


def _count_region(seen: Comparison) -> dict[str, float]:
    crowded = bool(seen.crowd.any())
    tp = true = found = pixels = 0
    for rows in _strips(seen.truth.shape):
        a, b = (overlap_map(_in_rows(cells, rows)[1]) for cells in (seen.truth, seen.pred))
        if crowded:
            known = ~foreground(seen.truth[seen.crowd], rows)
            a, b = a & known, b & known
        pixels += int(np.count_nonzero(known)) if crowded else a.size
        true += int(np.count_nonzero(a))
        found += int(np.count_nonzero(b))
        tp += int(np.count_nonzero(a & b))
    return {"tp": tp, "fp": found - tp, "fn": true - tp, "tn": pixels - true - found + tp}


def _divide_region(sums: Sums) -> dict[str, Any]:
    tp, fp, fn = (sums.get(k, 0) for k in ("tp", "fp", "fn"))
    # scores of an earlier version do not know TN
    tn = sums.get("tn", math.nan)
    return {
        "accuracy": ratios.mean(tp + tn, tp + tn + fp + fn),
        "precision": ratios.precision(tp, fp),
        "recall": ratios.recall(tp, fn),
        "f1": ratios.f1(tp, fp, fn),
        "iou": ratios.jaccard(tp, fp, fn),
        "area_true": tp + fn,
        "area_predicted": tp + fp,
    }


def _count_cells(seen: Comparison) -> dict[str, float]:
    shares = np.zeros(len(seen.truth))
    shares[~seen.crowd] = covered_shares(seen.truth[~seen.crowd])
    bins = np.searchsorted([end for _, end in SHARES], shares, side="left")
    return recall_sums(seen, [name for name, _ in SHARES], bins)


def _divide_cells(sums: Sums) -> dict[str, Any]:
    return recall_figures(sums, [name for name, _ in SHARES])


#: accuracy, precision, recall, f1, iou of the region under two masks or more; its areas in pixels.
OVERLAP = Metric(
    "overlap", "Pixels where cells lie over one another", _count_region, _divide_region
)

#: Bin of the covered share -> cells, recall50, recall75.
OVERLAPPED = Metric(
    "overlapped", "Cells found, by how much other cells cover them", _count_cells, _divide_cells
)
