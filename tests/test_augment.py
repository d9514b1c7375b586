"""Warps show images and instances alike."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cellwright.augment import (
    LIGHTS,
    NORMALISATIONS,
    Warp,
    change_intensity,
    change_transmitted,
    draw_warp,
    intensity_range,
    normalise,
    uneven_light,
)
from cellwright.geometry import to_label_map
from cellwright.synth import simulate_field
from cellwright.types import InputError


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 10_000), rows=st.integers(20, 90), cols=st.integers(20, 90))
def test_instances_and_image_are_turned_alike(seed: int, rows: int, cols: int) -> None:
    field = simulate_field(seed=seed, shape=(80, 70), cells=3, overlap=0.0, diameter=9)
    rng = np.random.default_rng(seed)
    warp = draw_warp(rng, (80, 70), (rows, cols))
    seen = warp.instances(field.instances)
    inside = Warp(warp.matrix, warp.centre, warp.size)
    labels = to_label_map(field.instances)[None].astype(np.float32)
    expected = inside.array(labels, order=0)[0] > 0
    positions = np.indices(warp.size).reshape(2, -1)
    source = warp.matrix @ positions + warp.offset[:, None]
    frame = ((source > -0.49) & (source < np.array([[79.49], [69.49]]))).all(axis=0)
    got = (to_label_map(seen) > 0).ravel()[frame]
    disagree = np.count_nonzero(got != expected.ravel()[frame])
    assert disagree <= 0.01 * 80 * 70
    assert seen.shape == (rows, cols)


def test_the_identity_changes_nothing() -> None:
    image = np.random.default_rng(0).random((2, 30, 40), dtype=np.float32)
    warp = Warp(np.eye(2), (14.5, 19.5), (30, 40))
    np.testing.assert_allclose(warp.array(image), image, atol=1e-6)


def test_the_frame_is_mirrored_beyond_its_border() -> None:
    image = np.arange(6, dtype=np.float32).reshape(1, 1, 6).repeat(4, axis=1)
    warp = Warp(np.eye(2), (1.5, 2.5), (4, 10))
    assert warp.array(image)[0, 0].tolist() == [2, 1, 0, 1, 2, 3, 4, 5, 4, 3]


def test_draws_repeat_with_their_seed() -> None:
    image = np.random.default_rng(0).random((1, 50, 50), dtype=np.float32)
    twice = []
    for _ in range(2):
        rng = np.random.default_rng([3, 1, 4])
        warp = draw_warp(rng, (50, 50), (32, 32))
        twice.append(change_intensity(warp.array(image), rng))
    np.testing.assert_array_equal(*twice)
    assert not np.shares_memory(change_intensity(image, rng), image)


def test_percentiles_become_zero_and_one() -> None:
    image = np.stack([np.arange(10_000.0), np.arange(10_000.0) * 7 + 3]).reshape(2, 100, 100)
    low, high = intensity_range(image, low=1, high=99)
    scaled = normalise(image, low, high)
    np.testing.assert_allclose(
        np.percentile(scaled, [1, 99], axis=(1, 2)).T, [[0, 1]] * 2, atol=1e-4
    )


def test_smallest_and_largest_or_mean_and_spread() -> None:
    image = np.stack([np.arange(10_000.0), np.arange(10_000.0) * 7 + 3]).reshape(2, 100, 100)
    scaled = normalise(image, *intensity_range(image, kind="min-max"))
    assert (scaled.min(axis=(1, 2)).tolist(), scaled.max(axis=(1, 2)).tolist()) == ([0, 0], [1, 1])
    scaled = normalise(image, *intensity_range(image, kind="z-score"))
    np.testing.assert_allclose(scaled.mean(axis=(1, 2)), 0, atol=1e-4)
    np.testing.assert_allclose(scaled.std(axis=(1, 2)), 1, atol=1e-4)
    with pytest.raises(InputError, match="z-score"):
        intensity_range(image, kind="log")


@pytest.mark.parametrize("kind", NORMALISATIONS)
def test_a_flat_image_stays_finite(kind: str) -> None:
    image = np.full((1, 8, 8), 7.0)
    assert np.isfinite(normalise(image, *intensity_range(image, kind=kind))).all()


def test_uneven_light_is_smooth_and_around_one() -> None:
    rng = np.random.default_rng(0)
    field = uneven_light(rng, (61, 97), strength=0.5)
    assert field.shape == (61, 97)
    assert field.min() > 0
    assert np.abs(np.diff(np.log(field), axis=0)).max() < 0.3
    assert 0.2 < np.log(field).std() < 0.8
    assert uneven_light(rng, (1, 1), strength=0.0).tolist() == [[1.0]]


def test_transmitted_light_changes_its_sign_in_three_of_ten_crops():
    image = np.full((1, 64, 64), 0.5, np.float32)
    image[:, 24:40, 24:40] = 0.9
    signs = []
    for seed in range(200):
        found = change_transmitted(image, np.random.default_rng(seed))[0]
        ring = np.concatenate([found[20:44, 20:23].ravel(), found[20:44, 41:44].ravel()])
        signs.append(float(np.median(found[28:36, 28:36])) > float(np.median(ring)))
    assert 0.6 < np.mean(signs) < 0.8
    assert LIGHTS["transmitted"] is change_transmitted


def test_transmitted_light_is_the_same_for_the_same_draw_and_leaves_its_input_alone():
    image = np.random.default_rng(0).random((2, 33, 35)).astype(np.float32)
    before = image.copy()
    one, other = (change_transmitted(image, np.random.default_rng(3)) for _ in range(2))
    np.testing.assert_array_equal(one, other)
    np.testing.assert_array_equal(image, before)
    assert (one.shape, one.dtype) == (image.shape, np.float32)
