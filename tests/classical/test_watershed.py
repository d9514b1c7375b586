"""Splitting of touching cells and the merging of pieces."""

from __future__ import annotations

import numpy as np
import pytest

from cellwright.classical.merging import borders, ellipse_fill, merge_regions, moments
from cellwright.classical.watershed import inner_distance, split_touching, typical_radius


def disc(shape: tuple[int, int], row: float, col: float, radius: float) -> np.ndarray:
    rows, cols = np.mgrid[: shape[0], : shape[1]]
    return np.hypot(rows - row, cols - col) < radius


@pytest.mark.parametrize("gap", [15, 17, 19])
def test_two_touching_discs_are_split(gap: int) -> None:
    mask = disc((60, 80), 30, 25, 10) | disc((60, 80), 30, 25 + gap, 10)
    labels, radius = split_touching(mask)
    assert labels.max() >= 2
    assert len(np.unique(labels)) == 3
    assert labels[30, 22] != labels[30, 28 + gap]
    assert ((labels > 0) == mask).all()
    assert 8 < radius < 11


def test_a_small_cell_beside_a_large_one_is_kept() -> None:
    large, small = disc((100, 100), 45, 35, 22), disc((100, 100), 45, 66, 11)
    labels, _ = split_touching(large | small)
    assert labels[45, 35] != labels[45, 70]


@pytest.mark.parametrize("axes", [(10, 10), (8, 20), (25, 9)])
def test_an_ellipse_stays_whole(axes: tuple[int, int]) -> None:
    rows, cols = np.mgrid[:80, :80] - 40
    mask = (rows / axes[0]) ** 2 + (cols / axes[1]) ** 2 < 1
    labels, _ = split_touching(mask)
    assert len(np.unique(labels)) == 2


def test_a_dark_line_splits_what_shape_alone_does_not() -> None:
    rows, cols = np.mgrid[:60, :60] - 30
    mask = (rows / 10) ** 2 + (cols / 18) ** 2 < 1
    image = np.where(mask, 100.0, 0.0) * (1 - 0.8 * np.exp(-((cols / 2) ** 2)))
    assert len(np.unique(split_touching(mask)[0])) == 2
    assert len(np.unique(split_touching(mask, image)[0])) == 3


def test_nothing_and_everything() -> None:
    assert not split_touching(np.zeros((20, 20), bool))[0].any()
    labels, _ = split_touching(np.ones((20, 20), bool))
    assert (labels == 1).all() or len(np.unique(labels)) == 1


def test_typical_radius_does_not_heed_debris() -> None:
    mask = disc((200, 200), 60, 60, 20) | disc((200, 200), 140, 140, 20)
    for row in range(5, 200, 12):
        mask |= disc((200, 200), row, 190, 3)
    assert typical_radius(inner_distance(mask)) > 15
    assert typical_radius(np.zeros((9, 9), np.float32)) == 3


def test_cells_cut_by_the_border_keep_their_distance() -> None:
    mask = np.zeros((30, 30), bool)
    mask[:10] = True
    assert inner_distance(mask)[0, 15] == 10


def test_ellipse_fill_of_known_shapes() -> None:
    one = disc((80, 80), 40, 40, 15)
    two = disc((80, 80), 40, 24, 15) | disc((80, 80), 40, 54, 15)
    assert ellipse_fill(tuple(moments(one.astype(int))[1])) == pytest.approx(1, abs=0.01)
    assert ellipse_fill(tuple(moments(two.astype(int))[1])) == pytest.approx(0.894, abs=0.01)


def test_borders_hold_the_highest_saddle() -> None:
    labels = np.array([[1, 1, 2, 2], [1, 1, 2, 2], [0, 0, 3, 3]])
    relief = np.array([[1, 2, 3, 1], [1, 5, 4, 1], [0, 0, 2, 1]], float)
    found = borders(labels, relief, relief)
    assert set(found) == {(1, 2), (2, 3)}
    assert found[1, 2].saddle == 4
    assert found[1, 2].bright == 4.5
    assert found[2, 3].saddle == 2


def test_limit_decides() -> None:
    mask = disc((60, 80), 30, 30, 10) | disc((60, 80), 30, 48, 10)
    labels = np.where(mask, np.where(np.arange(80) < 39, 1, 2), 0)
    relief = inner_distance(mask)
    flat = np.ones_like(relief)
    assert merge_regions(labels, relief, flat, limit=0.0).max() == 1
    assert merge_regions(labels, relief, flat, limit=1.0).max() == 2
