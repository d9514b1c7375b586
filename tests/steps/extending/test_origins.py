"""Cells of held-out images never slip into training, whatever they are called."""

from __future__ import annotations

import shutil
from dataclasses import replace

import numpy as np
import pytest

from cellwright.formats.dataset import DatasetWriter, open_dataset
from cellwright.formats.retag import retag
from cellwright.steps.extend import extend
from cellwright.steps.extending.origins import fingerprint
from cellwright.steps.simulate import simulate
from cellwright.steps.training_data import gather
from cellwright.types import InputError, Sample


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    """A data set of six fields, split 3 to train, 2 val, 1 test, and an extension of the train."""
    folder = tmp_path_factory.mktemp("origins")
    simulate(folder / "data", fields=6, shape=(64, 64), diameter=6.0, cells=8, quiet=True)
    names = open_dataset(folder / "data").names
    splits = ("train", "train", "train", "val", "val", "test")
    tags = {n: {"split": s} for n, s in zip(names, splits, strict=True)}
    retag(folder / "data" / "annotations.json", tags)
    extend(folder / "data", folder / "more", n=3, where={"split": "train"}, mixed=3, quiet=True)
    return folder


def gathered(path, val=None, fraction=0.2):
    return gather(path, val=val, fraction=fraction, where={}, classes=None)


def copied(folder, name, change, splits=("train",)):
    """The images of these splits, written anew with changed samples."""
    part = open_dataset(folder / "data").where(split=splits)
    with DatasetWriter(folder / name, class_names=part.class_names) as writer:
        for sample in part:
            writer.add(change(sample))
    return folder / name


def test_the_part_to_train_on_and_other_images_for_the_fold(folders, tmp_path) -> None:
    simulate(tmp_path / "val", fields=2, shape=(64, 64), diameter=6.0, cells=8, seed=9, quiet=True)
    data = gathered(folders / "more", val=tmp_path / "val")
    assert len(data.train) == 3


def test_originals_bring_their_fold(folders, tmp_path) -> None:
    extend(folders / "data", tmp_path / "all", n=2, where=[("split", "train")], originals=True,
           quiet=True)  # fmt: skip
    data = gathered(tmp_path / "all")
    assert len(data.train) == 5
    assert {data.fold.tags(i)["split"] for i in range(len(data.fold))} == {"val"}


def test_sources_in_the_fold_are_refused(folders) -> None:
    with pytest.raises(InputError, match=r"cut out of 'field_000\d'.*the fold.*--originals"):
        gathered(folders / "more", val=folders / "data")


def test_a_fold_taken_from_the_extended_images_is_refused(folders) -> None:
    with pytest.raises(InputError, match="the fold"):
        gathered(folders / "more")
    assert len(gathered(folders / "more", fraction=0).train) == 3  # no fold at all


@pytest.mark.parametrize(
    "change",
    [
        lambda s: replace(s, name=f"x{s.name}"),
        lambda s: Sample(s.name + "y", replace(s.image, data=s.image.data // 2), s.instances),
        lambda s: Sample(s.name + "z", s.image, s.instances[:-1]),
    ],
    ids=["name", "pixels", "outlines"],
)
def test_neither_names_nor_pixels_nor_outlines_fool_it(folders, tmp_path, change) -> None:
    shutil.copytree(folders / "data", tmp_path / "data")
    with pytest.raises(InputError, match="the fold"):
        gathered(folders / "more", val=copied(tmp_path, "other", change))


def test_a_test_part_in_the_data_set_itself_is_refused(folders, tmp_path) -> None:
    shutil.copytree(folders / "more", tmp_path / "joined")
    source, other = open_dataset(folders / "data"), open_dataset(folders / "data")[4]
    with DatasetWriter(tmp_path / "joined", class_names=source.class_names) as writer:
        for sample, split in ((source[0], "test"), (other, "val")):
            image = replace(sample.image, tags={"split": split})
            writer.add(Sample(f"held_{split}", image, sample.instances))
    with pytest.raises(InputError, match="the test part too"):
        gathered(tmp_path / "joined")


def test_cells_pasted_twice_keep_their_first_origin(folders, tmp_path) -> None:
    extend(folders / "more", tmp_path / "again", n=1, how="phase", quiet=True)
    with pytest.raises(InputError, match=r"cut out of 'field_000\d'"):
        gathered(tmp_path / "again", val=folders / "data")


def test_every_cell_tells_its_source(folders) -> None:
    source, more = open_dataset(folders / "data"), open_dataset(folders / "more")
    marks = {n: fingerprint(source.image(i), source.instances(i)) for i, n in
             enumerate(source.names)}  # fmt: skip
    for i in range(len(more)):
        facts = more.record(i)["extended"]
        for tags in more.instances(i).tags:
            assert facts["sources"][tags["source"]] == tags["source_print"]
            assert marks[tags["source"]] == tags["source_print"]
            assert tags["source_set"] == "data"
            assert 0 <= tags["source_cell"] < 8
        assert more.tags(i)["split"] == "train"


def test_fingerprints_of_few_cells_are_of_pixels_only(folders) -> None:
    sample = open_dataset(folders / "data")[0]
    whole, few = (fingerprint(sample.image, c) for c in (sample.instances, sample.instances[:2]))
    assert few.endswith("-")
    assert whole.startswith(few)
    moved = replace(sample.image, data=np.roll(sample.image.data, 1))
    assert fingerprint(moved, sample.instances)[:16] != whole[:16]
