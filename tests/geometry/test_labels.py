"""Label maps and full-frame masks to Instances and back."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from cellwright.geometry import from_label_map, from_masks, mask_box, tighten, to_label_map
from cellwright.types import InputError, Instances

LABEL_MAPS = hnp.arrays(
    np.uint16, hnp.array_shapes(min_dims=2, max_dims=2, max_side=12), elements=st.integers(0, 6)
)


@settings(max_examples=60, deadline=None)
@given(LABEL_MAPS)
def test_label_map_round_trip_renumbers_in_ascending_order(labels):
    cells = from_label_map(labels)
    values = np.unique(labels[labels > 0])
    assert len(cells) == len(values)
    expected = np.searchsorted(values, labels) + 1
    expected[labels == 0] = 0
    np.testing.assert_array_equal(to_label_map(cells), expected)
    np.testing.assert_array_equal(tighten(cells).boxes, cells.boxes)


@pytest.mark.parametrize(
    "dtype", ["bool", "uint8", "int16", "uint16", ">u2", "int32", "uint32", "int64", "uint64"]
)
def test_every_integer_dtype_reads_alike(dtype):
    labels = np.array([[0, 1, 1], [0, 0, 1]], dtype=dtype)
    cells = from_label_map(labels)
    assert cells.boxes.tolist() == [[0, 1, 2, 3]]
    assert cells.masks[0].tolist() == [[True, True], [False, True]]


def test_huge_sparse_labels_keep_their_order():
    labels = np.array([[4_000_000_000, 0], [7, 123_456_789]], dtype=np.uint32)
    cells = from_label_map(labels, scores=[0.1, 0.2, 0.3])
    assert cells.boxes[:, :2].tolist() == [[1, 0], [1, 1], [0, 0]]
    assert cells.scores.tolist() == pytest.approx([0.1, 0.2, 0.3])


def test_a_label_in_two_pieces_is_one_instance():
    cells = from_label_map(np.array([[5, 0, 0, 5]]))
    assert len(cells) == 1
    assert cells.masks[0].tolist() == [[True, False, False, True]]


def test_an_empty_map_gives_no_instances():
    cells = from_label_map(np.zeros((3, 4), np.uint8), class_names=("a", "b"))
    assert (len(cells), cells.shape, cells.class_names) == (0, (3, 4), ("a", "b"))
    assert not to_label_map(cells).any()


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        (np.zeros((2, 2), float), "whole numbers"),
        (np.zeros((2, 2, 2), int), "two axes"),
        (np.array([[-1, 2]]), "negative label -1"),
    ],
)
def test_bad_label_maps_are_refused(labels, message):
    with pytest.raises(InputError, match=message):
        from_label_map(labels)


def overlapping(scores):
    boxes = np.array([[0, 0, 2, 3], [0, 1, 2, 2]])
    masks = (np.ones((2, 3), bool), np.ones((2, 1), bool))
    return Instances((2, 3), boxes, masks, np.array(scores))


@pytest.mark.parametrize(
    ("scores", "row"),
    [((0.9, 0.5), [1, 1, 1]), ((0.5, 0.9), [1, 2, 1]), ((0.5, 0.5), [1, 2, 1])],
)
def test_overlaps_go_to_the_higher_score_then_to_the_smaller(scores, row):
    assert to_label_map(overlapping(scores)).tolist() == [row, row]
    swapped = overlapping(scores)[[1, 0]]
    assert to_label_map(swapped).tolist() == [[3 - v for v in row]] * 2


def test_equal_overlaps_go_to_the_first():
    cells = from_masks([np.ones((1, 2), bool)] * 2)
    assert to_label_map(cells).tolist() == [[1, 1]]


def test_more_than_65535_instances_do_not_wrap():
    labels = np.arange(1, 260 * 260 + 1).reshape(260, 260)
    out = to_label_map(from_label_map(labels))
    assert out.dtype == np.uint32
    np.testing.assert_array_equal(out, labels)
    assert to_label_map(from_label_map(labels[:200])).dtype == np.uint16


def test_full_frame_masks_keep_overlaps_and_drop_empties():
    masks = np.zeros((3, 5, 6), bool)
    masks[0, 1:4, 1:4] = True
    masks[2, 2:5, 3:6] = True
    cells = from_masks(iter(masks), scores=[0.3, 0.4, 0.5], tags=[{"n": 0}, {"n": 1}, {"n": 2}])
    assert cells.boxes.tolist() == [[1, 1, 4, 4], [2, 3, 5, 6]]
    assert cells.scores.tolist() == pytest.approx([0.3, 0.5])
    assert [t["n"] for t in cells.tags] == [0, 2]
    assert cells.areas.tolist() == [9, 9]


def test_bad_full_frame_masks_are_refused():
    with pytest.raises(InputError, match="shape"):
        from_masks([])
    with pytest.raises(InputError, match="mask 1 has shape"):
        from_masks([np.ones((2, 2)), np.ones((2, 3))])
    with pytest.raises(InputError, match="1 scores came for 2"):
        from_masks([np.ones((2, 2))] * 2, scores=[1])
    assert from_masks([], (4, 5)).shape == (4, 5)


def test_box_of_a_mask():
    mask = np.zeros((4, 5), bool)
    assert mask_box(mask) is None
    mask[1, 2] = mask[3, 4] = True
    assert mask_box(mask) == (1, 2, 4, 5)
