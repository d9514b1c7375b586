from __future__ import annotations

import json

import numpy as np
import pytest

from cellwright.formats.dataset import open_dataset
from cellwright.formats.files import read_image
from cellwright.steps.simulate import raw_name, simulate
from cellwright.synth import simulate_field
from cellwright.types import InputError

SMALL = {"shape": (48, 56), "quiet": True, "diameter": 8.0}


def files(folder):
    """Bytes of every file."""
    return {
        p.relative_to(folder).as_posix(): p.read_bytes()
        for p in sorted(folder.rglob("*"))
        if p.is_file()
    }


def test_what_is_written_is_what_was_simulated(tmp_path):
    result = simulate(tmp_path / "set", fields=3, overlap=0.5, seed=4, nuclei=True, **SMALL)
    assert (result.output, result.done, result.skipped, result.failed) == (
        tmp_path / "set",
        3,
        0,
        (),
    )
    dataset = open_dataset(tmp_path / "set")
    assert dataset.class_names == ("cell", "nucleus")
    assert len(dataset) == 3
    for field in range(3):
        read = dataset[field]
        made = simulate_field(4, field, shape=(48, 56), overlap=0.5, diameter=8.0, nuclei=True)
        assert read.name == made.name
        np.testing.assert_array_equal(read.image.data, made.image.data)
        assert read.image.pixel_size == pytest.approx((0.5, 0.5))
        assert {k: read.image.tags[k] for k in ("field", "modality", "seed")} == made.image.tags
        np.testing.assert_array_equal(read.instances.boxes, made.instances.boxes)
        np.testing.assert_array_equal(read.instances.classes, made.instances.classes)
        for one, other in zip(read.instances.masks, made.instances.masks, strict=True):
            np.testing.assert_array_equal(one, other)


def test_same_call_same_bytes(tmp_path):
    for name in ("a", "b"):
        simulate(tmp_path / name, fields=2, modality="both", planes=2, **SMALL)
    assert files(tmp_path / "a") == files(tmp_path / "b")


def test_a_stopped_call_is_finished_by_the_same_call(tmp_path, monkeypatch):
    import cellwright.synth as synth

    def stops_at_two(seed, field, **options):
        if field == 2:
            raise KeyboardInterrupt
        return simulate_field(seed, field, **options)

    monkeypatch.setattr(synth, "simulate_field", stops_at_two)
    with pytest.raises(KeyboardInterrupt):
        simulate(tmp_path / "a", fields=4, **SMALL)
    monkeypatch.undo()
    again = simulate(tmp_path / "a", fields=4, **SMALL)
    assert (again.done, again.skipped) == (2, 2)
    simulate(tmp_path / "b", fields=4, **SMALL)
    assert files(tmp_path / "a") == files(tmp_path / "b")


def test_a_field_does_not_depend_on_how_many_are_made(tmp_path):
    simulate(tmp_path / "few", fields=2, **SMALL)
    simulate(tmp_path / "many", fields=4, **SMALL)
    again = simulate(tmp_path / "few", fields=4, **SMALL)
    assert (again.done, again.skipped) == (2, 2)
    few, many = open_dataset(tmp_path / "few"), open_dataset(tmp_path / "many")
    assert few.names == many.names
    for i in range(4):
        np.testing.assert_array_equal(few[i].image.data, many[i].image.data)
        np.testing.assert_array_equal(few[i].instances.boxes, many[i].instances.boxes)


def test_raw_planes_are_named_like_a_microscope_names_them(tmp_path):
    result = simulate(tmp_path, fields=2, planes=3, modality="both", raw=True, **SMALL)
    names = {p.name for p in (tmp_path / "raw").iterdir()}
    assert result.details["raw"] == tmp_path / "raw"
    assert names == {raw_name(f, c, z) for f in range(2) for c in (1, 2) for z in range(3)}
    assert "day1t1c2xy2z3.tif" in names
    plane = read_image(tmp_path / "raw" / "day1t1c2xy2z3.tif")
    assert plane.axes == "YX"
    np.testing.assert_array_equal(plane.data, open_dataset(tmp_path)[1].image.data[2, 1])


def test_missing_raw_planes_are_written_again(tmp_path):
    simulate(tmp_path, fields=2, raw=True, **SMALL)
    (tmp_path / "raw" / raw_name(1, 2, 0)).unlink()
    again = simulate(tmp_path, fields=2, raw=True, **SMALL)
    assert (again.done, again.skipped) == (1, 1)
    assert len(open_dataset(tmp_path)) == 2
    assert (tmp_path / "raw" / raw_name(1, 2, 0)).is_file()


def test_other_settings_in_the_same_folder_are_refused(tmp_path):
    simulate(tmp_path, fields=1, seed=1, **SMALL)
    assert json.loads((tmp_path / "simulate.json").read_text())["seed"] == 1
    with pytest.raises(InputError, match=r"seed 1 \(now 2\)"):
        simulate(tmp_path, fields=1, seed=2, **SMALL)


def test_fields_without_cells(tmp_path):
    result = simulate(tmp_path, fields=2, cells=0, **SMALL)
    assert result.details["cells"] == 0
    assert [len(sample.instances) for sample in open_dataset(tmp_path)] == [0, 0]


def test_bad_arguments_leave_nothing_behind(tmp_path):
    with pytest.raises(InputError, match="fields"):
        simulate(tmp_path / "set", fields=0)
    with pytest.raises(InputError, match="do not fit"):
        simulate(tmp_path / "set", fields=1, cells=500, **SMALL)
    assert not (tmp_path / "set").exists()


def test_images_say_what_makes_them_hard(tmp_path):
    simulate(tmp_path / "set", fields=1, cells=5, overlap=0.4, seed=2, **SMALL)
    (sample,) = open_dataset(tmp_path / "set")
    cover = np.zeros(sample.image.shape, int)
    boxes, masks = sample.instances.boxes, sample.instances.masks
    for (r0, c0, r1, c1), mask in zip(boxes, masks, strict=True):
        cover[r0:r1, c0:c1] += mask
    tags = sample.image.tags
    assert tags["cells"] == 5
    assert tags["coverage"] == pytest.approx((cover > 0).mean(), abs=1e-4)
    assert tags["overlap"] == pytest.approx((cover > 1).sum() / (cover > 0).sum(), abs=1e-4)


def test_a_preset_draws_for_each_field_and_yields_to_what_is_given(tmp_path):
    options = {"shape": (96, 96), "quiet": True, "fields": 2, "preset": "livecell"}
    simulate(tmp_path / "a", **options, kind="rod", coverage=0.3)
    images = [s.image for s in open_dataset(tmp_path / "a")]
    assert {i.tags["preset"] for i in images} == {"livecell"}
    assert all("cell_line" in i.tags for i in images)
    assert images[0].pixel_size != images[1].pixel_size
    assert all(0.29 < float(i.tags["coverage"]) < 0.55 for i in images)
    with pytest.raises(InputError, match="coverage"):
        simulate(tmp_path / "a", **options, kind="rod", coverage=0.4)


def test_growing_cells_are_an_image_for_each_time_and_resume(tmp_path):
    options = {**SMALL, "fields": 2, "times": 3, "cells": 3}
    simulate(tmp_path / "set", **{**options, "fields": 1})
    result = simulate(tmp_path / "set", **options)
    assert (result.done, result.skipped) == (1, 1)
    samples = list(open_dataset(tmp_path / "set"))
    assert [s.image.tags["time"] for s in samples] == [0, 1, 2, 0, 1, 2]
    assert all("track" in t for s in samples for t in s.instances.tags)
    with pytest.raises(InputError, match="overlap"):
        simulate(tmp_path / "other", overlap=0.2, **options)
    assert not (tmp_path / "other").exists()


def test_fish_frames_hold_the_counts_of_their_signals(tmp_path):
    simulate(tmp_path / "set", preset="fish", fields=1, shape=(160, 160), cells=4, quiet=True)
    (sample,) = open_dataset(tmp_path / "set")
    assert sample.image.channels[0] == "DAPI"
    assert sample.image.size("C") == 5
    lines = (tmp_path / "set/signals/field_0000.csv").read_text().splitlines()
    assert lines[0] == "row,column,probe,nucleus"
    found = [line.split(",") for line in lines[1:]]
    for number, tags in enumerate(sample.instances.tags):
        for probe in ("3p22.1", "3q29", "10q22.3", "CEP10"):
            held = sum(p == probe and int(n) == number for _, _, p, n in found)
            assert tags[probe] == held
    with pytest.raises(InputError, match="overlap"):
        simulate(tmp_path / "other", preset="fish", overlap=0.1, quiet=True)


@pytest.mark.parametrize(
    "wrong",
    [
        {"preset": "hela"},
        {"times": 0},
        {"raw": True, "preset": "yeast"},
        {"preset": "yeast", "times": 3},
        {"raw": True, "modality": "phase+brightfield"},
    ],
)
def test_arguments_that_do_not_go_together_leave_no_folder(tmp_path, wrong):
    with pytest.raises(InputError):
        simulate(tmp_path / "set", fields=1, shape=(48, 48), quiet=True, **wrong)
    assert not (tmp_path / "set").exists()
