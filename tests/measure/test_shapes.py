"""Forms of single masks against scikit-image and by hand."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage
from scipy.spatial import ConvexHull, QhullError

from cellwright.measure.shapes import axes_of_ellipse, convex_area, moments, perimeter

SETTINGS = settings(max_examples=60, deadline=None)


@st.composite
def masks(draw):
    shape = draw(st.tuples(*[st.integers(1, 14)] * 2))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    mask = rng.random(shape) < draw(st.sampled_from([0.1, 0.5, 0.9]))
    mask[rng.integers(shape[0]), rng.integers(shape[1])] = True
    return ndimage.binary_dilation(mask) if draw(st.booleans()) else mask


def disc(radius):
    side = np.arange(-radius - 1, radius + 2)
    return np.hypot(*np.meshgrid(side, side)) <= radius


@SETTINGS
@given(masks())
def test_perimeter_equals_scikit_image(mask):
    from skimage.measure import perimeter as reference

    assert perimeter(mask) == pytest.approx(reference(mask, 4))


@SETTINGS
@given(masks())
def test_moments_and_axes_equal_scikit_image(mask):
    from skimage.measure import regionprops

    (region,) = regionprops(mask.astype(np.uint8))
    row, column, rows, columns, mixed = moments(mask)
    assert (row, column) == pytest.approx(region.centroid)
    major, minor, angle = axes_of_ellipse(*(np.array([v]) for v in (rows, columns, mixed)))
    # A pixel is a square here and a point there.
    assert (major[0] / 4) ** 2 == pytest.approx((region.axis_major_length / 4) ** 2 + 1 / 12)
    assert (minor[0] / 4) ** 2 == pytest.approx((region.axis_minor_length / 4) ** 2 + 1 / 12)
    assert -90 < angle[0] <= 90
    if region.axis_major_length - region.axis_minor_length > 1e-3:
        turn = (angle[0] - np.degrees(region.orientation) - 90) % 180
        assert min(turn, 180 - turn) < 1e-4


@SETTINGS
@given(masks())
def test_convex_area_equals_a_hull_of_the_centres(mask):
    points = np.argwhere(mask).astype(float)
    grid = np.stack(np.meshgrid(*map(np.arange, mask.shape), indexing="ij"), -1).reshape(-1, 2)
    try:
        planes = ConvexHull(points).equations
    except (QhullError, ValueError):
        # All on one line: the pixels of that line between its ends.
        ends = points[[0, -1]].astype(int)
        expected = int(np.gcd(*np.abs(ends[1] - ends[0]))) + 1
    else:
        inside = (grid @ planes[:, :2].T + planes[:, 2] <= 1e-6).all(axis=1)
        expected = int(inside.sum())
    assert convex_area(mask) == expected
    assert convex_area(mask) >= mask.sum()


@pytest.mark.parametrize(("rows", "columns"), [(22, 30), (26, 30), (28, 36), (46, 26)])
def test_centres_exactly_on_the_hull_count(rows, columns):
    mask = np.zeros((rows + 1, columns + 1), bool)
    mask[0, 0] = mask[-1, -1] = True
    assert convex_area(mask) == np.gcd(rows, columns) + 1


def test_forms_of_a_disc_and_of_a_bar():
    mask = disc(30)
    _, _, rows, columns, mixed = moments(mask)
    major, minor, _ = axes_of_ellipse(*(np.array([v]) for v in (rows, columns, mixed)))
    assert major[0] == pytest.approx(60, rel=0.01)
    assert minor[0] == pytest.approx(major[0])
    assert perimeter(mask) == pytest.approx(2 * np.pi * 30, rel=0.06)
    assert convex_area(mask) == mask.sum()
    bar = np.ones((2, 12), bool)
    assert moments(bar) == pytest.approx((0.5, 5.5, 4 / 12, 144 / 12, 0))
    assert perimeter(np.ones((1, 1), bool)) == 0


@pytest.mark.parametrize(
    ("rows", "columns", "mixed", "angle"),
    [(1, 4, 0, 0), (4, 1, 0, 90), (2, 2, -1, 45), (2, 2, 1, -45)],
)
def test_angle_is_counter_clockwise_from_the_right(rows, columns, mixed, angle):
    assert axes_of_ellipse(*map(np.float64, (rows, columns, mixed)))[2] == pytest.approx(angle)
