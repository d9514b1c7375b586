"""How many cells lie at each pixel."""

from __future__ import annotations

import numpy as np

from cellwright.geometry.depth import depth
from cellwright.types import Instances


def test_overlaps_count_and_classes_are_apart() -> None:
    cells = Instances(
        (2, 4),
        [[0, 0, 2, 2], [0, 1, 1, 4], [1, 3, 2, 4]],
        [np.ones((2, 2)), [[1, 0, 1]], [[1]]],
        classes=[0, 0, 1],
        class_names=("cell", "nucleus"),
    )
    assert depth(cells).tolist() == [[[1, 2, 0, 1], [1, 1, 0, 0]], [[0] * 4, [0, 0, 0, 1]]]


def test_no_cells_and_more_than_a_byte_holds() -> None:
    empty = Instances((3, 5), np.zeros((0, 4)), ())
    assert depth(empty).shape == (1, 3, 5)
    assert not depth(empty).any()
    heap = Instances((1, 1), [[0, 0, 1, 1]] * 300, [np.ones((1, 1))] * 300)
    assert depth(heap).tolist() == [[[255]]]
