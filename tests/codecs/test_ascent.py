"""Basins by steepest ascent: hand-made landscapes, and what always holds."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy import ndimage
from skimage.segmentation import watershed

from cellwright.codecs.ascent import ascend, basins


def test_two_hills_and_a_wall() -> None:
    land = np.array([[3, 2, 1, 2, 4], [3, 2, 1, 2, 3], [0, 0, 0, 0, 0], [1, 2, 5, 2, 1]], float)
    labels, summits = basins(land, land > 0)
    assert summits.tolist() == [3, 4, 5]
    assert labels[:2, [0, 1, 3, 4]].tolist() == [[1, 1, 2, 2]] * 2
    assert labels[2:].tolist() == [[0] * 5, [3] * 5]


def test_edges_are_those_between_flooded_pixels() -> None:
    inside = np.array([[1, 1, 0], [0, 1, 1]], bool)
    found = ascend(np.arange(6.0).reshape(2, 3), inside)
    assert found.places.tolist() == [0, 1, 4, 5]
    pairs = [
        (int(found.places[a]), int(found.places[b])) for a, b in zip(*found.edges, strict=True)
    ]
    assert pairs == [(1, 4), (0, 1), (4, 5)]


def test_a_plateau_is_one_peak() -> None:
    labels, summits = basins(np.ones((4, 5), np.float32), np.ones((4, 5), bool))
    assert (labels == 1).all()
    assert summits.tolist() == [1]


@pytest.mark.parametrize("shape", [(0, 0), (1, 1), (1, 7), (5, 3)])
def test_nothing_inside(shape: tuple[int, int]) -> None:
    labels, summits = basins(np.ones(shape, np.float32), np.zeros(shape, bool))
    assert labels.shape == shape
    assert not labels.any()
    assert not len(summits)


@given(arrays(np.float32, st.tuples(st.integers(1, 9), st.integers(1, 9)),
              elements=st.floats(0, 1, width=32)), st.floats(0, 1))  # fmt: skip
def test_every_pixel_leads_up(land: np.ndarray, level: float) -> None:
    inside = land >= level
    labels, summits = basins(land, inside)
    assert ((labels > 0) == inside).all()
    assert sorted(np.unique(labels[inside]).tolist()) == list(range(1, len(summits) + 1))
    for k, summit in enumerate(summits, 1):
        assert land[labels == k].max() == summit
        assert ndimage.label(labels == k)[1] == 1


def test_the_flooding_of_scikit_image_on_smooth_hills() -> None:
    """They differ on ridges, which are a good part of so small hills."""
    rng = np.random.default_rng(0)
    land = ndimage.gaussian_filter(rng.random((200, 200)), 6)
    labels, _ = basins(land, np.ones_like(land, bool))
    flooded = watershed(-land, labels * (ndimage.maximum_filter(land, 3) == land))
    assert (labels == flooded).mean() > 0.85
