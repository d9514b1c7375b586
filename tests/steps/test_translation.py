"""Learning a translation and using it, as a user calls them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import cellwright
from cellwright.formats import write_dataset, write_image
from cellwright.steps.learn_translation import check_levels
from cellwright.steps.translate import seed_of
from cellwright.steps.translation_data import gather_pairs, scaled
from cellwright.types import Image, InputError, Instances, Sample

CHANNELS = ("phase", "bright-0", "bright-1")
SMALL: dict[str, Any] = {
    "widths": (4, 8, 8), "crop": 32, "batch_size": 16, "epochs": 1, "device": "cpu", "quiet": True,
}  # fmt: skip


def pair(number: int, **tags: str) -> Sample:
    """A bright disc of one size in each channel, with its mask and a nucleus inside."""
    rng = np.random.default_rng(number)
    row, column = rng.integers(12, 36, 2)
    rows, columns = np.ogrid[:48, :56]
    disc = (rows - row) ** 2 + (columns - column) ** 2 < 64
    data = np.stack([1000 + 500 * disc, 3000 - 900 * disc, 2000 + 700 * disc]).astype(np.uint16)
    data += rng.integers(0, 40, data.shape, dtype=np.uint16)
    box = [row - 8, column - 8, row + 9, column + 9]
    mask = disc[box[0] : box[2], box[1] : box[3]]
    cells = Instances(
        (48, 56), [box, box], (mask, mask & (np.arange(17) < 8)), classes=[0, 1],
        class_names=("cell", "nucleus"),
    )  # fmt: skip
    image = Image(data, "CYX", (0.5, 0.5), CHANNELS, {"field": number, "modality": "phase", **tags})
    return Sample(f"f{number}", image, cells)


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("pairs") / "data"
    write_dataset((pair(n) for n in range(5)), path)
    return path


@pytest.fixture(scope="module")
def model(data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("pairs") / "model"
    found = cellwright.learn_translation(
        data, path, source=("phase",), target=("bright-0", "bright-1"), **SMALL
    )
    assert found.done == 1
    return path


def test_the_folder_says_what_it_is(model: Path) -> None:
    assert {p.name for p in model.iterdir()} == {
        "translator.safetensors", "translator.json", "curves.csv", "curves.png", "examples.png",
        "training",
    }  # fmt: skip
    assert [p.name for p in (model / "training").iterdir()] == ["settings.json"]
    card = json.loads((model / "translator.json").read_text())
    assert (card["source"], card["target"]) == (["phase"], ["bright-0", "bright-1"])
    assert card["scores"]["features"] == "cells"
    assert card["scores"]["fid"] > 0
    assert (card["dtype"], card["axes"], card["pixel_size"]) == ("uint16", "CYX", [0.5, 0.5])
    low, high = card["source_range"][0]
    assert 999 < low < 1010
    assert 1500 < high < 1545
    assert len(card["provenance"]["held_out"]) == 1
    assert "held_out_fid" in (model / "curves.csv").read_text().splitlines()[0]


def test_a_data_set_keeps_its_cells(data: Path, model: Path, tmp_path: Path) -> None:
    done = cellwright.translate(data, model, tmp_path / "out", device="cpu", quiet=True)
    assert (done.done, done.skipped, done.failed) == (5, 0, ())
    before, after = cellwright.open_dataset(data), cellwright.open_dataset(tmp_path / "out")
    assert after.names == before.names
    for one, other in zip(before, after, strict=True):
        assert other.image.channels == ("bright-0", "bright-1")
        assert (other.image.data.shape, other.image.data.dtype) == ((2, 48, 56), np.uint16)
        assert other.image.pixel_size == (0.5, 0.5)
        assert other.image.tags["translator"] == "model"
        assert "modality" not in other.image.tags
        assert np.array_equal(one.instances.boxes, other.instances.boxes)
        assert all(map(np.array_equal, one.instances.masks, other.instances.masks))
        assert other.instances.class_names == ("cell", "nucleus")


def test_it_goes_on_and_gives_the_same_bytes(data: Path, model: Path, tmp_path: Path) -> None:
    for name in ("a", "b"):
        cellwright.translate(data, model, tmp_path / name, seed=3, device="cpu", quiet=True)
    again = cellwright.translate(data, model, tmp_path / "a", seed=3, device="cpu", quiet=True)
    assert (again.done, again.skipped) == (0, 5)
    files = [sorted((tmp_path / n / "images").iterdir()) for n in ("a", "b")]
    assert [f.read_bytes() for f in files[0]] == [f.read_bytes() for f in files[1]]
    with pytest.raises(InputError, match="another seed"):
        cellwright.translate(data, model, tmp_path / "a", seed=4, device="cpu", quiet=True)


def test_plain_images_and_those_that_fail(model: Path, tmp_path: Path) -> None:
    folder = tmp_path / "images"
    folder.mkdir()
    write_image(Image(pair(9).image.data[0]), folder / "good.tif")
    write_image(Image(pair(9).image.data[:2], "CYX"), folder / "two.tif")
    (folder / "broken.tif").write_bytes(b"no")
    done = cellwright.translate(folder, model, tmp_path / "out", device="cpu", quiet=True)
    assert (done.done, len(done.failed)) == (1, 2)
    assert "takes 1: phase" in next(f.message for f in done.failed if "two" in f.path)
    out = cellwright.open_dataset(tmp_path / "out")
    assert (out.names, out.labelled(0)) == (("good",), False)
    assert (tmp_path / "out" / "failures.json").is_file()


def test_masks_are_a_source(data: Path, tmp_path: Path) -> None:
    cellwright.learn_translation(
        data, tmp_path / "m", source=("masks",), target=("bright-0",), how="autoencoder", **SMALL
    )
    cellwright.translate(data, tmp_path / "m", tmp_path / "out", device="cpu", quiet=True)
    made = cellwright.open_dataset(tmp_path / "out")[0]
    assert (made.image.axes, made.image.channels) == ("YX", ("bright-0",))
    assert len(made.instances) == 2
    write_image(pair(0).image, tmp_path / "plain.tif")
    with pytest.raises(InputError, match="shown labels"):
        cellwright.translate(tmp_path / "plain.tif", tmp_path / "m", tmp_path / "o2")


def test_killed_while_learning(data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from cellwright.train.translation.learners import Adversarial

    plan = {"source": ("0",), "target": ("1",), **SMALL, "epochs": 2}
    cellwright.learn_translation(data, tmp_path / "whole", **plan)
    learn, calls = Adversarial.learn, []

    def killed(self: Adversarial, *arguments: Any) -> dict[str, float]:
        calls.append(1)
        if len(calls) == 6:
            raise KeyboardInterrupt
        return learn(self, *arguments)

    monkeypatch.setattr(Adversarial, "learn", killed)
    with pytest.raises(KeyboardInterrupt):
        cellwright.learn_translation(data, tmp_path / "cut", **plan)
    monkeypatch.undo()
    with pytest.raises(InputError, match="--resume"):
        cellwright.learn_translation(data, tmp_path / "cut", **plan)
    with pytest.raises(InputError, match="another seed"):
        cellwright.learn_translation(data, tmp_path / "cut", resume=True, **{**plan, "seed": 1})
    cellwright.learn_translation(data, tmp_path / "cut", resume=True, **plan)
    one, other = (tmp_path / n / "translator.safetensors" for n in ("whole", "cut"))
    assert one.read_bytes() == other.read_bytes()
    again = cellwright.learn_translation(data, tmp_path / "cut", resume=True, **plan)
    assert (again.done, again.skipped) == (0, 1)
    with pytest.raises(InputError, match="holds a translator"):
        cellwright.learn_translation(data, tmp_path / "cut", **plan)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"source": ("DAPI",)}, r"f\d: there is no channel 'DAPI'; the image has phase"),
        ({"target": ("phase",)}, "phase came as source and target"),
        ({"target": ("masks",)}, "masks can be the source"),
        ({"source": ()}, "source and target are wanted"),
        ({"how": "cyclegan"}, "no way 'cyclegan'; known are pix2pix, autoencoder"),
        ({"crop": 36}, "at most 2 --widths"),
        ({"epochs": 1, "minutes": 1.0}, "one budget"),
        ({"epochs": None, "minutes": 0.0}, "more than none"),
        ({"features": "vgg"}, "no features 'vgg'"),
        ({"where": {"field": "99"}}, "no image has field"),
        ({"crop": 64}, "FID needs two"),
    ],
)
def test_what_cannot_be_learnt(
    data: Path, tmp_path: Path, changes: dict[str, Any], message: str
) -> None:
    plan = {"source": ("phase",), "target": ("bright-0",), **SMALL, **changes}
    with pytest.raises(InputError, match=message):
        cellwright.learn_translation(data, tmp_path / "m", **plan)
    assert not (tmp_path / "m").exists()


def test_levels_fit_crops() -> None:
    assert check_levels("pix2pix", None, 512) == 9
    assert check_levels("pix2pix", (8,) * 7, 128) == 7
    assert check_levels("autoencoder", None, 64) == 5
    with pytest.raises(InputError, match=r"9 levels .* multiples of 512 .*256 came.*most 8 --w"):
        check_levels("pix2pix", None, 256)
    with pytest.raises(InputError, match="33 came"):
        check_levels("pix2pix", (4, 4), 33)
    with pytest.raises(InputError, match="two or more"):
        check_levels("autoencoder", (4,), 64)


def test_splits_are_kept_apart(tmp_path: Path) -> None:
    samples = [pair(n, split=s) for n, s in enumerate(("train", "val", "test", "train"))]
    write_dataset(samples, tmp_path / "d")
    found = gather_pairs(
        tmp_path / "d", source=("phase",), target=("1", "2"), val=None, fraction=0.5, where={}
    )
    assert (found.train.names, found.held_out.names) == (("f0", "f3"), ("f1",))
    source, target = found.pairs()[0]
    assert (source.shape, target.shape) == ((1, 48, 56), (2, 48, 56))
    assert (target.min(), target.max()) == (-1, 1)
    with pytest.raises(InputError, match="1 and of 2 planes"):
        scaled(np.zeros((1, 2, 2)), ((0.0, 1.0),) * 2)


def test_seeds_of_images_differ() -> None:
    assert seed_of(0, "a") == seed_of(0, "a")
    assert len({seed_of(0, "a"), seed_of(0, "b"), seed_of(1, "a")}) == 3


def test_a_missing_model_and_a_bad_tile(data: Path, model: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no translator"):
        cellwright.translate(data, tmp_path, tmp_path / "out")
    with pytest.raises(InputError, match="multiples of 8"):
        cellwright.translate(data, model, tmp_path / "out", tile=20)
    with pytest.raises(InputError, match="came twice"):
        cellwright.translate([data, data], model, tmp_path / "out")
    assert not (tmp_path / "out").exists()
