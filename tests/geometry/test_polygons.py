"""COCO polygons equal pycocotools; outlines and their filling are exact inverses."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage

from cellwright.geometry import (
    Polygon,
    fill_outline,
    mask_box,
    outline_polygons,
    rasterise_polygons,
)
from cellwright.types import InputError


def full(box, mask, shape):
    out = np.zeros(shape, bool)
    out[box[0] : box[2], box[1] : box[3]] = mask
    return out


def assert_tight(box, mask):
    assert mask.shape == (box[2] - box[0], box[3] - box[1])
    if mask.any():
        assert mask_box(mask) == (0, 0, *mask.shape)
    else:
        assert box == (0, 0, 1, 1)


@st.composite
def rings(draw):
    """Up to three rings of all kinds: inside, outside, whole numbers, repeated points."""
    shape = draw(st.tuples(*[st.integers(1, 30)] * 2))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    out = []
    for _ in range(draw(st.integers(1, 3))):
        ring = rng.uniform(-8, 38, (rng.integers(3, 12), 2))
        ring = np.round(ring, draw(st.sampled_from([0, 1, 6])))
        if draw(st.booleans()):
            ring = np.repeat(ring, 2, axis=0)
        out.append(ring)
    return out, shape


@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")
@settings(max_examples=200, deadline=None)
@given(rings())
def test_coco_polygons_equal_pycocotools(case):
    coco = pytest.importorskip("pycocotools.mask")
    polygons, shape = case
    flat = [ring[:, ::-1].reshape(-1).tolist() for ring in polygons]
    expected = coco.decode(coco.merge(coco.frPyObjects(flat, *shape))).astype(bool)
    box, mask = rasterise_polygons(polygons, shape)
    np.testing.assert_array_equal(full(box, mask, shape), expected)
    assert_tight(box, mask)


@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")
def test_a_round_cell_far_out_on_a_large_frame():
    coco = pytest.importorskip("pycocotools.mask")
    angle = np.linspace(0, 2 * np.pi, 40, endpoint=False)
    ring = np.stack([3500.3 + 20 * np.sin(angle), 4100.8 + 35 * np.cos(angle)], axis=1)
    shape = (3600, 4128)
    flat = [ring[:, ::-1].reshape(-1).tolist()]
    expected = coco.decode(coco.merge(coco.frPyObjects(flat, *shape))).astype(bool)
    box, mask = rasterise_polygons([ring], shape)
    np.testing.assert_array_equal(full(box, mask, shape), expected)
    assert mask.size < 50 * 80


def test_polygons_that_enclose_nothing():
    for ring in ([[1, 1], [3, 3]], [[50, 50], [50, 60], [60, 60]], [[1, 1]] * 3):
        for box, mask in (
            rasterise_polygons([np.array(ring)], (9, 9)),
            fill_outline([Polygon(np.array(ring))], (9, 9)),
        ):
            assert box == (0, 0, 1, 1)
            assert not mask.any()
    assert rasterise_polygons([], (9, 9))[0] == (0, 0, 1, 1)


@pytest.mark.parametrize(
    ("ring", "message"),
    [
        (np.array([[0, 0], [0, np.nan], [1, 1]]), "not finite"),
        (np.zeros((4, 3)), "points are wanted"),
        (np.array([[0, 0], [0, 1e9], [1e9, 1]]), "boundary"),
    ],
)
def test_bad_polygons_are_refused(ring, message):
    with pytest.raises(InputError, match=message):
        rasterise_polygons([ring], (9, 9))


@st.composite
def masks(draw):
    """Noise, dense noise with holes, and blobs with holes."""
    shape = draw(st.tuples(*[st.integers(1, 16)] * 2))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    mask = rng.random(shape) < draw(st.sampled_from([0.2, 0.5, 0.8, 1.0]))
    return ndimage.binary_dilation(mask) if draw(st.booleans()) else mask


def signed_area(ring):
    row, column = ring.T
    return (np.roll(column, -1) * row - column * np.roll(row, -1)).sum() / -2


@settings(max_examples=200, deadline=None)
@given(masks(), st.tuples(*[st.integers(0, 9)] * 2))
def test_outlines_are_exact(mask, offset):
    polygons = outline_polygons(mask, offset)
    shape = (mask.shape[0] + 20, mask.shape[1] + 20)
    expected = np.pad(mask, [(offset[0], 20 - offset[0]), (offset[1], 20 - offset[1])])
    box, filled = fill_outline(polygons, shape)
    np.testing.assert_array_equal(full(box, filled, shape), expected)
    pieces, count = ndimage.label(expected)
    assert len(polygons) == count
    for n, polygon in enumerate(polygons, start=1):
        box, filled = fill_outline([polygon], shape)
        np.testing.assert_array_equal(full(box, filled, shape), pieces == n)
        assert_tight(box, filled)
        area = signed_area(polygon.exterior) - sum(signed_area(h) for h in polygon.holes)
        assert area == (pieces == n).sum()
        for ring in (polygon.exterior, *polygon.holes):
            steps = np.roll(ring, -1, axis=0) - ring
            assert ((steps == 0).sum(axis=1) == 1).all()
            assert signed_area(ring) > 0
        assert polygon.exterior.dtype == np.int64


def test_outline_of_a_ring_and_of_touching_pixels():
    ring = np.ones((3, 3), bool)
    ring[1, 1] = False
    (polygon,) = outline_polygons(ring)
    assert polygon.exterior.tolist() == [[0, 0], [0, 3], [3, 3], [3, 0]]
    assert [h.tolist() for h in polygon.holes] == [[[1, 1], [1, 2], [2, 2], [2, 1]]]
    assert len(outline_polygons(np.eye(2, dtype=bool))) == 2
    assert len(outline_polygons(np.eye(2, dtype=bool)[::-1])) == 2
    assert outline_polygons(np.zeros((3, 3), bool)) == []


def test_fill_takes_pixel_centres():
    triangle = np.array([[0, 0], [4, 0], [4, 4]])
    box, mask = fill_outline([Polygon(triangle)], (4, 4))
    assert full(box, mask, (4, 4)).sum(axis=1).tolist() == [0, 1, 2, 3]
    shifted = [Polygon(triangle + np.array([0.0, 0.25]))]
    box, mask = fill_outline(shifted, (4, 4))
    assert full(box, mask, (4, 4)).sum(axis=1).tolist() == [1, 2, 3, 4]
    box, mask = fill_outline([Polygon(triangle - 2)], (4, 4))
    assert full(box, mask, (4, 4)).tolist()[1] == [True, False, False, False]


def test_overlapping_polygons_are_united_and_holes_are_not():
    square = np.array([[0, 0], [0, 4], [4, 4], [4, 0]])
    _, united = fill_outline([Polygon(square), Polygon(square)], (4, 4))
    assert united.all()
    _, ring = fill_outline([Polygon(square, (square / 2 + 1,))], (4, 4))
    assert ring.sum() == 12
