"""Data sets side by side: an extension by one limit lies apart, a copy does not."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from cellwright import compare_data
from cellwright.formats import write_dataset
from cellwright.synth import simulate_field
from cellwright.types import Image, InputError, Sample


def data(folder: Path, cells: int, seed: int, *, line: str = "A", fields: int = 3) -> Path:
    def made():
        for n in range(fields):
            s = simulate_field(seed, n, shape=(64, 96), cells=cells, diameter=8.0)
            tags = {"cell_line": line if n else "B"}
            yield Sample(f"f{n}", Image(s.image.data, "YX", (0.5, 0.5), (), tags), s.instances)

    write_dataset(made(), folder)
    return folder


@pytest.fixture(scope="module")
def sets(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path, Path]:
    place = tmp_path_factory.mktemp("sets")
    return data(place / "few", 3, 1), data(place / "same", 3, 2), data(place / "many", 12, 3)


def test_a_denser_set_is_told(sets: tuple[Path, Path, Path], tmp_path: Path) -> None:
    result = compare_data(sets, tmp_path / "out", crop=32, quiet=True)
    record = json.loads((tmp_path / "out" / "data-comparison.json").read_text(encoding="utf-8"))
    few, same, many = record["sets"]
    assert (few["name"], many["cells"], few["cells"]) == ("few", 36, 9)
    assert same["distributions"]["densities"]["apart_from_first"] == 0
    assert many["distributions"]["densities"]["apart_from_first"] == 1
    assert many["types"]["A"]["denser_than_the_first"] == 1
    assert same["types"]["A"]["denser_than_the_first"] == 0
    assert 0 <= same["fid"] < many["fid"]
    assert result.details["fid"]["many"] == many["fid"]
    assert record["fid"] == {"features": "cells", "crop": 32, "crops": 18}
    assert [len(m["images"]) for m in record["maps"]] == [9, 9]
    assert record["by"] == "cell_line"
    page = (tmp_path / "out" / "data-comparison.html").read_text(encoding="utf-8")
    assert "By cell_line" in page
    assert "brought to 32 x 32 pixels" in page
    assert "18 crops of 32 x 32" in page


def test_the_first_component_of_features_parts_dense_from_sparse(
    sets: tuple[Path, Path, Path], tmp_path: Path
) -> None:
    compare_data([sets[0], sets[2]], tmp_path / "c.json", names=["x", "y"], crop=32, quiet=True)
    record = json.loads((tmp_path / "c.json").read_text(encoding="utf-8"))
    assert not (tmp_path / "c.html").exists()
    first = {n: [i["place"][0] for i in record["maps"][1]["images"] if i["set"] == n] for n in "xy"}
    assert max(first["x"]) < min(first["y"]) or max(first["y"]) < min(first["x"])
    assert abs(np.mean(first["x"] + first["y"])) < 1e-9


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"datasets": 1}, "name two or more"),
        ({"names": ["a"]}, "1 names came for 2"),
        ({"names": ["a", "a"]}, "repeat one"),
        ({"by": "nothing"}, "no image has the tag 'nothing'; tags there: cell_line"),
        ({"output": "page.txt"}, "NAME.html or a folder"),
        ({"crop": 128}, "has no crop of 128"),
        ({"features": "no"}, "no features 'no'"),
    ],
)
def test_what_cannot_be_compared_is_told(
    sets: tuple[Path, Path, Path], change: dict, said: str
) -> None:
    given = {"output": None, "quiet": True} | change
    number = given.pop("datasets", 2)
    with pytest.raises(InputError, match=said):
        compare_data(sets[:number], given.pop("output"), **given)


def test_images_of_other_planes_are_told(sets: tuple[Path, Path, Path], tmp_path: Path) -> None:
    planes = (Sample(f"f{n}", Image(np.ones((2, 64, 64), np.uint16), "ZYX"), None) for n in (0, 1))
    write_dataset(planes, tmp_path / "z")
    with pytest.raises(InputError, match="equal numbers of planes"):
        compare_data([sets[0], tmp_path / "z"], crop=32, quiet=True)
