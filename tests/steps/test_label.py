"""The label step: images in, data set out."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from cellwright.formats import open_dataset, write_image
from cellwright.steps.label import label
from cellwright.steps.simulate import simulate
from cellwright.types import Image, InputError


@pytest.fixture(scope="module")
def images(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("fields")
    simulate(folder, fields=3, shape=(96, 96), overlap=0.0, quiet=True)
    return folder


def test_a_data_set_is_labelled_anew(images: Path, tmp_path: Path) -> None:
    result = label(images, tmp_path / "out", quiet=True)
    assert (result.done, result.skipped, result.ok) == (3, 0, True)
    made, given = open_dataset(tmp_path / "out"), open_dataset(images)
    assert made.names == given.names
    assert made.tags(0)["modality"] == "fluorescence"
    assert sum(len(s.instances) for s in made) == result.details["cells"] > 0
    assert all(((s.instances.scores >= 0) & (s.instances.scores <= 1)).all() for s in made)
    assert (made[1].image.data == given[1].image.data).all()


def test_what_is_done_is_not_done_again(images: Path, tmp_path: Path) -> None:
    files = sorted((images / "images").iterdir())
    first = label(files[:1], tmp_path / "out", quiet=True)
    again = label(images / "images", tmp_path / "out", quiet=True)
    assert (first.done, again.done, again.skipped) == (1, 2, 1)
    with pytest.raises(InputError, match="another output"):
        label(files, tmp_path / "out", options={"foreground": "dark"}, quiet=True)


def test_one_bad_image_is_reported_and_the_rest_is_done(tmp_path: Path) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    write_image(Image(np.eye(40, dtype=np.uint8)), folder / "a.tif")
    (folder / "b.tif").write_bytes((folder / "a.tif").read_bytes()[:60])
    result = label(folder, tmp_path / "out", quiet=True)
    assert (result.done, len(result.failed)) == (1, 1)
    assert result.failed[0].path.endswith("b.tif")
    listed = json.loads((tmp_path / "out" / "failures.json").read_text(encoding="utf-8"))
    assert listed["failed"][0]["path"].endswith("b.tif")
    assert len(open_dataset(tmp_path / "out")) == 1


def test_bad_calls(images: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no segmenter 'x'"):
        label(images, tmp_path / "out", segmenter="x")
    assert not (tmp_path / "out").exists()
    empty = tmp_path / "empty"
    empty.mkdir()
    with pytest.raises(InputError, match="no image"):
        label(empty, tmp_path / "out")
    with pytest.raises(InputError, match="one name"):
        label([images, images / "images"], tmp_path / "out")
    with pytest.raises(InputError, match="output folder"):
        label(images, images)
