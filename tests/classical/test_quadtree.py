"""Split and merge by levels."""

from __future__ import annotations

import numpy as np

from cellwright.classical.quadtree import even_squares, join_alike


def test_squares_are_the_largest_even_ones() -> None:
    image = np.zeros((8, 8))
    image[0, 0] = 1
    squares = even_squares(image, largest=8, tolerance=0.5)
    sizes = np.bincount(squares.ravel())
    assert sorted(sizes.tolist()) == [1] * 4 + [4] * 3 + [16] * 3
    assert len(np.unique(even_squares(image, largest=8, tolerance=1))) == 1


def test_neighbours_alike_are_joined_and_others_are_not() -> None:
    image = np.zeros((9, 13))
    image[2:6, 3:9] = 5
    image[7, 11] = 5.2
    squares = even_squares(image, largest=4, tolerance=0.1)
    regions, mean = join_alike(image, squares, tolerance=0.5)
    assert sorted(np.round(mean, 6).tolist()) == [0, 5, 5.2]
    assert (mean[regions] == image).all()


def test_many_regions_are_numbered_without_overflow() -> None:
    image = np.random.default_rng(0).random((300, 300))
    regions, mean = join_alike(image, np.arange(image.size).reshape(300, 300), tolerance=0.05)
    assert regions.min() == 0
    assert regions.max() == len(mean) - 1 < image.size
