"""Uneven background."""

from __future__ import annotations

import numpy as np
import pytest

from cellwright.classical.background import block_background, local_background


@pytest.fixture
def field() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """A sloping background, the cells on it, and both together."""
    rows, cols = np.mgrid[:200, :260].astype(np.float32)
    slope = 100 + rows / 4 + cols / 2
    cells = np.zeros((200, 260), bool)
    for row in range(20, 200, 40):
        for col in range(20, 260, 40):
            cells |= np.hypot(rows - row, cols - col) < 9
    return slope, cells, slope + 80 * cells


def test_block_background_follows_a_slope(field) -> None:
    slope, _, image = field
    found = block_background(image, block=32)
    assert found.shape == image.shape
    assert found.dtype == np.float32
    left = image - found
    assert np.ptp((slope - found)[:, ::20]) < 0.6 * np.ptp(slope)
    assert left.min() > -40


def test_local_background_is_carried_under_the_cells(field) -> None:
    slope, cells, image = field
    found = local_background(image, cells, sigma=10)
    inner = np.s_[30:-30, 30:-30]
    assert np.abs(found - slope)[inner].max() < 6


def test_local_background_without_background_is_the_darkest_value() -> None:
    image = np.arange(12.0).reshape(3, 4)
    assert (local_background(image, np.ones((3, 4), bool)) == 0).all()


@pytest.mark.parametrize("shape", [(1, 1), (5, 300), (31, 33)])
def test_constant_images_have_their_own_value(shape: tuple[int, int]) -> None:
    image = np.full(shape, 7.0, np.float32)
    np.testing.assert_allclose(block_background(image), 7, rtol=1e-5)
    np.testing.assert_allclose(local_background(image, image > 8), 7, rtol=1e-3)
