"""Alive/Dead by visibility in fluorescence."""

from __future__ import annotations

import numpy as np
import pytest

from cellwright.geometry import from_masks, shift
from cellwright.measure import alive as module
from cellwright.measure.alive import channel_index, corrected, visibility, with_alive
from cellwright.synth import Microscope, Vitality, simulate_field
from cellwright.types import Image, InputError, Instances

NOISE = 10.0


def disc(shape, row, col, radius):
    rows, cols = np.ogrid[: shape[0], : shape[1]]
    return (rows - row) ** 2 + (cols - col) ** 2 <= radius**2


def picture(masks, lights, *, shape=(96, 96), seed=0, base=500.0):
    """Flat background of deviation `NOISE`, each mask brighter by its light; masks add up."""
    data = base + np.random.default_rng(seed).normal(0, NOISE, shape)
    for mask, amount in zip(masks, lights, strict=True):
        data = data + amount * mask
    return data


def balanced(found, true):
    return (found[true].mean() + (~found[~true]).mean()) / 2


def truth(cells):
    return np.array([t["alive"] for t in cells.tags])


class Lazy:
    """An array that counts what is read of it."""

    def __init__(self, data):
        self.data, self.shape, self.dtype, self.most = data, data.shape, data.dtype, 0

    def __getitem__(self, key):
        part = self.data[key]
        self.most = max(self.most, part.size)
        return part


def test_contrast_is_light_over_noise_by_hand():
    shape = (96, 96)
    masks = [disc(shape, 25, 25, 9), disc(shape, 25, 70, 9), disc(shape, 70, 45, 9)]
    found = visibility(Image(picture(masks, [40.0, 0.0, 20.0])), from_masks(masks), halos=False)
    assert found.contrast == pytest.approx([4.0, 0.0, 2.0], abs=0.35)
    assert found.alive.tolist() == [True, False, True]
    assert found.noise == pytest.approx(NOISE, rel=0.1)
    assert found.background == pytest.approx([500.0] * 3, abs=4.0)


def test_the_threshold_is_the_largest_of_its_three_parts():
    shape = (96, 96)
    masks = [disc(shape, 25, 25, 9), disc(shape, 25, 70, 9), disc(shape, 70, 45, 9)]
    image, cells = Image(picture(masks, [40.0, 0.0, 20.0])), from_masks(masks)
    by_noise = visibility(image, cells, sigmas=3.0, share=0.0)
    assert (by_noise.threshold == 3.0).all()
    assert by_noise.alive.tolist() == [True, False, False]
    by_light = visibility(image, cells, sigmas=0.0, share=0.9, sure=0.0)
    assert by_light.threshold == pytest.approx(0.9 * np.percentile(by_light.contrast, 90))
    by_error = visibility(image, cells, sigmas=0.0, share=0.0, sure=3.0)
    assert (by_error.threshold == 3.0 * by_error.error).all()
    pixels = np.count_nonzero(disc((40, 40), 20, 20, 7))
    assert by_error.error[0] == pytest.approx(pixels**-0.5, rel=0.1)


def test_a_slope_in_the_background_makes_no_cell_alive():
    shape = (160, 160)
    spots = [(r, c) for r in range(20, 150, 40) for c in range(20, 150, 40)]
    masks = [disc(shape, r, c, 9) for r, c in spots]
    lives = np.arange(16) % 3 != 0
    slope = np.linspace(0, 150, 160)[:, None] + np.linspace(0, 60, 160)[None] ** 2 / 60
    data = picture(masks, np.where(lives, 20.0, 0.0), shape=shape) + slope
    found = visibility(Image(data), from_masks(masks))
    assert (found.alive == lives).all()


def test_a_covered_dead_cell_is_not_alive_by_the_one_above_it():
    shape = (96, 96)
    above, below = disc(shape, 48, 48, 14), disc(shape, 48, 50, 8)  # wholly covered
    rim = disc(shape, 48, 48, 14) & ~below
    cells = from_masks([above, below])
    dead = visibility(Image(picture([rim, below], [40.0, 40.0])), cells, halos=False)
    assert dead.alive.tolist() == [True, False]
    living = visibility(Image(picture([above, below], [40.0, 40.0])), cells, halos=False)
    assert living.alive.tolist() == [True, True]
    assert living.contrast == pytest.approx([4.0, 4.0], abs=0.6)


def test_overlapping_cells_are_judged_by_their_own_pixels():
    shape = (96, 96)
    one, other = disc(shape, 48, 38, 12), disc(shape, 48, 55, 12)
    cells = from_masks([one, other])
    found = visibility(Image(picture([one, other], [50.0, 0.0])), cells, halos=False)
    assert found.alive.tolist() == [True, False]
    assert found.contrast == pytest.approx([5.0, 0.0], abs=0.5)


def test_bleeding_is_taken_off():
    settings = {"shape": (256, 256), "cells": 120, "overlap": 0.3,
                "microscope": Microscope(pixel_size=1.0)}  # fmt: skip
    plain, less = [], []
    for seed in (10, 11):
        sample = simulate_field(seed, vitality=Vitality(dead=0.3, contrast=4, bleed=0.7,
                                                        residual=0.0), **settings)  # fmt: skip
        dead = ~truth(sample.instances)
        plain += visibility(sample.image, sample.instances, halos=False).contrast[dead].tolist()
        less += visibility(sample.image, sample.instances).contrast[dead].tolist()
    assert np.mean(np.abs(less)) < 0.75 * np.mean(np.abs(plain))
    assert np.percentile(less, 95) < np.percentile(plain, 95)


@pytest.mark.parametrize("bleed", [0.0, 0.3])
def test_simulated_plates_at_two_sigma(bleed):
    found, true = [], []
    for field, dead in enumerate((0.2, 0.5)):
        sample = simulate_field(
            77, field, shape=(256, 256), cells=70, overlap=0.2,
            vitality=Vitality(dead=dead, contrast=2.0, bleed=bleed),
            microscope=Microscope(pixel_size=1.0),
        )  # fmt: skip
        found.append(visibility(sample.image, sample.instances).alive)
        true.append(truth(sample.instances))
    assert balanced(np.concatenate(found), np.concatenate(true)) >= 0.97


def test_bright_plates_and_their_autofluorescence():
    sample = simulate_field(
        5, shape=(192, 192), cells=40, vitality=Vitality(dead=0.4, residual=0.08),
        microscope=Microscope(pixel_size=1.0),
    )  # fmt: skip
    found = visibility(sample.image, sample.instances)
    assert (found.alive == truth(sample.instances)).all()
    assert found.contrast[~found.alive].mean() > 1  # dead, though above the noise


def test_a_large_lazy_frame_is_read_in_parts(monkeypatch):
    monkeypatch.setattr(module, "_WHOLE", 300)
    monkeypatch.setattr(module, "_BLOCK", 200)
    sample = simulate_field(
        3, shape=(200, 200), cells=40, vitality=Vitality(dead=0.4, contrast=3.0, bleed=0.2),
        microscope=Microscope(pixel_size=1.0, unevenness=0.05, vignetting=0.0),
    )  # fmt: skip
    frame = Lazy(np.tile(sample.image.data, (3, 3)))
    tiles = [shift(sample.instances, (200 * i, 200 * j), frame.shape)
             for i in range(3) for j in range(3)]  # fmt: skip
    cells = Instances.concatenate(tiles)
    found = visibility(Image(frame), cells)
    assert frame.most < 0.8 * frame.data.size
    assert (found.alive == truth(cells)).mean() > 0.98
    monkeypatch.setattr(module, "_WHOLE", 4096)
    whole = visibility(Image(frame), cells)
    assert (found.alive == whole.alive).mean() > 0.99
    assert np.abs(found.contrast - whole.contrast).max() < 0.4


def test_stacks_are_averaged_and_channels_picked_by_name():
    shape = (64, 64)
    masks = [disc(shape, 20, 20, 9), disc(shape, 44, 44, 9)]
    dark = picture([], [], shape=shape, seed=9)
    stack = np.stack([
        np.stack([dark, picture(masks, [12.0, 0.0], shape=shape, seed=s)]) for s in range(4)
    ])  # fmt: skip
    image = Image(stack, "ZCYX", channels=("brightfield", "Fluorescence"))
    cells = from_masks(masks)
    found = visibility(image, cells, channel="fluorescence")
    assert found.alive.tolist() == [True, False]
    assert found.noise == pytest.approx(NOISE / 2, rel=0.15)  # four planes
    assert not visibility(image, cells, channel=0).alive.any()
    assert channel_index(image, -1) == 1


def test_the_rim_tells_where_only_the_wall_is_stained():
    shape = (96, 96)
    masks = [disc(shape, 25, 25, 14), disc(shape, 70, 70, 14)]
    wall = masks[0] & ~disc(shape, 25, 25, 12)
    image = Image(picture([wall], [25.0], shape=shape))
    core, rim = (visibility(image, from_masks(masks), part=p, halos=False)
                 for p in ("core", "rim"))  # fmt: skip
    assert rim.alive.tolist() == [True, False]
    assert rim.contrast[0] > 3 * abs(core.contrast[0])


def test_cells_that_nobody_outlined_do_not_raise_the_background():
    shape = (128, 128)
    masks = [disc(shape, 30, 30, 9), disc(shape, 30, 90, 9)]
    stray = [disc(shape, r, c, 9) for r, c in ((90, 25), (95, 60), (90, 100), (60, 60))]
    data = picture([*masks, *stray], [20.0, 0.0, *[200.0] * 4], shape=shape)
    found = visibility(Image(data), from_masks(masks))
    assert found.alive.tolist() == [True, False]
    assert found.background == pytest.approx([500.0] * 2, abs=8.0)
    assert found.noise == pytest.approx(NOISE, rel=0.25)


def test_a_background_without_noise_has_that_of_rounding():
    masks = [disc((64, 64), 20, 20, 9), disc((64, 64), 44, 44, 9)]
    data = np.where(masks[0], 40, 0).astype(np.uint8)
    found = visibility(Image(data), from_masks(masks))
    assert found.alive.tolist() == [True, False]
    assert found.noise == pytest.approx(12**-0.5)
    assert np.isfinite(found.contrast).all()


def test_no_cells_and_a_single_tiny_one():
    image = Image(picture([], []))
    none = visibility(image, Instances.empty((96, 96)))
    assert len(none.contrast) == len(none.alive) == 0
    mask = np.zeros((96, 96), bool)
    mask[40, 40] = True
    one = visibility(image, from_masks([mask]))
    assert one.alive.tolist() == [False]
    assert one.threshold[0] >= 3.0  # a single pixel must stand out clearly


def test_wrong_input_is_said():
    cells = from_masks([disc((32, 32), 16, 16, 5)])
    with pytest.raises(InputError, match="cover the whole image"):
        visibility(Image(np.zeros((8, 8))), from_masks([np.ones((8, 8), bool)]))
    with pytest.raises(InputError, match="same rows"):
        visibility(Image(np.zeros((8, 8))), cells)
    with pytest.raises(InputError, match="say which is fluorescence"):
        visibility(Image(np.zeros((2, 32, 32)), "CYX"), cells)
    with pytest.raises(InputError, match="no channel 'gfp'"):
        visibility(Image(np.zeros((2, 32, 32)), "CYX"), cells, channel="gfp")
    with pytest.raises(InputError, match="part"):
        visibility(Image(np.zeros((32, 32))), cells, part="edge")
    with pytest.raises(InputError, match="not numbers"):
        visibility(Image(np.full((32, 32), np.nan)), cells)


def test_a_hand_has_the_last_word():
    shape = (96, 96)
    masks = [disc(shape, 25, 25, 9), disc(shape, 70, 70, 9)]
    image = Image(picture(masks, [40.0, 0.0]))
    cells = with_alive(from_masks(masks), visibility(image, from_masks(masks)))
    assert [t["alive"] for t in cells.tags] == [True, False]
    assert cells.tags[0]["alive_by"] == "contrast"
    assert cells.tags[0]["contrast"] > cells.tags[0]["contrast_threshold"]
    by_hand = corrected(cells, {1: True})
    again = with_alive(by_hand, visibility(image, by_hand))
    assert [t["alive"] for t in again.tags] == [True, True]
    assert again.tags[1]["alive_by"] == "hand"
    assert [t["alive"] for t in cells.tags] == [True, False]  # what came is as it was
    with pytest.raises(InputError, match="no cell 2"):
        corrected(cells, {2: True})
    with pytest.raises(InputError, match="for 1"):
        with_alive(cells[:1], visibility(image, cells))
