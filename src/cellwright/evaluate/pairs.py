"""Pairs of a true and a predicted cell that share pixels."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from cellwright.overlap import intersections, meeting_boxes
from cellwright.types import Instances


@dataclass(frozen=True, slots=True, eq=False)
class Pairs:
    """P pairs, ordered by the true cell, then by the predicted one.

    Parameters
    ----------
    i, j
        (P,) int64, number of the true and of the predicted cell.
    shared
        (P,) int64, pixels in both.
    iou
        (P,) float64, pixels in both over pixels in either.
    """

    i: np.ndarray
    j: np.ndarray
    shared: np.ndarray
    iou: np.ndarray

    def __len__(self) -> int:
        return len(self.i)

    def pick(self, keep: np.ndarray) -> Pairs:
        """The pairs of a boolean or index array."""
        return Pairs(self.i[keep], self.j[keep], self.shared[keep], self.iou[keep])


def mask_pairs(
    truth: Instances, pred: Instances, true_areas: np.ndarray, pred_areas: np.ndarray
) -> Pairs:
    """Pairs of masks that share pixels; the areas of all masks are given, not counted again.

    >>> cells = Instances((1, 4), [[0, 0, 1, 2], [0, 1, 1, 3]], [np.ones((1, 2))] * 2)
    >>> found = mask_pairs(cells, cells, cells.areas, cells.areas)
    >>> found.i.tolist(), found.j.tolist(), found.iou.round(2).tolist()
    ([0, 0, 1, 1], [0, 1, 0, 1], [1.0, 0.33, 0.33, 1.0])
    """
    i, j, shared = intersections(truth, pred)
    return Pairs(i, j, shared, shared / (true_areas[i] + pred_areas[j] - shared))


def box_pairs(truth: np.ndarray, pred: np.ndarray) -> Pairs:
    """Pairs of boxes that share pixels.

    Parameters
    ----------
    truth, pred
        (N, 4) and (M, 4), half-open ``(row0, col0, row1, col1)``.

    Examples
    --------
    >>> found = box_pairs(np.array([[0, 0, 2, 2]]), np.array([[1, 0, 3, 2], [5, 5, 6, 6]]))
    >>> found.i.tolist(), found.j.tolist(), found.shared.tolist(), found.iou.round(2).tolist()
    ([0], [0], [2], [0.33])
    """
    i, j = meeting_boxes(truth, pred)
    a, b = truth[i], pred[j]
    sides = np.minimum(a[:, 2:], b[:, 2:]) - np.maximum(a[:, :2], b[:, :2])
    shared = sides[:, 0] * sides[:, 1]
    size_a, size_b = (v[:, 2:] - v[:, :2] for v in (a, b))
    either = size_a[:, 0] * size_a[:, 1] + size_b[:, 0] * size_b[:, 1] - shared
    return Pairs(i, j, shared, shared / either)
