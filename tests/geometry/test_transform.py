"""Every move of Instances equals the same move of the full-frame masks."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cellwright.geometry import crop, flip, from_masks, resize, rot90, shift, tighten
from cellwright.types import InputError, Instances

SETTINGS = settings(max_examples=60, deadline=None)


@st.composite
def scenes(draw):
    """Up to six overlapping masks on a small frame, with tags and scores."""
    height, width, count = (
        draw(st.integers(1, 14)),
        draw(st.integers(1, 14)),
        draw(st.integers(0, 6)),
    )
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    masks = np.zeros((count, height, width), bool)
    for m in masks:
        row, col = rng.integers(height), rng.integers(width)
        part = m[row : row + 1 + rng.integers(8), col : col + 1 + rng.integers(8)]
        part[:] = rng.random(part.shape) < 0.6
        m[row, col] = True
    tags = [{"n": i} for i in range(count)]
    return masks, from_masks(masks, (height, width), scores=np.linspace(0, 1, count), tags=tags)


def frames(instances):
    out = np.zeros((len(instances), *instances.shape), bool)
    for m, (r0, c0, r1, c1), mask in zip(out, instances.boxes, instances.masks, strict=True):
        m[r0:r1, c0:c1] = mask
    return out


def assert_is(instances, masks):
    """`instances` are the non-empty `masks`, tight, with their tags and scores."""
    keep = masks.any(axis=(1, 2))
    np.testing.assert_array_equal(frames(instances), masks[keep])
    assert [t["n"] for t in instances.tags] == np.flatnonzero(keep).tolist()
    np.testing.assert_allclose(instances.scores, np.linspace(0, 1, len(masks))[keep], atol=1e-6)
    assert instances.shape == masks.shape[1:]
    np.testing.assert_array_equal(tighten(instances).boxes, instances.boxes)


@SETTINGS
@given(scenes(), st.tuples(*[st.integers(-3, 16)] * 2), st.tuples(*[st.integers(1, 16)] * 2))
def test_crop_equals_crop_of_padded_masks(scene, start, size):
    masks, cells = scene
    padded = np.pad(masks, ((0, 0), (3, 40), (3, 40)))
    row, col = start
    expected = padded[:, row + 3 : row + 3 + size[0], col + 3 : col + 3 + size[1]]
    assert_is(crop(cells, (row, col, row + size[0], col + size[1])), expected)
    assert_is(shift(cells, (-row, -col), size), expected)


@SETTINGS
@given(scenes(), st.integers(-2, 1))
def test_flip_equals_numpy(scene, axis):
    masks, cells = scene
    axis = (-2, -1, 0, 1)[axis]
    assert_is(flip(cells, axis), np.flip(masks, axis % 2 + 1))


@SETTINGS
@given(scenes(), st.integers(-5, 5))
def test_rot90_equals_numpy(scene, k):
    masks, cells = scene
    assert_is(rot90(cells, k), np.rot90(masks, k, axes=(1, 2)))


@SETTINGS
@given(scenes(), st.tuples(*[st.integers(1, 30)] * 2))
def test_resize_samples_pixel_centres(scene, shape):
    masks, cells = scene
    rows = np.floor((np.arange(shape[0]) + 0.5) * masks.shape[1] / shape[0] + 1e-9).astype(int)
    cols = np.floor((np.arange(shape[1]) + 0.5) * masks.shape[2] / shape[1] + 1e-9).astype(int)
    assert_is(resize(cells, shape), masks[:, rows[:, None], cols])


def test_tighten_shrinks_boxes_and_drops_empties():
    loose = np.zeros((4, 5), bool)
    loose[1:3, 2] = True
    cells = Instances(
        (9, 9), [[3, 3, 7, 8], [0, 0, 2, 2]], (loose, np.zeros((2, 2), bool)), [0.5, 0.6]
    )
    out = tighten(cells)
    assert out.boxes.tolist() == [[4, 5, 6, 6]]
    assert out.scores.tolist() == [0.5]


def test_input_is_never_changed():
    cells = from_masks([np.eye(5, dtype=bool)])
    before = cells.boxes.copy()
    for out in (crop(cells, (1, 1, 4, 4)), flip(cells, 0), rot90(cells), resize(cells, (3, 3))):
        assert out is not cells
        np.testing.assert_array_equal(cells.boxes, before)
        np.testing.assert_array_equal(cells.masks[0], np.eye(5, dtype=bool))


def test_bad_arguments_are_refused():
    cells = from_masks([np.ones((2, 2))])
    with pytest.raises(InputError, match="window"):
        crop(cells, (1, 1, 1, 2))
    with pytest.raises(InputError, match="axis"):
        flip(cells, 2)
    with pytest.raises(InputError, match="shape"):
        resize(cells, (0, 3))
