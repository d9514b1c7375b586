"""Otsu's threshold and foreground masks."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from cellwright.classical.otsu import bright_foreground, otsu_threshold, texture_foreground


@settings(max_examples=20, deadline=None)
@given(st.floats(-1e3, 1e3), st.floats(0.1, 1e3), st.integers(5, 60))
def test_threshold_lies_between_two_groups(low: float, gap: float, count: int) -> None:
    values = np.concatenate([np.full(count, low), np.full(40, low + gap)])
    assert low < otsu_threshold(values) < low + gap


def test_threshold_agrees_with_skimage() -> None:
    from skimage.filters import threshold_otsu

    rng = np.random.default_rng(0)
    values = np.concatenate([rng.normal(10, 2, 5000), rng.normal(30, 5, 1000)])
    assert abs(otsu_threshold(values) - threshold_otsu(values)) < 0.5


def test_threshold_of_a_constant() -> None:
    assert otsu_threshold(np.full((3, 3), 4)) == 4


def test_bright_foreground_finds_dim_cells_beside_bright_ones() -> None:
    rows, cols = np.mgrid[:128, :128]
    dim = np.hypot(rows - 40, cols - 40) < 12
    lit = np.hypot(rows - 90, cols - 90) < 12
    image = np.random.default_rng(0).normal(100, 2, (128, 128)) + 60 * dim + 1000 * lit
    found = bright_foreground(image.astype(np.float32))
    assert found[dim].mean() > 0.95
    assert found[lit].all()
    assert found[~(dim | lit)].mean() < 0.1


def test_bright_foreground_of_a_constant_is_empty() -> None:
    assert not bright_foreground(np.full((50, 60), 3.0, np.float32)).any()


def test_texture_foreground_finds_structure_of_the_same_brightness() -> None:
    rng = np.random.default_rng(0)
    rows, cols = np.mgrid[:160, :160]
    cell = np.hypot(rows - 80, cols - 80) < 30
    image = 100 + rng.normal(0, 1, cell.shape) + cell * rng.normal(0, 20, cell.shape)
    found = texture_foreground(image.astype(np.float32))
    assert found[cell].mean() > 0.95
    assert found[np.hypot(rows - 80, cols - 80) > 45].mean() < 0.02
