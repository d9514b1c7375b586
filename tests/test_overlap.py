"""Pairwise overlaps equal the dense products of full-frame masks."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cellwright import overlap
from cellwright.geometry import from_masks
from cellwright.types import InputError, Instances

SETTINGS = settings(max_examples=60, deadline=None)


@st.composite
def two_sets(draw):
    """Two sets of up to twelve ragged rectangles of all sizes."""
    shape = draw(st.tuples(*[st.integers(1, 20)] * 2))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    sets = []
    for _ in range(2):
        masks = np.zeros((draw(st.integers(0, 12)), *shape), bool)
        for m in masks:
            row, col = rng.integers(shape[0]), rng.integers(shape[1])
            part = m[row : row + 1 + rng.integers(20), col : col + 1 + rng.integers(20)]
            part[:] = rng.random(part.shape) < 0.7
            m[row, col] = True
        sets.append((masks, from_masks(masks, shape)))
    return sets


def dense(a, b):
    return np.einsum("irc,jrc->ij", a.astype(int), b.astype(int))


@SETTINGS
@given(two_sets(), st.sampled_from([1, 7, 1 << 20]))
def test_intersections_equal_dense(sets, chunk):
    (masks_a, a), (masks_b, b) = sets
    before, overlap._CHUNK = overlap._CHUNK, chunk
    try:
        i, j, pixels = overlap.intersections(a, b)
    finally:
        overlap._CHUNK = before
    expected = dense(masks_a, masks_b)
    rows, columns = np.nonzero(expected)
    np.testing.assert_array_equal(i, rows)
    np.testing.assert_array_equal(j, columns)
    np.testing.assert_array_equal(pixels, expected[rows, columns])
    assert i.dtype == j.dtype == pixels.dtype == np.int64


@SETTINGS
@given(two_sets())
def test_ratios_equal_dense(sets):
    (masks_a, a), (masks_b, b) = sets
    shared = dense(masks_a, masks_b)
    areas = masks_a.sum((1, 2))[:, None], masks_b.sum((1, 2))[None]
    np.testing.assert_allclose(overlap.iou(a, b).toarray(), shared / (areas[0] + areas[1] - shared))
    np.testing.assert_allclose(
        overlap.overlap_with_smaller(a, b).toarray(), shared / np.minimum(*areas)
    )
    np.testing.assert_array_equal(overlap.overlap_map(a), masks_a.sum(0) >= 2)


def test_by_hand():
    a = Instances((4, 4), [[0, 0, 2, 2], [2, 2, 4, 4]], (np.ones((2, 2)), np.eye(2)))
    b = Instances((4, 4), [[1, 1, 3, 3]], (np.ones((2, 2)),))
    i, j, pixels = overlap.intersections(a, b)
    assert (i.tolist(), j.tolist(), pixels.tolist()) == ([0, 1], [0, 0], [1, 1])
    assert overlap.iou(a, b).toarray().tolist() == [[1 / 7], [1 / 5]]
    assert overlap.overlap_with_smaller(a, b).toarray().tolist() == [[1 / 4], [1 / 2]]


def test_each_cell_meets_itself():
    cells = from_masks(np.eye(4, dtype=bool)[:, None].repeat(3, axis=1))
    assert overlap.iou(cells, cells).toarray().tolist() == np.eye(4).tolist()


def test_nothing_shared_and_nothing_there():
    cells = from_masks([np.ones((2, 2))])
    empty = Instances.empty((2, 2))
    assert overlap.iou(empty, cells).shape == (0, 1)
    assert overlap.iou(cells, empty).nnz == 0
    assert not overlap.overlap_map(empty).any()


def test_other_frames_are_refused():
    with pytest.raises(InputError, match="same rows"):
        overlap.intersections(Instances.empty((2, 2)), Instances.empty((2, 3)))
