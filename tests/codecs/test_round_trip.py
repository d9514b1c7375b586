"""Encoding and decoding again gives the cells back."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from cellwright.codecs.distance import DistanceCodec, normalised_distance
from cellwright.codecs.foreground import ForegroundCodec
from cellwright.codecs.peaks import prominent_basins
from cellwright.evaluate.match import match
from cellwright.geometry import from_masks
from cellwright.synth import simulate_field
from cellwright.types import Instances

CODECS = [DistanceCodec(), ForegroundCodec()]


@pytest.mark.parametrize("codec", CODECS, ids=lambda c: type(c).__name__)
@settings(max_examples=10, deadline=None)
@given(seed=st.integers(0, 10_000), cells=st.integers(0, 12))
def test_cells_that_do_not_touch_come_back(codec, seed: int, cells: int) -> None:
    field = simulate_field(seed=seed, shape=(128, 128), cells=cells, overlap=0.0, diameter=10)
    back = codec.decode(codec.encode(field.instances))
    assert match(field.instances, back, [0.7])[0].fn <= len(field.instances) // 10
    assert back.scores.min(initial=1) >= 0.99


def test_touching_cells_are_told_apart_by_their_distance() -> None:
    rows, cols = np.mgrid[:40, :60]
    discs = [np.hypot(rows - 20, cols - c) <= 12 for c in (18, 40)]
    truth = from_masks(discs)
    back = DistanceCodec().decode(DistanceCodec().encode(truth))
    counts = match(truth, back, [0.9])[0]
    assert (counts.tp, counts.fp, counts.fn) == (2, 0, 0)


def test_the_map_of_an_overlap_takes_the_larger_value() -> None:
    a = np.zeros((9, 9), bool)
    a[:, :6] = True
    b = np.zeros((9, 9), bool)
    b[:, 4:] = True
    maps = DistanceCodec().encode(from_masks([a, b]))["distance"][0].numpy()
    alone = [DistanceCodec().encode(from_masks([m]))["distance"][0].numpy() for m in (a, b)]
    np.testing.assert_array_equal(maps, np.maximum(*alone))


def test_no_cells() -> None:
    for codec in CODECS:
        targets = codec.encode(Instances.empty((7, 5)))
        assert all(t.shape == (1, 7, 5) and t.sum() == 0 for t in targets.values())
        assert len(codec.decode(targets)) == 0


def test_classes_stay_apart() -> None:
    rows, cols = np.mgrid[:40, :40]
    cell = np.hypot(rows - 20, cols - 20) <= 15
    nucleus = np.hypot(rows - 20, cols - 20) <= 6
    both = from_masks([cell, nucleus])
    truth = Instances(both.shape, both.boxes, both.masks, None, [0, 1], ("cell", "nucleus"))
    codec = DistanceCodec(("cell", "nucleus"))
    back = codec.decode(codec.encode(truth))
    assert back.classes.tolist() == [0, 1]
    assert back.areas.tolist() == truth.areas.tolist()


def test_small_regions_are_left_out() -> None:
    probability = torch.zeros(1, 20, 20)
    probability[0, 2:4, 2:4] = 1
    probability[0, 8:16, 8:16] = 1
    found = ForegroundCodec(min_area=5).decode({"foreground": probability})
    assert found.areas.tolist() == [64]


def test_distance_of_a_square() -> None:
    depth = normalised_distance(np.ones((5, 5), bool))
    assert depth.max() == depth[2, 2] == 1
    assert depth[0].max() == 0
    assert depth[1].max() == pytest.approx(1 / 2)


@pytest.mark.parametrize("shape", [(1, 1), (2, 2), (1, 9), (2, 5)])
def test_cells_without_an_inside_are_all_peak(shape: tuple[int, int]) -> None:
    assert normalised_distance(np.ones(shape, bool)).min() == 1


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10_000), prominence=st.floats(0.02, 0.5))
def test_basins_are_those_of_the_h_maxima(seed: int, prominence: float) -> None:
    """Somebody else's way to the same number: reconstruction by dilation (scikit-image)."""
    from scipy import ndimage
    from skimage.morphology import h_maxima

    land = ndimage.gaussian_filter(np.random.default_rng(seed).random((40, 40)), 2)
    land = (land - land.min()) / (land.max() - land.min())
    got = prominent_basins(land, np.ones_like(land, bool), prominence=prominence, least=-1)
    cross = ndimage.generate_binary_structure(2, 1)
    found = ndimage.label(h_maxima(land, prominence, footprint=cross))[0]
    assert int(got.max()) == int(found.max())
    assert (got > 0).all()


def test_more_prominence_never_makes_more_cells() -> None:
    from scipy import ndimage

    land = ndimage.gaussian_filter(np.random.default_rng(3).random((60, 60)), 2)
    inside = land > np.median(land)
    counts = [
        int(prominent_basins(land, inside, prominence=p, least=0).max())
        for p in (0, 0.01, 0.03, 0.1, 1)
    ]
    assert counts == sorted(counts, reverse=True)
    assert counts[0] > counts[-1]


def test_no_peak_no_basin() -> None:
    flat = np.zeros((6, 6), np.float32)
    assert prominent_basins(flat, flat == 0, prominence=0.1, least=0.1).max() == 0
