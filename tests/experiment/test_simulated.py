"""Simulated plates of several kinds, plane by plane, with Alive and Dead as classes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from cellwright.experiment.data_config import Simulate
from cellwright.experiment.simulated import PARTS, simulated
from cellwright.formats.dataset import open_dataset
from cellwright.synth import simulate_field

SMALL = {"fields": 2, "shape": (48, 56), "diameter": 8.0}


def test_a_plain_simulation_is_that_of_the_command(tmp_path: Path) -> None:
    simulated([Simulate(**SMALL, seed=3)], tmp_path / "set", quiet=True)
    assert (tmp_path / "set" / "simulate.json").is_file()
    assert open_dataset(tmp_path / "set").names == ("field_0000", "field_0001")


def test_each_plane_and_channel_is_an_image_with_all_cells(tmp_path: Path) -> None:
    part = Simulate(**SMALL, planes=2, z=(12, 14), modality="both", each_channel=True, seed=3)
    simulated([part], tmp_path / "set", quiet=True)
    dataset = open_dataset(tmp_path / "set")
    assert len(dataset) == 2 * 2 * 2
    assert not (tmp_path / "set" / PARTS).exists()
    made = simulate_field(3, 1, shape=(48, 56), diameter=8.0, planes=2, modality="both")
    index = dataset.names.index("field_0001_z14_fluorescence")
    found = dataset[index]
    np.testing.assert_array_equal(np.squeeze(found.image.data), made.image.data[1, 1])
    assert found.image.tags["z"] == 14
    assert found.image.tags["modality"] == "fluorescence"
    assert found.image.tags["field"] == 1
    np.testing.assert_array_equal(found.instances.boxes, made.instances.boxes)


def test_kinds_of_cells_are_told_apart_by_their_tags(tmp_path: Path) -> None:
    parts = [
        Simulate(**SMALL, kind="round", seed=3, tags={"cell_line": "A"}),
        Simulate(**SMALL, kind="spindle", seed=3, tags={"cell_line": "B"}),
    ]
    simulated(parts, tmp_path / "set", quiet=True)
    dataset = open_dataset(tmp_path / "set")
    assert len(set(dataset.names)) == 4
    assert len(dataset.where(cell_line="B")) == 2
    assert len({str(dataset.tags(i)["field"]) for i in range(4)}) == 4


def test_alive_and_dead_are_classes(tmp_path: Path) -> None:
    part = Simulate(**SMALL, cells=6, overlap=0, dead=0.5, vitality=True, seed=3)
    simulated([part], tmp_path / "set", quiet=True)
    dataset = open_dataset(tmp_path / "set")
    assert dataset.class_names == ("Alive", "Dead")
    cells = dataset[0].instances
    assert np.bincount(cells.classes).tolist() == [3, 3]
    assert [tag["alive"] for tag in cells.tags] == (cells.classes == 0).tolist()


def test_a_stopped_call_is_finished_by_the_same_call(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from cellwright.formats.dataset import DatasetWriter

    part = Simulate(**SMALL, planes=2, z=(1, 2), seed=3)
    simulated([part], tmp_path / "whole", quiet=True)
    add, added = DatasetWriter.add, []

    def stops(self, sample, **options):
        if "_z02" in sample.name and not added:
            added.append(sample.name)
            raise KeyboardInterrupt
        return add(self, sample, **options)

    monkeypatch.setattr(DatasetWriter, "add", stops)
    with pytest.raises(KeyboardInterrupt):
        simulated([part], tmp_path / "set", quiet=True)
    simulated([part], tmp_path / "set", quiet=True)
    assert added
    files = [(p / "annotations.json").read_bytes() for p in (tmp_path / "set", tmp_path / "whole")]
    assert files[0] == files[1]


def test_phase_contrast_of_the_same_cells_is_the_first_channel(tmp_path: Path) -> None:
    part = Simulate(**SMALL, planes=2, modality="brightfield", with_phase=True, seed=3)
    simulated([part], tmp_path / "set", quiet=True)
    found = open_dataset(tmp_path / "set")[1]
    assert found.image.axes == "CYX"
    assert found.image.channels == ("phase", "brightfield-0", "brightfield-1")
    bright, phase = (
        simulate_field(3, 1, shape=(48, 56), diameter=8.0, planes=planes, modality=modality)
        for planes, modality in ((2, "brightfield"), (1, "phase"))
    )
    np.testing.assert_array_equal(found.image.data[1:], bright.image.data)
    np.testing.assert_array_equal(found.image.data[0], phase.image.data)
    np.testing.assert_array_equal(found.instances.boxes, bright.instances.boxes)


def test_phase_contrast_goes_with_bright_field() -> None:
    with pytest.raises(ValueError, match="modality brightfield"):
        Simulate(**SMALL, modality="fluorescence", with_phase=True)
