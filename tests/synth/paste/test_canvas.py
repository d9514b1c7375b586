"""Places of pasted cells: no cell ever shares more than it may."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cellwright.synth.paste import Canvas
from cellwright.types import InputError


def shared(canvas: Canvas) -> np.ndarray:
    """Share of each cell under or over others, counted pixel by pixel."""
    frames = []
    for (row, col, row1, col1), mask in zip(canvas.boxes, canvas.masks, strict=True):
        frame = np.zeros(canvas.shape, bool)
        frame[row:row1, col:col1] = mask
        frames.append(frame)
    cover = np.sum(frames, axis=0)
    return np.array([(cover[f] > 1).mean() for f in frames])


@settings(max_examples=20, deadline=None)
@given(
    st.integers(0, 2**31),
    st.sampled_from([0.0, 0.05, 0.2, 0.5, 1.0]),
    st.floats(0, 1),
    st.tuples(st.integers(15, 40), st.integers(15, 40)),
)
def test_no_cell_shares_more_than_the_limit(seed, limit, clustered, shape) -> None:
    rng = np.random.default_rng(seed)
    canvas = Canvas(shape, (0.0, limit))
    for _ in range(25):
        mask = rng.random(rng.integers(2, 12, 2)) < 0.7
        mask[0, 0] = True
        if rng.random() >= clustered or not canvas.attach(rng, mask):
            canvas.scatter(rng, mask)
    assert len(canvas) > 0
    found = shared(canvas)
    assert (found <= limit + 1e-12).all()
    np.testing.assert_allclose(found, canvas.ratios)


def test_a_cell_below_is_guarded_too() -> None:
    canvas = Canvas((20, 20), (0.0, 0.2))
    large, small = np.ones((10, 10), bool), np.ones((2, 2), bool)
    assert canvas.put(small, (5, 5))
    assert not canvas.put(large, (4, 4))  # a fifth of the large one is free, the small one is not
    assert canvas.put(large, (7, 7))
    assert not canvas.put(np.ones((5, 5), bool), (5, 5))
    assert canvas.ratios.tolist() == [0, 0]


def test_shares_of_several_cells_add_up() -> None:
    canvas = Canvas((20, 20), (0.0, 0.2))
    square = np.ones((10, 10), bool)
    assert canvas.put(square, (0, 0))
    assert canvas.put(square, (9, 0))  # 10 of its 100 pixels
    assert canvas.put(square, (0, 9))  # 10 of the first, 1 of which is shared already
    assert canvas.ratios.tolist() == pytest.approx([0.19, 0.1, 0.1])
    assert not canvas.put(square, (9, 8))  # would leave the second with 28


def test_a_least_ratio_is_asked_of_all_but_the_first() -> None:
    canvas = Canvas((30, 30), (0.1, 0.3))
    square = np.ones((10, 10), bool)
    assert canvas.put(square, (0, 0))
    assert not canvas.put(square, (15, 15))
    assert not canvas.put(square, (9, 9))
    assert canvas.put(square, (8, 0))
    rng = np.random.default_rng(0)
    while canvas.attach(rng, square):
        pass
    assert (shared(canvas) >= 0.1).all()


def test_borders_cut_cells_but_leave_a_third() -> None:
    canvas = Canvas((10, 10))
    square = np.ones((6, 6), bool)
    assert not canvas.put(square, (-5, 0))
    assert not canvas.put(square, (20, 0))
    assert canvas.put(square, (-4, 0))
    assert canvas.boxes == [(0, 0, 2, 6)]


@pytest.mark.parametrize("overlap", [(-0.1, 0.2), (0.3, 0.2), (0.0, 1.1)])
def test_wrong_ranges(overlap) -> None:
    with pytest.raises(InputError, match="from 0 to 1"):
        Canvas((10, 10), overlap)
