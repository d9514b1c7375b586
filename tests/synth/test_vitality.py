"""Dead cells, contrast and bleeding of simulated fluorescence."""

from __future__ import annotations

import hashlib

import numpy as np
import pytest

from cellwright.synth import Microscope, Vitality, simulate_field
from cellwright.synth.optics import glare
from cellwright.synth.vitality import draw_alive
from cellwright.types import InputError

FLAT = Microscope(pixel_size=1.0, unevenness=0.0, vignetting=0.0)
OPTIONS = {"shape": (160, 160), "cells": 20, "overlap": 0.0, "microscope": FLAT}


def light(sample):
    """Mean of each mask above the mean outside, and the deviation outside."""
    pixels, cells = sample.image.data.astype(float), sample.instances
    outside = np.ones(cells.shape, bool)
    for r0, c0, r1, c1 in cells.boxes:
        outside[max(0, r0 - 8) : r1 + 8, max(0, c0 - 8) : c1 + 8] = False
    means = [
        pixels[r0:r1, c0:c1][mask].mean()
        for (r0, c0, r1, c1), mask in zip(cells.boxes, cells.masks, strict=True)
    ]
    return np.array(means) - pixels[outside].mean(), float(pixels[outside].std())


def test_fields_without_dead_cells_are_what_they_were():
    digest = hashlib.sha256(simulate_field(3, 1).image.data.tobytes()).hexdigest()
    assert digest.startswith("d2727f080b49be1e")


def test_dead_cells_change_the_fluorescence_only():
    given = {**OPTIONS, "modality": "both"}
    without, with_dead = (
        simulate_field(1, vitality=v, **given) for v in (None, Vitality(dead=0.5))
    )
    assert (without.image.data[0] == with_dead.image.data[0]).all()
    assert (without.image.data[1] != with_dead.image.data[1]).any()
    assert (without.instances.boxes == with_dead.instances.boxes).all()
    assert "alive" not in without.instances.tags[0]


@pytest.mark.parametrize("dead", [0.0, 0.2, 0.5, 1.0])
def test_the_share_of_dead_cells_is_exact(dead):
    sample = simulate_field(2, vitality=Vitality(dead=dead, contrast=2.0), **OPTIONS)
    lives = [t["alive"] for t in sample.instances.tags]
    assert lives.count(False) == round(dead * 20)
    assert all(type(v) is bool for v in lives)


def test_nuclei_live_as_their_cells_do():
    sample = simulate_field(2, vitality=Vitality(dead=0.5), nuclei=True, **OPTIONS)
    tags = sample.instances.tags
    lives = {t["cell"]: t["alive"] for t, c in zip(tags, sample.instances.classes, strict=True)
             if c == 0}  # fmt: skip
    assert len(tags) > len(lives)
    assert all(t["alive"] == lives[t["cell"]] for t in tags)


@pytest.mark.parametrize("contrast", [2.0, 6.0])
def test_contrast_is_in_deviations_of_the_background(contrast):
    vitality = Vitality(dead=0.4, contrast=contrast, residual=0.0)
    samples = [simulate_field(s, vitality=vitality, **OPTIONS) for s in range(3)]
    found, dark = [], []
    for sample in samples:
        above, noise = light(sample)
        alive = np.array([t["alive"] for t in sample.instances.tags])
        found += (above[alive] / noise).tolist()
        dark += (above[~alive] / noise).tolist()
    assert np.mean(found) == pytest.approx(contrast, rel=0.12)
    assert np.abs(np.mean(dark)) < 0.1 * contrast


def test_bleeding_spreads_light_and_loses_none():
    point = np.zeros((129, 129))
    point[64, 64] = 1.0
    ((height, spread),) = glare([(0.5, point)], share=0.4, reach=5.0)
    assert height == 0.5
    assert spread.sum() == pytest.approx(1.0, rel=1e-4)
    rows, cols = np.mgrid[:129, :129] - 64
    far = np.hypot(rows, cols)
    # exp(-r / reach): half of what is spread lies beyond 1.678 reach.
    assert spread[far > 8.4].sum() == pytest.approx(0.2, abs=0.02)
    assert spread[64, 64] > 0.6
    ((_, same),) = glare([(0.5, point)], share=0.0, reach=5.0)
    assert np.allclose(same, point)


def test_draw_alive_depends_on_its_numbers_only():
    first, again = (draw_alive(np.random.default_rng(4), 10, 0.3) for _ in range(2))
    assert (first == again).all()
    assert first.sum() == 7


@pytest.mark.parametrize("wrong", [{"dead": 1.2}, {"bleed": -0.1}, {"contrast": 0.0}])
def test_wrong_numbers_are_refused(wrong):
    with pytest.raises(InputError, match="wanted"):
        Vitality(**wrong)


def test_a_field_of_dead_cells_only_is_dark():
    sample = simulate_field(0, vitality=Vitality(dead=1.0, contrast=5.0, residual=0.0), **OPTIONS)
    above, noise = light(sample)
    assert np.abs(above / noise).max() < 0.5
