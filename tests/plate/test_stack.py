"""Projections, focus and planes: by hand, against NumPy, and the same in bands."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage

from cellwright.plate.focus import FOCUS_MEASURES, bands, focus
from cellwright.plate.lazy import Stacked, Window
from cellwright.plate.stack import PROJECTIONS, plane, project, project_image, sharpest
from cellwright.types import Image, InputError


def stack(planes: int = 5, shape: tuple[int, int] = (61, 47), dtype: type = np.uint16):
    """A reproducible stack of noise."""
    return np.random.default_rng(3).integers(0, 60000, (planes, *shape)).astype(dtype)


class Counted:
    """An array that remembers the most that was read from it at once."""

    def __init__(self, data: np.ndarray) -> None:
        self.data, self.shape, self.dtype, self.most = data, data.shape, data.dtype, 0

    def __getitem__(self, key):
        part = self.data[key]
        self.most = max(self.most, part.size)
        return part


def test_projections_are_those_of_numpy() -> None:
    planes = stack()
    assert np.array_equal(project(planes, "median"), np.median(planes, 0))
    assert np.array_equal(project(planes, "max"), planes.max(0))
    assert np.array_equal(project(planes, "mean"), np.rint(planes.mean(0)))
    assert all(project(planes, m).dtype == np.uint16 for m in PROJECTIONS)
    real = stack(4).astype(np.float32) / 7
    assert np.allclose(project(real, "mean"), real.mean(0), rtol=1e-6)
    even = np.array([[[1]], [[4]], [[8]], [[9]]], np.uint8)
    assert project(even, "median")[0, 0] == 6


@pytest.mark.parametrize("method", PROJECTIONS)
@pytest.mark.parametrize("rows", [1, 7, 60])
def test_bands_change_no_pixel(method: str, rows: int) -> None:
    planes = stack()
    assert np.array_equal(project(planes, method, rows=rows), project(planes, method, rows=61))


@pytest.mark.parametrize("method", PROJECTIONS)
def test_no_more_than_a_band_is_read(method: str) -> None:
    source = Counted(stack(3, (400, 20)))
    project(source, method, rows=10)
    assert source.most <= 3 * 20 * (10 + 2 * 13)


def test_the_focus_stack_takes_each_side_from_its_sharp_plane() -> None:
    sharp = np.random.default_rng(0).normal(1000, 200, (64, 128))
    blurred = ndimage.gaussian_filter(sharp, 3)
    left = np.where(np.arange(128) < 64, sharp, blurred)
    right = np.where(np.arange(128) < 64, blurred, sharp)
    both = np.stack([right, left])
    chosen = sharpest(both)
    assert (chosen[:, :52] == 1).all()
    assert (chosen[:, 76:] == 0).all()
    found = project(both, "focus")
    assert np.array_equal(found[:, :52], sharp[:, :52])
    assert np.abs(found - sharp)[:, 52:76].mean() < np.abs(blurred - sharp).mean()
    flat = np.zeros((2, 8, 8))
    assert (sharpest(flat) == 0).all()


@pytest.mark.parametrize("measure", FOCUS_MEASURES)
def test_focus_falls_with_blur_and_not_with_exposure(measure: str) -> None:
    sharp = np.random.default_rng(0).normal(1000, 100, (80, 90))
    values = [focus(ndimage.gaussian_filter(sharp, s), measure=measure) for s in (0, 1, 2, 4)]
    assert values == sorted(values, reverse=True)
    assert values[0] > 10 * values[2]
    assert focus(3 * sharp, measure=measure) == pytest.approx(values[0])
    assert focus(sharp, measure=measure, rows=7) == pytest.approx(values[0], rel=1e-12)
    assert focus(np.zeros((5, 5)), measure=measure) == 0
    assert focus(np.full((5, 5), 9, np.uint8), measure=measure) == 0


def test_focus_by_hand() -> None:
    plane = np.zeros((5, 5))
    plane[2, 2] = 25.0  # mean 1; Laplacian -4 x 25 in the middle, 25 on four sides
    assert focus(plane) == pytest.approx((100**2 + 4 * 25**2) / 25)
    bowl = np.square(np.arange(7.0))[:, None] + np.zeros(4)  # its Laplacian is 2 nearly everywhere
    change = ndimage.laplace(bowl, mode="mirror")
    assert focus(bowl) == pytest.approx(change.var() / bowl.mean() ** 2)
    assert abs(change.mean()) > 1
    gradient = sum(np.square(ndimage.sobel(plane, axis=a, mode="mirror")) for a in (0, 1))
    assert focus(plane, measure="tenengrad") == pytest.approx(gradient.mean())


def test_planes_and_projections_of_images() -> None:
    data = stack(2 * 3, (8, 9)).reshape(2, 3, 8, 9)
    image = Image(data, "ZCYX", (0.5, 0.5), ("a", "b", "c"), {"well": 1})
    second = plane(image, 1)
    assert (second.axes, second.channels, second.tags) == ("CYX", ("a", "b", "c"), {"well": 1})
    assert np.array_equal(second.data, data[1])
    flat = project_image(image, "max", rows=3)
    assert (flat.axes, flat.channels) == ("CYX", ("a", "b", "c"))
    assert np.array_equal(flat.data, data.max(0))
    timed = Image(data, "TZYX")
    assert np.array_equal(project_image(timed, "mean").data, np.rint(data.mean(1)))
    assert project_image(second, "max") is second
    with pytest.raises(InputError, match="with Z"):
        plane(second, 0)


def test_bands_cover_all_rows_once() -> None:
    kept = [np.arange(20)[read][keep] for read, keep in bands((2, 20, 5), halo=4, rows=6)]
    assert np.concatenate(kept).tolist() == list(range(20))
    assert len(list(bands((7, 4000, 3000)))) > 1
    assert len(list(bands((7, 100, 100)))) == 1


def test_lazy_parts_are_what_numpy_gives() -> None:
    whole = stack(3, (12, 10))
    piled = Stacked([Window(p, (2, 1, 11, 9)) for p in whole])
    inner = whole[:, 2:11, 1:9]
    assert (piled.shape, piled.ndim, len(piled)) == ((3, 9, 8), 3, 3)
    keys = (..., 1, (slice(None), slice(2, 5)), (..., slice(3, 4)), (2, 3, -1), (slice(0, 2), -1))
    for key in keys:
        assert np.array_equal(piled[key], inner[key])
    assert np.array_equal(np.asarray(piled), inner)
    with pytest.raises(IndexError):
        piled[0, 9]
    with pytest.raises(InputError, match="must agree"):
        Stacked([whole[0], whole[0, 1:]])


@pytest.mark.parametrize(
    "call",
    [
        lambda: project(stack(), "min"),
        lambda: project(stack()[0], "max"),
        lambda: focus(stack()),
        lambda: focus(stack()[0], measure="eye"),
    ],
)
def test_wrong_use_says_so(call) -> None:
    with pytest.raises(InputError):
        call()
