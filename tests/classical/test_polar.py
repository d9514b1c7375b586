"""Closed paths, rays, painted outlines."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from cellwright.classical.likelihood import log_ratio
from cellwright.classical.polar import (
    closed_paths,
    paint_radii,
    sample_rays,
    star_radii,
    stretch_to_frame,
)


def cheapest(cost: np.ndarray, jump: int, bend: float) -> float:
    """Cost of the best closed path, by trying all of them."""
    angles, size = cost.shape
    best = np.inf
    for path in itertools.product(range(size), repeat=angles):
        steps = np.abs(np.diff([*path, path[0]]))
        if steps.max() <= jump:
            best = min(best, cost[range(angles), path].sum() + bend * (steps**2).sum())
    return best


@pytest.mark.parametrize("seed", range(6))
def test_closed_path_is_the_cheapest_of_all(seed: int) -> None:
    cost = np.random.default_rng(seed).random((1, 6, 4)) ** 3
    path = closed_paths(cost, jump=1, bend=0.1)[0]
    steps = np.abs(np.diff([*path, path[0]]))
    assert steps.max() <= 1
    found = cost[0, range(6), path].sum() + 0.1 * (steps**2).sum()
    assert found == pytest.approx(cheapest(cost[0], 1, 0.1), abs=1e-6)


def test_paths_of_many_tables_are_those_of_each() -> None:
    cost = np.random.default_rng(0).random((5, 16, 12))
    together = closed_paths(cost, jump=2)
    for table, path in zip(cost, together, strict=True):
        assert (closed_paths(table[None], jump=2)[0] == path).all()


def test_rays_read_the_plane_in_order_of_direction() -> None:
    rows, cols = np.mgrid[:41, :61].astype(np.float32)
    centre, half = np.array([[20.0, 30.0]]), np.array([[10.0, 20.0]])
    radii = np.array([0.5, 1.0])
    along = sample_rays(cols, centre, half, angles=4, radii=radii)[0]
    down = sample_rays(rows, centre, half, angles=4, radii=radii)[0]
    assert along[0] == pytest.approx([40, 50])
    assert down[1] == pytest.approx([25, 30])
    assert along[2] == pytest.approx([20, 10])
    assert down[3] == pytest.approx([15, 10])


def test_painted_ellipse_has_its_area_and_comes_back_as_radii() -> None:
    window = (0, 0, 61, 81)
    mask = paint_radii(np.ones(64), (30.0, 40.0), (20.0, 30.0), window)
    assert mask.sum() == pytest.approx(np.pi * 20 * 30, rel=0.01)
    back = star_radii(mask, (30.0, 40.0), (20.0, 30.0), angles=64, reach=1.5)
    assert back == pytest.approx(np.ones(64), abs=0.06)


def test_what_is_painted_does_not_depend_on_the_window() -> None:
    rng = np.random.default_rng(0)
    radii, centre, half = rng.uniform(0.5, 1.5, 16), (12.3, 30.8), (9.0, 14.0)
    whole = paint_radii(radii, centre, half, (-20, -20, 80, 90))
    assert whole.any()
    for window in [(0, 10, 20, 40), (5, 40, 80, 90), (60, 60, 70, 70), (3, 3, 3, 9)]:
        part = whole[window[0] + 20 : window[2] + 20, window[1] + 20 : window[3] + 20]
        np.testing.assert_array_equal(paint_radii(radii, centre, half, window), part)


def test_radii_of_a_place_outside_the_mask_are_zero_away_from_it() -> None:
    mask = np.zeros((21, 21), bool)
    mask[8:13, 15:20] = True
    radii = star_radii(mask, (10.0, 3.0), (10.0, 10.0), angles=8, reach=1.5)
    assert (radii[2:7] == 0).all()
    assert star_radii(np.zeros((9, 9), bool), (4.0, 4.0), (4.0, 4.0), angles=8, reach=1).max() == 0


def test_small_gaps_to_the_frame_are_closed_and_large_ones_halved() -> None:
    radii = np.full((1, 64), 0.8)
    closed = stretch_to_frame(radii, np.full((1, 2), 0.3))
    assert closed == pytest.approx(np.ones((1, 64)), abs=0.01)
    part = stretch_to_frame(radii, np.zeros((1, 2)))
    assert part == pytest.approx(np.full((1, 64), 0.9), abs=0.01)


def test_ratio_is_positive_inside_and_of_no_opinion_on_constants() -> None:
    values = np.concatenate([np.full(50, 9.0), np.full(50, 1.0)])[None]
    inside = np.zeros_like(values)
    inside[:, :40] = 1
    outside = np.zeros_like(values)
    outside[:, 60:] = 1
    ratio = log_ratio(values, inside, outside)
    assert (ratio[0, :50] > 1).all()
    assert (ratio[0, 50:] < -1).all()
    assert np.abs(log_ratio(np.ones((2, 9)), np.ones((2, 9)), np.ones((2, 9)))).max() == 0
