"""Clean-up of regions."""

from __future__ import annotations

import numpy as np
import pytest

from cellwright.classical.refine import (
    fill_holes,
    one_piece,
    open_mask,
    own_threshold,
    region_quantile,
)


def test_region_quantile_is_near_the_true_one() -> None:
    rng = np.random.default_rng(0)
    image = rng.gamma(2, 50, (60, 60)).astype(np.float32)
    labels = np.repeat(np.repeat(np.array([[0, 1], [2, 4]]), 30, 0), 30, 1)
    found = region_quantile(image, labels, 0.75)
    assert found.shape == (5,)
    assert found[3] == 0
    for k in (1, 2, 4):
        assert found[k] == pytest.approx(np.quantile(image[labels == k], 0.75), rel=0.05)


def test_region_quantile_of_constants_and_of_nothing() -> None:
    labels = np.array([[0, 1], [1, 3]])
    assert region_quantile(np.full((2, 2), 5.0), labels, 0.5).tolist() == [0, 5, 0, 5]
    assert region_quantile(np.ones((2, 2)), np.zeros((2, 2), int), 0.5).tolist() == [0]


def test_own_threshold_cuts_each_cell_at_its_own_height() -> None:
    profile = np.maximum(1 - np.abs(np.arange(-20, 21)) / 20, 0)
    image = np.concatenate([10 * profile, 1000 * profile])[None].astype(np.float32)
    labels = np.repeat([1, 2], 41)[None]
    found = own_threshold(image, np.zeros_like(image), labels, height=0.5, quantile=1.0)
    widths = np.bincount(found.ravel())[1:]
    assert widths[0] == pytest.approx(21, abs=1)
    assert widths[1] == pytest.approx(21, abs=1)


def test_one_piece_keeps_the_largest_and_renumbers() -> None:
    labels = np.array([[1, 1, 1, 0, 1], [0, 0, 0, 0, 0], [7, 0, 9, 9, 0]])
    assert one_piece(labels).tolist() == [[1, 1, 1, 0, 0], [0] * 5, [2, 0, 3, 3, 0]]
    assert one_piece(labels, smallest=2).max() == 2
    assert not one_piece(np.zeros((3, 3), int)).any()


def test_holes_are_filled_and_gaps_are_not() -> None:
    labels = np.zeros((9, 9), int)
    labels[1:6, 1:6] = 4
    labels[3, 3] = 0
    labels[7, :] = 2
    found = fill_holes(labels)
    assert found[3, 3] == 4
    assert not found[6].any()


def test_opening_spares_the_border() -> None:
    mask = np.zeros((8, 8), bool)
    mask[:4] = True
    mask[6, 6] = True
    assert open_mask(mask).sum() == 32
