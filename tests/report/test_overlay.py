import numpy as np
import pytest

from cellwright.report.outlines import draw_outlines, draw_overlaps, inner_boundary, outer_boundary
from cellwright.report.overlay import PREDICTION, TRUTH, overlay, shown_planes, stretch, visible
from cellwright.types import Image, InputError, Instances

from .conftest import SHAPE, cells, picture


def test_boundaries_of_a_ring_follow_the_hole():
    ring = np.ones((5, 5), bool)
    ring[2, 2] = False
    assert inner_boundary(ring).sum() == 16 + 4
    assert outer_boundary(ring)[3, 3]
    assert outer_boundary(ring).sum() == 20 + 1


def test_outline_of_a_covered_cell_stays_visible():
    drawn = draw_outlines(cells())
    assert drawn.shape == SHAPE
    assert drawn[15, 22]
    assert drawn[24, 22]
    assert not drawn[20, 10]


def test_overlap_is_exactly_the_shared_pixels():
    expected = np.zeros(SHAPE, bool)
    expected[15:25, 20:30] = True
    assert np.array_equal(draw_overlaps(cells()), expected)


@pytest.mark.parametrize("scale", [0.1, 0.33, 0.5, 1.7, 2, 3])
def test_every_cell_is_drawn_at_every_scale(scale):
    one = Instances((9, 7), [[8, 6, 9, 7]], (np.ones((1, 1), bool),))
    for outside in (False, True):
        assert draw_outlines(one, scale=scale, outside=outside).any() or scale < 1
    assert draw_outlines(one, scale=scale).any()


def test_enlarged_outline_is_that_of_the_enlarged_mask():
    full = np.zeros(SHAPE, bool)
    full[45:55, 60:75] = True
    big = np.kron(full, np.ones((3, 3), bool))
    assert np.array_equal(draw_outlines(cells()[[2]], scale=3), inner_boundary(big))


def test_overlay_colours_and_size():
    drawn = overlay(Image(picture()), cells(), truth=cells())
    assert drawn.shape == (*SHAPE, 3)
    assert drawn.dtype == np.uint8
    assert tuple(drawn[45, 60]) == PREDICTION
    assert tuple(drawn[44, 60]) == TRUTH
    red, green, blue = (int(v) for v in drawn[20, 25])
    assert red > green + 40
    assert blue > green + 20
    grey = drawn[20, 10]
    assert grey[0] == grey[1] == grey[2]


def test_overlay_is_shrunk_and_takes_no_cells():
    image = Image(np.arange(3000 * 40, dtype=np.float32).reshape(40, 3000))
    assert overlay(image, None).shape == (14, 1024, 3)
    assert overlay(image, Instances.empty((40, 3000)), max_side=300).shape == (4, 300, 3)


def test_overlay_refuses_cells_of_another_image():
    with pytest.raises(InputError, match=r"\(60, 80\).*\(10, 10\)"):
        overlay(Image(np.zeros((10, 10))), cells())


def test_visible_shows_the_middle_plane_and_mixes_channels():
    data = np.zeros((2, 5, 6, 6), np.uint16)
    data[0, 2, :3] = 60000
    data[1, 2, 3:] = 60000
    image = Image(np.swapaxes(data, 0, 1), "ZCYX")
    assert [p.max() for p in shown_planes(image)] == [60000, 60000]
    shown = visible(image)
    assert len(np.unique(shown[0, 0])) == 1
    assert len(np.unique(shown[5, 5])) > 1


def test_red_green_blue_stays_a_photograph():
    data = np.zeros((3, 4, 4), np.uint8)
    data[0, :2] = 200
    data[1:, 2:] = 100
    shown = visible(Image(data, "CYX", channels=("red", "green", "blue")))
    assert tuple(shown[0, 0]) == (255, 0, 0)
    assert tuple(shown[3, 3]) == (0, 255, 255)


def test_stretch_of_boolean_and_outliers():
    assert stretch(np.eye(2, dtype=bool)).max() == 1
    plane = np.tile(np.linspace(0, 1, 1000), (10, 1))
    plane[0, 0] = 1e6
    assert stretch(plane)[5, 999] > 0.95


def test_thick_outlines_grow_to_their_side_only():
    mask = np.ones((7, 7), bool)
    assert inner_boundary(mask, 2).sum() == 49 - 9
    assert outer_boundary(np.ones((1, 1), bool), 2).sum() == 12
    thin, thick = (draw_outlines(cells()[[2]], outside=True, thickness=t) for t in (1, 2))
    assert (thick & thin).sum() == thin.sum() < thick.sum()
    assert not thick[45:55, 60:75].any()
