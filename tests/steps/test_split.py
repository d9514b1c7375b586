"""Division of a data set that is there."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from cellwright.cli.app import app
from cellwright.formats import open_dataset, write_dataset
from cellwright.geometry import from_label_map
from cellwright.steps.split import split_dataset
from cellwright.types import Image, InputError, Sample


@pytest.fixture
def dataset(tmp_path: Path) -> Path:
    """Four positions with two planes each, as `import --planes each` leaves them."""
    labels = np.zeros((8, 9), np.uint16)
    labels[2:5, 2:5] = 3
    samples = [
        Sample(
            f"p{p}_z{z}",
            Image(np.full((8, 9), z, np.uint8), tags={"position": p, "z": z, "field": f"p{p}"}),
            from_label_map(labels, class_names=("cell",)),
        )
        for p in (1, 14, 20, 10)
        for z in (1, 2)
    ]
    write_dataset(samples, tmp_path / "data")
    return tmp_path / "data"


def sides(dataset: Path) -> list[object]:
    """The part of each image."""
    data = open_dataset(dataset)
    return [data.tags(i).get("split") for i in range(len(data))]


def test_by_tag_and_again(dataset: Path) -> None:
    before = open_dataset(dataset)
    result = split_dataset(dataset, split=["val:position=14", "test:position=10"])
    assert result.details["parts"] == {"test": 2, "train": 4, "val": 2}
    assert sides(dataset) == ["train"] * 2 + ["val"] * 2 + ["train"] * 2 + ["test"] * 2
    after = open_dataset(dataset)
    assert after.names == before.names
    assert [after.instances(i).areas.tolist() for i in range(8)] == [[9]] * 8
    assert {k: v for k, v in after.tags(3).items() if k != "split"} == before.tags(3)
    split_dataset(dataset, split=["train:position=1,20", "val:position=14"])
    assert sides(dataset)[-2:] == [None, None]


def test_by_share_keeps_fields_together(dataset: Path) -> None:
    split_dataset(dataset, split=["val:25%"], seed=1)
    found = sides(dataset)
    assert found.count("val") == 2
    assert all(found[i] == found[i + 1] for i in range(0, 8, 2))


def test_what_would_divide_a_field_is_refused(dataset: Path) -> None:
    with pytest.raises(InputError, match="'p1_z1' would be in val and 'p1_z2' in train"):
        split_dataset(dataset, split=["val:z=1"])
    with pytest.raises(InputError, match="no image of"):
        split_dataset(dataset, split=["val:well=1"])
    with pytest.raises(InputError, match="no such tag"):
        split_dataset(dataset, split=["val:0.5"], group=["well"])
    assert sides(dataset) == [None] * 8


def test_the_command(dataset: Path) -> None:
    done = CliRunner().invoke(app, ["split", str(dataset), "--split", "val:position=14"])
    assert done.exit_code == 0
    assert "6 images train, 2 images val" in done.output
    bad = CliRunner().invoke(app, ["split", str(dataset), "--split", "val:z=1"])
    assert bad.exit_code == 1
