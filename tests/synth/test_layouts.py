"""Shapes, clumps, coverage, dust and channels of a simulated field."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage

from cellwright.synth import KINDS, Microscope, simulate_field
from cellwright.synth.confluence import spread_out
from cellwright.synth.optics import dust
from cellwright.synth.shapes import draw_body
from cellwright.types import InputError


def cover(sample):
    count = np.zeros(sample.instances.shape, int)
    for (r0, c0, r1, c1), mask in zip(sample.instances.boxes, sample.instances.masks, strict=True):
        count[r0:r1, c0:c1] += mask
    return count


def across(body):
    """Width at each place along the long axis."""
    places = np.argwhere(body.mask) - np.argwhere(body.mask).mean(axis=0)
    _, axes = np.linalg.eigh(np.cov(places.T))
    along = np.rint(places @ axes[:, -1]).astype(int)
    return np.bincount(along - along.min())


@pytest.mark.parametrize("seed", range(5))
def test_a_dividing_cell_has_a_waist_and_a_nucleus_on_each_side(seed):
    body = draw_body(np.random.default_rng(seed), KINDS["dividing"], 60)
    width = across(body)
    third = len(width) // 3
    waist = width[third:-third].min()
    assert waist < 0.75 * min(width[:third].max(), width[-third:].max())
    assert ndimage.label(body.mask, np.ones((3, 3)))[1] == 1
    assert ndimage.label(body.nucleus, np.ones((3, 3)))[1] == 2


def test_rods_are_long_and_plain():
    for seed in range(5):
        body = draw_body(np.random.default_rng(seed), KINDS["rod"], 40)
        places = np.argwhere(body.mask)
        values = np.linalg.eigvalsh(np.cov(places.T))
        assert (values[1] / values[0]) ** 0.5 > 2.5


def test_cells_of_a_clump_touch():
    sample = simulate_field(2, 0, shape=(300, 300), cells=24, cluster=8, overlap=0, diameter=8)
    pieces = ndimage.label(ndimage.binary_dilation(cover(sample) > 0, iterations=2))[1]
    alone = simulate_field(2, 0, shape=(300, 300), cells=24, touching=0, overlap=0, diameter=8)
    assert pieces <= 8
    assert ndimage.label(cover(alone) > 0)[1] > 2 * pieces


@given(st.floats(0.2, 1.0), st.integers(0, 50))
@settings(max_examples=12, deadline=None)
def test_coverage_is_reached_and_adds_no_overlap(coverage, seed):
    options = {"shape": (120, 100), "cells": 8, "overlap": 0.4, "diameter": 7.0}
    before = cover(simulate_field(seed, 0, **options))
    after = cover(simulate_field(seed, 0, coverage=coverage, **options))
    if (before > 0).mean() < coverage:
        assert (after > 0).mean() >= coverage
        assert (after > 0).mean() < coverage + 0.08
    assert (after[before > 0] >= before[before > 0]).all()
    np.testing.assert_array_equal(after > 1, before > 1)


def test_confluence_leaves_no_gap_and_each_cell_in_one_piece():
    sample = simulate_field(1, 0, shape=(160, 160), coverage=1.0, modality="phase", overlap=0)
    assert (cover(sample) > 0).all()
    assert len(sample.instances) > 10
    for mask in sample.instances.masks:
        assert ndimage.label(mask, np.ones((3, 3)))[1] == 1


def test_no_cells_spread_nowhere():
    everywhere = slice(None), slice(None)
    assert spread_out([], [], (20, 20), field=everywhere, coverage=1.0) == ([], [])


def test_dust_takes_light_in_place_and_none_is_none():
    microscope = Microscope(dust=400)
    shadow = dust(np.random.default_rng(0), (200, 200), microscope)
    assert shadow.max() <= 1
    assert 0.3 < shadow.min() < 0.97
    assert (shadow < 0.99).mean() < 0.5
    options = {"shape": (96, 96), "modality": "phase+brightfield", "cells": 3}
    clean = simulate_field(0, 0, **options).image.data.astype(float)
    dusty = simulate_field(0, 0, microscope=Microscope(dust=800), **options).image.data
    ratio = ndimage.uniform_filter(dusty / clean, (0, 7, 7))
    assert ratio.min() < 0.97
    # the same specks in both channels
    assert np.corrcoef(ratio[0].ravel(), ratio[1].ravel())[0, 1] > 0.8


def test_several_modalities_show_the_same_cells():
    both = simulate_field(3, 0, shape=(64, 64), modality="phase+fluorescence", nuclei=True)
    alone = simulate_field(3, 0, shape=(64, 64), modality="phase", nuclei=True)
    assert both.image.axes == "CYX"
    assert both.image.channels == ("phase", "fluorescence")
    np.testing.assert_array_equal(both.image.data[0], alone.image.data)
    np.testing.assert_array_equal(both.instances.boxes, alone.instances.boxes)
    old = simulate_field(3, 0, shape=(64, 64), modality="both")
    new = simulate_field(3, 0, shape=(64, 64), modality="brightfield+fluorescence")
    np.testing.assert_array_equal(old.image.data, new.image.data)


@pytest.mark.parametrize("modality", ["phase+phase", "phase+x-ray", "+", "Phase"])
def test_unknown_modalities_are_refused(modality):
    with pytest.raises(InputError, match="modality"):
        simulate_field(0, 0, modality=modality)


@pytest.mark.parametrize("wrong", [{"coverage": 0.0}, {"coverage": 1.2}, {"cluster": 0}])
def test_wrong_layouts_are_refused(wrong):
    with pytest.raises(InputError):
        simulate_field(0, 0, shape=(64, 64), **wrong)


def test_contrast_of_bright_field_turns_through_focus():
    microscope = Microscope(z_step=8.0, dust=0.0, unevenness=0.0, vignetting=0.0)
    sample = simulate_field(
        4, 0, shape=(128, 128), cells=4, overlap=0, modality="brightfield", planes=3,
        microscope=microscope, touching=0,
    )  # fmt: skip
    inside = np.zeros((128, 128), bool)
    for (r0, c0, r1, c1), mask in zip(sample.instances.boxes, sample.instances.masks, strict=True):
        inside[r0:r1, c0:c1] |= ndimage.binary_erosion(mask, iterations=4)
    planes = sample.image.data.astype(float)
    level = np.median(planes[:, cover(sample) == 0], axis=1)
    below, focus, above = (p[inside].mean() / b - 1 for p, b in zip(planes, level, strict=True))
    assert below * above < 0
    assert abs(focus) < max(abs(below), abs(above))


@pytest.mark.parametrize("seed", range(4))
def test_a_stellate_cell_reaches_further_than_it_is_wide(seed):
    def solidity(kind):
        bodies = (draw_body(np.random.default_rng((seed, n)), KINDS[kind], 60) for n in range(6))
        return np.mean(
            [b.area / (np.pi * np.argwhere(b.mask).std(axis=0).prod() * 4) for b in bodies]
        )

    assert solidity("stellate") < 0.93 * solidity("oval")


def test_a_flat_cell_is_a_plateau():
    flat, ball = (draw_body(np.random.default_rng(0), KINDS[k], 60) for k in ("flat", "round"))
    assert flat.height[flat.mask].mean() > 0.82 > 0.75 > ball.height[ball.mask].mean()


def test_a_smaller_index_step_gives_less_contrast():
    options = {"shape": (96, 96), "cells": 3, "modality": "dic", "diameter": 12.0}
    faint, usual = (
        simulate_field(0, 0, microscope=m, **options).image.data.std()
        for m in (Microscope(index_step=n, vignetting=0, unevenness=0) for n in (0.004, 0.02))
    )
    assert faint < 0.7 * usual
