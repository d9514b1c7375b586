"""The parts that need no Qt: strokes, prompts of layers, pictures of cells."""

from __future__ import annotations

import numpy as np
import pytest

from cellwright.label.session.patch import Patch
from cellwright.plugin.cell_map import Outlines, label_map
from cellwright.plugin.prompt_layers import prompts_of
from cellwright.plugin.strokes import strokes
from cellwright.types import InputError

NO_POINTS = np.zeros((0, 2)), np.zeros(0, bool)


def corners(r0: float, c0: float, r1: float, c1: float) -> np.ndarray:
    return np.array([[r0, c0], [r0, c1], [r1, c1], [r1, c0]])


def test_strokes_tell_who_got_and_who_lost_pixels() -> None:
    before = np.zeros((6, 6), int)
    before[1:3, 1:3] = 4
    after = before.copy()
    after[1, 1] = 0
    after[2, 2:4] = 7
    found = [(s.number, s.added, int(s.patch.area)) for s in strokes(before, after)]
    assert found == [(4, False, 1), (7, True, 2)]
    moved = [(s.number, s.added, int(s.patch.area)) for s in strokes(before, after, moved=True)]
    assert moved == [(4, False, 2), (7, True, 2)]
    assert strokes(before, before) == []


def test_a_box_is_one_prompt_with_the_points_that_belong_to_it() -> None:
    boxes = [corners(-0.5, -0.5, 9.5, 9.5), corners(1.5, 1.5, 4.5, 4.5), corners(20, 20, 30, 30)]
    points = np.array([[3.0, 3.0], [8.0, 8.0], [3.0, 2.0], [40.0, 40.0]])
    signs = np.array([True, True, False, True])
    first, second, third = prompts_of(boxes, points, signs)
    assert first.box == (0, 0, 10, 10)
    assert first.points.tolist() == [[8, 8], [3, 2]], "negative points count for every box"
    assert second.points.tolist() == [[3, 3], [3, 2]], "the smaller box has the point"
    assert second.signs.tolist() == [True, False]
    assert third.points.tolist() == [[40, 40]], "outside all boxes: the nearest one"


def test_points_alone_are_one_prompt() -> None:
    (prompt,) = prompts_of([], np.array([[1.0, 2.0], [3.0, 4.0]]), np.array([True, False]))
    assert prompt.box is None
    assert prompt.points.tolist() == [[1, 2], [3, 4]]
    with pytest.raises(InputError, match="no prompt"):
        prompts_of([], *NO_POINTS)
    with pytest.raises(InputError, match="negative"):
        prompts_of([], np.array([[1.0, 2.0]]), np.array([False]))
    with pytest.raises(InputError, match="smaller than a pixel"):
        prompts_of([corners(3, 3, 3, 9)], *NO_POINTS)


def test_small_cells_lie_over_large_ones_and_the_top_over_all() -> None:
    large = Patch.of_crop((9, 9), (0, 0, 6, 6), np.ones((6, 6), bool))
    small = Patch.of_crop((9, 9), (2, 2, 4, 4), np.ones((2, 2), bool))
    assert large
    assert small
    drawn = label_map((9, 9), [(3, small), (8, large)])
    assert drawn[2, 2] == 3
    assert drawn[0, 0] == 8
    assert label_map((9, 9), [(3, small), (8, large)], top=[8])[2, 2] == 8


def test_outlines_close_around_cells_and_holes() -> None:
    ring = np.ones((3, 3), bool)
    ring[1, 1] = False
    patch = Patch.of_crop((9, 9), (2, 3, 5, 6), ring)
    assert patch
    outlines = Outlines()
    vectors, owner = outlines.segments([patch, patch])
    assert owner.tolist() == [0] * 8 + [1] * 8
    assert vectors[:8, 1].sum() == 0, "steps come back to the start"
    assert np.abs(vectors[:8, 1]).sum() == 12 + 4
    assert vectors[:8, 0].min(axis=0).tolist() == [1.5, 2.5]
    assert outlines.segments([])[0].shape == (0, 2, 2)
