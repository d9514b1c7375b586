from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from cellwright.synth.placement import Ground, shared, visible
from cellwright.synth.shapes import KINDS, draw_body


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 1000), st.integers(-9, 9), st.integers(-9, 9))
def test_shared_equals_full_frames(seed, row, col):
    rng = np.random.default_rng(seed)
    a = rng.random(rng.integers(1, 7, 2)) < 0.6
    b = rng.random(rng.integers(1, 7, 2)) < 0.6
    frames = np.zeros((2, 40, 40), dtype=bool)
    frames[0, 15 : 15 + a.shape[0], 15 : 15 + a.shape[1]] = a
    frames[1, 15 + row : 15 + row + b.shape[0], 15 + col : 15 + col + b.shape[1]] = b
    assert shared(a, (15, 15), b, (15 + row, 15 + col)) == (frames[0] & frames[1]).sum()


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 1000), st.integers(0, 30), st.integers(0, 30))
def test_visible_equals_the_cut_frame(seed, row, col):
    rng = np.random.default_rng(seed)
    mask = rng.random(rng.integers(1, 9, 2)) < 0.4
    canvas = np.zeros((40, 40), dtype=bool)
    canvas[row : row + mask.shape[0], col : col + mask.shape[1]] = mask
    box, part = visible(mask, (row, col), 10, (13, 20))
    field = np.zeros((13, 20), dtype=bool)
    field[box[0] : box[2], box[1] : box[3]] = part
    assert (field == canvas[10:23, 10:30]).all()
    assert part.size == 0 or (part.any(axis=0)[[0, -1]].all() and part.any(axis=1)[[0, -1]].all())


def test_lift_leaves_the_ground_as_it_was():
    rng = np.random.default_rng(0)
    ground = Ground((60, 60), 30, 0.2)
    first, second = (draw_body(rng, KINDS["round"], 16.0) for _ in range(2))
    assert ground.scatter(rng, first)
    assert ground.scatter(rng, second)
    ground.lift()
    assert len(ground.bodies) == 1
    assert ground.attach(rng, second, [0], overlapping=True)
    assert shared(first.mask, ground.corners[0], second.mask, ground.corners[1]) > 0
