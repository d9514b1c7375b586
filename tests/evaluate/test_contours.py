"""Contours and what is near them, against SciPy on whole frames."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage

from cellwright.evaluate.contours import contour, drawn, within


@pytest.mark.parametrize("shape", [(1, 1), (1, 5), (5, 1), (2, 4), (3, 3), (9, 12)])
def test_contour_is_what_erosion_takes(shape: tuple[int, int]) -> None:
    rng = np.random.default_rng(1)
    for mask in (np.ones(shape, bool), rng.random(shape) < 0.8):
        assert np.array_equal(contour(mask), mask & ~ndimage.binary_erosion(mask))


@pytest.mark.parametrize("distance", [0, 1, 1.5, 2, 3, 20])
def test_within_is_euclidean(distance: float) -> None:
    marked = np.zeros((8, 7), bool)
    marked[[0, 6, 7], [0, 3, 6]] = True
    far = ndimage.distance_transform_edt(~marked)
    assert np.array_equal(within(marked, distance), far <= distance)
    assert not within(np.zeros((3, 2), bool), distance).any()


def test_drawn_cuts_what_lies_outside_the_rows() -> None:
    masks = [np.ones((4, 2), bool), np.array([[True, False]])]
    boxes = np.array([[0, 0, 4, 2], [5, 1, 6, 3]])
    whole = drawn(masks, boxes, (7, 3))
    assert whole.sum() == 9
    for top in range(7):
        assert np.array_equal(drawn(masks, boxes, (2, 3), top)[: 7 - top], whole[top : top + 2])
