"""The halo of phase contrast: seen where there is one, taken off, and made again."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage

from cellwright.geometry import from_label_map
from cellwright.synth.paste import ADDED, Compose, Source, Warp, compose
from cellwright.synth.paste.halo import Halo, halo_of
from cellwright.types import Image

DIAMETER = 16.0
STILL = Warp(rotate=False, flip=False)


def field_of(gain: float, width: float = DIAMETER, seed: int = 3):
    """Dark discs on a ground of 1000 that is brighter around them, with a little noise."""
    rng = np.random.default_rng(seed)
    rows, cols = np.mgrid[:160, :170]
    labels = np.zeros(rows.shape, int)
    centres = ((30, 35), (35, 120), (80, 70), (120, 30), (125, 130))
    for number, (row, col) in enumerate(centres, 1):
        labels[(rows - row) ** 2 + (cols - col) ** 2 < (DIAMETER / 2) ** 2] = number
    bare = np.where(labels > 0, 200.0, 1000.0)
    light = ndimage.gaussian_filter((labels > 0).astype(float), width, mode="nearest")
    plane = bare * (1 + gain * light) + rng.normal(0, 2, rows.shape)
    return plane, bare, labels


def test_a_halo_is_found_with_its_width_and_strength() -> None:
    plane, _, labels = field_of(2.0)
    outside = ~ndimage.binary_dilation(labels > 0, iterations=3)
    halo = halo_of(plane[None], labels > 0, outside, DIAMETER)
    assert halo is not None
    assert halo.width == DIAMETER
    assert halo.strength[0] == pytest.approx(2.0, rel=0.25)


@pytest.mark.parametrize("what", ["flat", "shaded", "empty", "negative", "darker"])
def test_no_halo_where_there_is_none(what) -> None:
    plane, _, labels = field_of(0.0)
    if what == "shaded":
        plane = plane + 3 * np.arange(plane.shape[0])[:, None]
    if what == "darker":
        plane = field_of(-0.5)[0]
    if what == "negative":
        plane = plane - 5000
    covered = np.zeros_like(labels, bool) if what == "empty" else labels > 0
    assert halo_of(plane[None], covered, labels == 0, DIAMETER) is None


def test_taken_off_leaves_the_bare_field_and_cells() -> None:
    plane, _, labels = field_of(2.0)
    cells = from_label_map(labels)
    image = Image(plane.astype(np.float32), "YX")
    source = Source.of("a", image, cells, diameter=DIAMETER, halos=True)
    assert source.ground.halo is not None
    assert source.ground.level.mean() == pytest.approx(1000, rel=0.03)
    inside = source.departure[0][labels > 0]
    assert np.median(inside) == pytest.approx(-800, rel=0.05)
    without = Source.of("a", image, cells, diameter=DIAMETER)
    assert without.ground.halo is None


def test_pasted_cells_have_a_halo_again_as_strong_as_in_their_image() -> None:
    plane, _, labels = field_of(2.0)
    cells = from_label_map(labels)
    source = Source.of(
        "a", Image(plane.astype(np.float32), "YX"), cells, diameter=DIAMETER, halos=True
    )
    rng = np.random.default_rng(0)
    sample, _ = compose(rng, [source], cells=3, base=0, how=Compose(ADDED, STILL))
    cover = np.zeros(labels.shape, bool)
    for (row, col, row1, col1), mask in zip(
        sample.instances.boxes.tolist(), sample.instances.masks, strict=True
    ):
        cover[row:row1, col:col1] |= mask
    halo = source.ground.halo
    assert isinstance(halo, Halo)
    wanted = np.where(cover, 200.0, 1000.0) * halo.around(cover)[0]
    gap = np.abs(sample.image.data - wanted)
    assert np.median(gap) < 15
    far = ndimage.distance_transform_edt(~cover)
    near, away = (far > 2) & (far < 6), far > 40
    assert sample.image.data[near].mean() > 1.1 * sample.image.data[away].mean()
