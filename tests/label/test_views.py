"""Views for labelling."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage

from cellwright.label.views import (
    COLOURS,
    clahe,
    focus_by_plane,
    laid_over,
    one_plane,
    sharpest_plane,
    stretched,
)
from cellwright.types import Image, InputError

RNG = np.random.default_rng(0)
GRAIN = RNG.normal(0, 1, (96, 96))


def test_clahe_raises_faint_contrast_in_the_dark_part():
    slope = np.linspace(0, 4000, 96)[None].repeat(96, 0)
    faint = slope + 20 * (np.indices((96, 96)).sum(0) // 6 % 2)
    shown = clahe(Image(faint.astype(np.uint16)), tile=32, clip=0.05).data
    assert (shown.dtype, shown.shape) == (np.float32, (96, 96))
    assert 0 <= shown.min() <= shown.max() <= 1
    step = np.abs(np.diff(shown, axis=0)).mean()
    assert step > 2 * np.abs(np.diff(stretched(faint), axis=0)).mean()
    # the slope over the frame is levelled: the dark side is no longer dark
    assert shown[:, :20].mean() > 2 * stretched(faint)[:, :20].mean()


@pytest.mark.parametrize(
    ("shape", "axes"), [((96, 96), "YX"), ((2, 3, 40, 30), "ZCYX"), ((5, 7), "YX")]
)
@pytest.mark.parametrize("kind", [np.uint8, np.uint16, np.float32, bool])
def test_clahe_keeps_axes_and_takes_any_type(shape, axes, kind):
    data = (RNG.random(shape) * 200).astype(kind)
    before = data.copy()
    shown = clahe(Image(data, axes, tags={"field": 3}))
    assert (shown.axes, shown.data.shape, shown.tags["field"]) == (axes, shape, 3)
    assert np.isfinite(shown.data).all()
    assert (data == before).all()


def test_a_flat_plane_is_black():
    assert (clahe(Image(np.full((32, 32), 900, np.uint16))).data == 0).all()
    assert (stretched(np.full((3, 3), 5)) == 0).all()


def two_channels():
    phase = 1000 + 100 * GRAIN
    glow = 50 + RNG.normal(0, 1, (96, 96))
    glow[30:50, 30:50] += 400
    return Image(np.stack([phase, glow]), "CYX", channels=("phase", "fluorescence"))


@pytest.mark.parametrize("colour", ["green", "magenta", (10, 200, 30)])
def test_fluorescence_is_laid_over_in_its_colour(colour):
    shown = laid_over(two_channels(), colour=colour, strength=1.0)
    assert (shown.dtype, shown.shape) == (np.uint8, (96, 96, 3))
    tint = np.array(COLOURS.get(colour, colour) if isinstance(colour, str) else colour)
    inside = shown[32:48, 32:48].reshape(-1, 3).mean(0)
    assert np.abs(inside - tint).max() < 12
    outside = shown[60:, 60:].astype(int)
    assert np.abs(outside - outside.mean(-1, keepdims=True)).mean() < 2  # grey stays grey


def test_what_is_darker_than_the_background_has_no_colour():
    image = two_channels()
    image.data[1] += 5000
    image.data[1, :20] = 0  # as behind a stop
    shown = laid_over(image, strength=1.0).astype(int)
    grey = shown.max(-1) - shown.min(-1)
    assert grey[:20].max() == 0
    assert grey[60:, 60:].mean() < 4
    assert grey[32:48, 32:48].mean() > 100


def test_strength_and_order_of_the_layers():
    image = two_channels()
    bare = laid_over(image, strength=0.0).astype(int)
    assert (bare == bare[..., :1]).all()
    turned = Image(image.data[::-1], "CYX", channels=("fluorescence", "phase"))
    assert (laid_over(turned) == laid_over(image)).all()
    assert (laid_over(image, over=1, under="phase") == laid_over(image)).all()
    assert (laid_over(image, equalise=True) != laid_over(image)).any()


def blurred_stack(sharp=2):
    return np.stack([
        1000 + 200 * ndimage.gaussian_filter(GRAIN, 0.5 + abs(z - sharp)) for z in range(5)
    ])  # fmt: skip


@pytest.mark.parametrize("sharp", [0, 2, 4])
@pytest.mark.parametrize("measure", ["laplacian", "tenengrad"])
def test_the_sharpest_plane(sharp, measure):
    image = Image(blurred_stack(sharp), "ZYX")
    values = focus_by_plane(image, measure=measure)
    assert values.shape == (5,)
    assert values.argmax() == sharp == sharpest_plane(image, measure=measure)
    assert (np.diff(values[: sharp + 1]) > 0).all()


def test_the_sharpest_plane_is_that_of_the_channel():
    data = np.stack([blurred_stack(1), blurred_stack(3)], axis=1)
    image = Image(data, "ZCYX", channels=("phase", "fluorescence"))
    assert (sharpest_plane(image), sharpest_plane(image, channel="fluorescence")) == (1, 3)
    assert sharpest_plane(Image(np.zeros((5, 8, 8)), "ZYX")) == 2
    assert sharpest_plane(Image(np.zeros((8, 8)))) == 0
    under = laid_over(image, over="fluorescence", strength=0.0)
    assert (under[..., 0] == np.round(255 * stretched(data[1, 0]))).mean() > 0.99


def test_one_plane_of_an_image_with_all_axes():
    data = np.arange(2 * 3 * 2 * 4 * 5).reshape(2, 3, 2, 4, 5)
    image = Image(data, "TZCYX", channels=("a", "b"))
    assert (one_plane(image, channel="b", z=2) == data[0, 2, 1]).all()


def test_wrong_input_is_said():
    image = two_channels()
    with pytest.raises(InputError, match="colour"):
        laid_over(image, colour="mauve")
    with pytest.raises(InputError, match="one channel"):
        laid_over(Image(np.zeros((8, 8))))
    with pytest.raises(InputError, match="strength"):
        laid_over(image, strength=2)
    with pytest.raises(InputError, match="clip"):
        clahe(image, clip=0)
    with pytest.raises(InputError, match="no plane 9"):
        one_plane(image, channel=0, z=9)
