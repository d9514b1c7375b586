"""Regions of unknown cells on their way into a training."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from cellwright.augment import Warp, draw_warp
from cellwright.codecs.distance import DistanceCodec
from cellwright.codecs.queries import QueryCodec
from cellwright.geometry import from_masks, to_semantic
from cellwright.losses.ignored import IGNORE
from cellwright.train.batches import collate
from cellwright.train.curriculum import easiest_first
from cellwright.train.frames import Frame, Frames
from cellwright.types import Image, Instances, Sample
from cellwright.zoo.method import Normalisation

SHAPE = (40, 60)


def sample(*, crowd: bool = True) -> Sample:
    """A cell, a bright thing nobody knows, and a region around it that reaches into the cell."""
    cell, thing, region = np.zeros((3, *SHAPE), bool)
    cell[8:20, 8:22], thing[10:24, 30:44], region[8:26, 18:46] = True, True, True
    plane = np.random.default_rng(0).normal(100, 3, SHAPE)
    plane[cell | thing] += 400
    cells = from_masks([cell, region], shape=SHAPE)
    tags = ({}, {"iscrowd": True})
    cells = Instances(SHAPE, cells.boxes, cells.masks, tags=tags)
    return Sample("a", Image(plane.astype(np.uint16)), cells if crowd else cells[:1])


def frame(codec: object, *, crowd: bool = True) -> Frame:
    return Frames([sample(crowd=crowd)], codec=codec, normalisation=Normalisation())[0]


def plain(centre: tuple[float, float], size: tuple[int, int], matrix: object = None) -> Warp:
    return Warp(np.eye(2) if matrix is None else np.array(matrix, float), centre, size)


def test_a_crowd_is_no_cell_and_known_cells_stay_judged() -> None:
    with_it, without_it = frame(DistanceCodec()), frame(DistanceCodec(), crowd=False)
    for name, value in without_it.maps.items():
        assert np.array_equal(with_it.maps[name], value)
    assert IGNORE not in without_it.maps
    expected = np.zeros(SHAPE)
    expected[8:26, 18:46], expected[8:20, 8:22] = 1, 0
    assert np.array_equal(with_it.maps[IGNORE][0], expected)
    assert np.array_equal(with_it.image, without_it.image)
    assert with_it.diameter == without_it.diameter


@pytest.mark.parametrize(
    ("matrix", "moved"),
    [
        ([[1, 0], [0, -1]], lambda m: m[:, ::-1]),
        ([[-1, 0], [0, 1]], lambda m: m[::-1]),
        ([[0, 1], [-1, 0]], np.rot90),
    ],
)
def test_it_is_mirrored_and_turned_with_the_image(matrix, moved) -> None:
    some = frame(DistanceCodec())
    size = moved(np.zeros(SHAPE)).shape
    _, targets = some.crop(plain((19.5, 29.5), size, matrix))
    assert np.array_equal(targets[IGNORE][0].numpy(), moved(some.maps[IGNORE][0]))


def test_it_is_cropped_and_scaled_with_the_image() -> None:
    some = frame(DistanceCodec())
    _, targets = some.crop(plain((19.5, 29.5), (20, 30)))
    assert np.array_equal(targets[IGNORE][0].numpy(), some.maps[IGNORE][0, 10:30, 15:45])
    _, larger = some.crop(plain((19.5, 29.5), (80, 120), np.eye(2) / 2))
    known = some.maps[IGNORE][0].sum()
    assert 4 * known == pytest.approx(float(larger[IGNORE].sum()), rel=0.05)


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10**6))
def test_whatever_the_crop_unknown_pixels_are_never_taught_as_background(seed: int) -> None:
    """Any pixel of a crop that shows the unknown thing is ignored."""
    some = frame(DistanceCodec())
    warp = draw_warp(np.random.default_rng(seed), SHAPE, (32, 32))
    image, targets = some.crop(warp)
    bright = image[0] > 0.6
    taught = (targets["foreground"][0].numpy() == 0) & (targets[IGNORE][0].numpy() == 0)
    assert not (bright & taught).any()


def test_crops_with_and_without_unknown_regions_make_one_batch() -> None:
    warp = plain((19.5, 29.5), (20, 30))
    crops = []
    for crowd in (False, True, False):
        image, targets = frame(DistanceCodec(), crowd=crowd).crop(warp)
        crops.append((torch.from_numpy(image), targets))
    _, targets = collate(crops)
    assert targets[IGNORE].shape == (3, 1, 20, 30)
    assert [bool(t.any()) for t in targets[IGNORE]] == [False, True, False]
    assert IGNORE not in collate(crops[:1])[1]


def test_methods_of_single_cells_see_background_in_its_place() -> None:
    some, plain_one = frame(QueryCodec()), frame(QueryCodec(), crowd=False)
    assert some.cells is not None
    assert len(some.cells) == 1
    thing = np.zeros(SHAPE, bool)
    thing[10:24, 30:44] = True
    assert plain_one.image[0][thing].min() > 0.5
    assert some.image[0][thing].max() < 0.5
    cell = to_semantic(some.cells)[0] > 0
    assert np.array_equal(some.image[0][cell] > 0.5, np.ones(cell.sum(), bool))
    _, targets = some.crop(plain((19.5, 29.5), (40, 60)))
    assert len(targets["boxes"]) == 1
    assert IGNORE not in targets


def test_a_crowd_makes_an_image_no_harder() -> None:
    two = Instances.concatenate([sample(crowd=False).instances] * 2)
    hard = sample().with_instances(two)
    assert easiest_first([hard, sample(), sample(crowd=False)]).tolist() == [1, 2, 0]
