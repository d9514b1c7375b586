"""RLE equals pycocotools character for character, both ways."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cellwright.geometry import decode_rle, encode_rle, from_masks
from cellwright.types import InputError, Instances

coco = pytest.importorskip("pycocotools.mask")


def reference(mask):
    return coco.encode(np.asfortranarray(mask.astype(np.uint8)))["counts"].decode()


@st.composite
def stacks(draw):
    """Noise and rectangles of all densities, many of them touching the borders."""
    shape = draw(st.tuples(*[st.integers(1, 40)] * 2))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    density = draw(st.sampled_from([0.02, 0.5, 0.98, 1.0]))
    masks = rng.random((4, *shape)) < density
    masks[1, : shape[0] // 2] = False
    masks[2, :, : shape[1] // 2] = False
    masks[:, rng.integers(shape[0]), rng.integers(shape[1])] = True
    return masks


@settings(max_examples=150, deadline=None)
@given(stacks())
def test_equal_to_pycocotools_and_back(masks):
    cells = from_masks(masks)
    rles = encode_rle(cells)
    assert [r["counts"] for r in rles] == [reference(m) for m in masks]
    assert {tuple(r["size"]) for r in rles} == {cells.shape}
    boxes, crops = decode_rle(rles, cells.shape)
    np.testing.assert_array_equal(boxes, cells.boxes)
    for got, wanted in zip(crops, cells.masks, strict=True):
        np.testing.assert_array_equal(got, wanted)
        assert got.flags.c_contiguous


@settings(max_examples=50, deadline=None)
@given(stacks())
def test_lists_and_bytes_decode_like_text(masks):
    cells = from_masks(masks)
    shape = cells.shape
    texts = encode_rle(cells)
    lists = [{"size": list(shape), "counts": runs_of(m)} for m in masks]
    mixed = [lists[0], {"counts": texts[1]["counts"].encode()}, lists[2], texts[3]]
    boxes, crops = decode_rle(mixed, shape)
    np.testing.assert_array_equal(boxes, cells.boxes)
    for got, wanted in zip(crops, cells.masks, strict=True):
        np.testing.assert_array_equal(got, wanted)


def runs_of(mask):
    flat = mask.T.reshape(-1)
    edges = np.flatnonzero(np.diff(flat, prepend=False)).tolist()
    return np.diff([0, *edges, flat.size]).tolist()


def test_large_frame_and_loose_boxes():
    mask = np.zeros((9, 7), bool)
    mask[2:5, 3] = True
    cells = Instances((3600, 4128), [[3000, 4000, 3009, 4007]], (mask,))
    full = np.zeros((3600, 4128), bool)
    full[3000:3009, 4000:4007] = mask
    rles = encode_rle(cells)
    assert rles[0]["counts"] == reference(full)
    boxes, crops = decode_rle(rles, (3600, 4128))
    assert boxes.tolist() == [[3002, 4003, 3005, 4004]]
    assert crops[0].all()


def test_no_instances_and_empty_masks():
    assert encode_rle(Instances.empty((4, 5))) == []
    boxes, crops = decode_rle([], (4, 5))
    assert boxes.shape == (0, 4)
    assert crops == ()
    empty = Instances((4, 5), [[1, 1, 2, 3]], (np.zeros((1, 2), bool),))
    rles = encode_rle(empty)
    assert rles[0]["counts"] == reference(np.zeros((4, 5)))
    boxes, crops = decode_rle(rles, (4, 5))
    assert boxes.tolist() == [[0, 0, 1, 1]]
    assert crops[0].tolist() == [[False]]


def test_runs_of_no_length_are_skipped():
    boxes, crops = decode_rle([{"counts": [0, 0, 2, 3, 0, 0, 1]}], (3, 2))
    assert boxes.tolist() == [[0, 0, 3, 2]]
    assert crops[0].T.reshape(-1).tolist() == [False, False, True, True, True, False]


@pytest.mark.parametrize(
    ("rle", "message"),
    [
        ({"counts": [3, 2]}, "covers 5 pixels"),
        ({"counts": [7, -2, 1]}, "positive"),
        ({"counts": "!!"}, "not COCO's"),
        ({"counts": "\u00e9"}, "not COCO's"),
        ({"counts": "4P"}, "cut off"),
        ({"counts": "o" * 13 + "0"}, "60 bits"),
        ({"counts": ""}, "covers 0 pixels"),
        ({"counts": [6], "size": [3, 2]}, "size"),
    ],
)
def test_damaged_rles_are_refused(rle, message):
    with pytest.raises(InputError, match=message):
        decode_rle([rle], (2, 3))
