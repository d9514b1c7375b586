"""The cost of outlines, and the sizes of cells."""

from __future__ import annotations

import numpy as np
import pytest

from cellwright.label.outline import Clicks, find_outlines
from cellwright.label.outline_net import outline_weights, radius_cost
from cellwright.label.outline_size import sized_outlines, usual_radius
from cellwright.label.outline_tables import (
    ANGLES,
    COUNT,
    RADII,
    Frames,
    box_frames,
    click_tables,
    image_tables,
    prompt_planes,
)

ROWS, COLS = np.mgrid[:120, :120]


def discs(radius: float, *, noise: float = 0.05) -> np.ndarray:
    """Four bright discs."""
    plane = np.random.default_rng(0).normal(0, noise, ROWS.shape)
    for row in (30, 90):
        for col in (30, 90):
            plane += (ROWS - row) ** 2 + (COLS - col) ** 2 <= radius**2
    return plane.astype(np.float32)


def test_the_cost_is_a_log_probability_and_goes_round() -> None:
    rng = np.random.default_rng(0)
    tables = rng.normal(0, 1, (2, 16, ANGLES, COUNT)).astype(np.float32)
    cost = radius_cost(tables)
    assert np.exp(-cost).sum(axis=2) == pytest.approx(np.ones((2, ANGLES)), rel=1e-4)
    turned = radius_cost(np.roll(tables, 8, axis=2))
    assert turned == pytest.approx(np.roll(cost, 8, axis=1), abs=1e-3)
    assert sum(w.size for w in outline_weights().values()) < 50_000


def test_tables_do_not_depend_on_the_scale_of_the_intensity() -> None:
    frames = box_frames(np.array([[10, 12, 50, 48]]))
    plane = discs(14)
    tables = image_tables(prompt_planes(plane), frames)
    other = image_tables(prompt_planes(plane * 300 + 40), frames)
    assert tables.shape == (1, 12, ANGLES, COUNT)
    assert other == pytest.approx(tables, abs=0.05)


@pytest.mark.parametrize("learned", [True, False])
def test_the_outline_of_a_disc_is_its_rim(learned: bool) -> None:
    planes = prompt_planes(discs(14))
    frames = Frames(np.array([[30.0, 30.0]]), np.full((1, 2), 16.0), np.zeros(1, bool))
    radii = find_outlines(planes, frames, learned=learned).radii
    assert np.median(radii) * 16 == pytest.approx(14.5, abs=1 if learned else 1.5)


@pytest.mark.parametrize("learned", [True, False])
def test_clicks_hold_the_outline(learned: bool) -> None:
    planes = prompt_planes(discs(14))
    frames = box_frames(np.array([[10, 10, 51, 51]]), tight=False)
    before = np.full(ANGLES, 0.7)
    wide = Clicks(np.array([[30.0, 51.0]]), np.array([True]), before)
    tight = Clicks(np.array([[30.0, 39.0]]), np.array([False]), before)
    out = find_outlines(planes, frames[np.array([0, 0])], [wide, tight], learned=learned).radii
    assert out[0, 0] * 20.5 >= 20.5
    assert out[1, 0] * 20.5 <= 9.5


def test_clicks_are_laid_where_they_are() -> None:
    frames = box_frames(np.array([[0, 0, 41, 41]]))
    tables = click_tables(
        frames, [np.array([[20.0, 40.25]])], [np.array([False])], [np.full(ANGLES, 1.0)]
    )
    assert tables[0, 0].max() == 0
    angle, radius = np.unravel_index(int(tables[0, 1].argmax()), (ANGLES, COUNT))
    assert angle == 0
    assert RADII[radius] == pytest.approx(20.25 / 20.5, abs=0.03)
    assert click_tables(frames, [np.zeros((0, 2))], [np.zeros(0, bool)], [None]).max() == 0


@pytest.mark.parametrize("radius", [8, 20])
def test_the_usual_radius_is_that_of_the_cells(radius: int) -> None:
    planes = prompt_planes(discs(radius))
    assert usual_radius(planes) == pytest.approx(radius, rel=0.2)


def test_the_size_about_a_click_is_that_of_the_cell() -> None:
    _, merits, radii = sized_outlines(prompt_planes(discs(12)), np.array([[30.0, 30], [90, 88]]))
    assert merits.shape == radii.shape
    best = radii[np.arange(2), merits.argmax(axis=1)]
    assert best == pytest.approx([12, 12], rel=0.15)
