"""Coarse grids against plain means, numpy's interpolation and scipy's Gaussian."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import ndimage

from cellwright.geometry.blocks import block_means, blocks_stretched, blurred, stretched


@given(st.integers(1, 40), st.integers(1, 40), st.integers(1, 9), st.integers(0, 99))
def test_means_of_blocks_are_those_of_the_filled_plane(rows, columns, step, seed) -> None:
    plane = np.random.default_rng(seed).normal(3, 2, (rows, columns)).astype(np.float32)
    filled = np.pad(plane, [(0, -rows % step), (0, -columns % step)], mode="edge")
    wanted = filled.reshape(filled.shape[0] // step, step, -1, step).mean(axis=(1, 3))
    found = block_means(plane, step)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, wanted, rtol=1e-5, atol=1e-5)


def test_means_of_a_mask() -> None:
    mask = np.zeros((4, 4), bool)
    mask[:2, :1] = True
    assert block_means(mask, 2).tolist() == [[0.5, 0.0], [0.0, 0.0]]


@given(st.integers(1, 12), st.integers(1, 12), st.integers(1, 50), st.integers(1, 50))
def test_stretched_is_linear_interpolation_between_middles(rows, columns, down, across) -> None:
    plane = np.random.default_rng(rows).normal(size=(2, rows, columns)).astype(np.float32)
    found = stretched(plane, (down, across))
    row = (np.arange(down) + 0.5) * rows / down - 0.5
    column = (np.arange(across) + 0.5) * columns / across - 0.5
    for old, new in zip(plane, found, strict=True):
        at = [np.interp(column, np.arange(columns), line) for line in old]
        wanted = [np.interp(row, np.arange(rows), line) for line in np.transpose(at)]
        np.testing.assert_allclose(new, np.transpose(wanted), atol=1e-5)


@pytest.mark.parametrize("step", [1, 3, 5])
def test_a_flat_plane_stays_flat(step) -> None:
    plane = np.full((17, 23), 7, np.float32)
    back = blocks_stretched(block_means(plane, step), step, plane.shape)
    assert back.shape == plane.shape
    np.testing.assert_allclose(back, 7, rtol=1e-6)


def discs() -> np.ndarray:
    rows, columns = np.mgrid[:160, :170]
    centres = ((30, 35), (35, 120), (80, 70), (120, 30), (125, 130))
    return np.any([np.hypot(rows - r, columns - c) < 11 for r, c in centres], axis=0)


@pytest.mark.parametrize("mode", ["nearest", "constant"])
@pytest.mark.parametrize("width", [1.5, 4.0, 9.0, 20.0, 33.0])
def test_a_coarse_grid_blurs_like_a_fine_one(width, mode) -> None:
    plane = discs().astype(np.float32)
    wanted = ndimage.gaussian_filter(plane, width, truncate=3.0, mode=mode)
    found = blurred(plane, width, mode=mode)
    assert (found.shape, found.dtype) == (plane.shape, np.float32)
    gap = np.abs(found - wanted) / wanted.max()
    inside = slice(round(width), -round(width))
    assert gap[inside, inside].max() < 0.015
    assert gap.max() < 0.08  # "nearest" repeats the outermost block, not the outermost pixel


def test_a_blur_without_a_frame_loses_what_leaves_it() -> None:
    plane = np.ones((40, 60), np.float32)
    found = blurred(plane, 8.0, mode="constant")
    assert found[20, 30] == pytest.approx(1, abs=0.02)
    assert found[0].mean() == pytest.approx(0.5, abs=0.05)
    assert blurred(plane, 8.0).min() == pytest.approx(1, rel=1e-5)
