"""Images that a model learnt from are not scored, unless that is asked for."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from cellwright.formats.dataset import DatasetWriter, open_dataset
from cellwright.formats.lazy import LazyView
from cellwright.steps.compare import compare
from cellwright.steps.evaluate import evaluate
from cellwright.steps.extend import extend
from cellwright.steps.extending.origins import BAND, fingerprint, pixel_print
from cellwright.steps.learnt import learnt_images
from cellwright.steps.predict import predict
from cellwright.steps.simulate import simulate
from cellwright.steps.train import train
from cellwright.types import Image, InputError, Sample
from cellwright.zoo.checkpoint import read_card

QUICK = {"epochs": 1, "widths": (4, 8), "crop": (48, 48), "crops_per_epoch": 2, "device": "cpu"}
QUIET = {"quiet": True}


def fields(folder: Path, seed: int, count: int = 3) -> Path:
    simulate(folder, fields=count, shape=(64, 64), diameter=6.0, cells=8, seed=seed, **QUIET)
    return folder


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data set, more of it, images of others, and a model that learnt from what was pasted."""
    folder = tmp_path_factory.mktemp("learnt")
    data, other = fields(folder / "data", 1), fields(folder / "other", 2)
    extend(data, folder / "more", n=2, mixed=3, **QUIET)
    train(folder / "more", folder / "pasted", val=other, **QUICK, **QUIET)
    train(data, folder / "plain", val=other, **QUICK, **QUIET)
    for model in ("pasted", "plain"):
        for images in ("data", "other"):
            predict(folder / images, folder / model, folder / f"{model}-{images}", **QUIET)
    return folder


def prints(dataset):
    pairs = ((n, dataset[i]) for i, n in enumerate(dataset.names))
    return {fingerprint(s.image, s.instances): n for n, s in pairs}


def test_the_card_names_images_and_sources_of_pasted_cells(place: Path) -> None:
    data = prints(open_dataset(place / "data"))
    assert len(data) == 3
    assert read_card(place / "plain")[0].learnt == data
    assert read_card(place / "pasted")[0].learnt == data  # and none of the two made of them
    assert json.loads((place / "pasted-data" / "run.json").read_text())["learnt"] == data


@pytest.mark.parametrize("model", ["plain", "pasted"])
def test_they_are_refused_and_other_images_are_not(place: Path, model: str, caplog) -> None:
    with pytest.raises(InputError, match=r"learnt from 3 of the 3 images.*field_0000.*--on-train"):
        evaluate(place / "data", place / f"{model}-data", **QUIET)
    scores = evaluate(place / "other", place / f"{model}-other", resamples=0, **QUIET)
    assert scores.settings["training_images"] == []
    assert "learnt from" not in caplog.text
    found = evaluate(
        place / "data", place / f"{model}-data", on_training_images=True, resamples=0, **QUIET
    )
    assert found.settings["training_images"] == ["field_0000", "field_0001", "field_0002"]
    assert "learnt from 3 of the 3 images" in caplog.text


def changed(place: Path, folder: Path, change) -> tuple[Path, Path]:
    """The data set with changed samples, and what the model finds there."""
    data = open_dataset(place / "data")
    with DatasetWriter(folder / "new", class_names=data.class_names) as writer:
        for sample in data:
            writer.add(change(sample))
    predict(folder / "new", place / "pasted", folder / "out", **QUIET)
    return folder / "new", folder / "out"


@pytest.mark.parametrize(
    "change",
    [
        lambda s: replace(s, name=f"x{s.name}"),
        lambda s: Sample(s.name, replace(s.image, data=s.image.data // 2), s.instances),
        lambda s: Sample(s.name, s.image, s.instances[:-1]),
    ],
    ids=["name", "pixels", "outlines"],
)
def test_neither_names_nor_pixels_nor_outlines_hide_them(place, tmp_path, change) -> None:
    with pytest.raises(InputError, match="learnt from"):
        evaluate(*changed(place, tmp_path, change), **QUIET)


def test_both_changed_is_another_image(place, tmp_path) -> None:
    new = changed(
        place,
        tmp_path,
        lambda s: Sample(s.name, replace(s.image, data=s.image.data // 2), s.instances[:-1]),
    )
    scores = evaluate(*new, resamples=0, **QUIET)
    assert scores.settings["training_images"] == []


def test_extended_images_are_known_by_their_sources(place, tmp_path) -> None:
    extend(place / "data", tmp_path / "again", n=1, seed=7, **QUIET)
    predict(tmp_path / "again", place / "plain", tmp_path / "out", **QUIET)
    with pytest.raises(InputError, match=r"1 of the 1 images.*grey_00000 \(there field_000"):
        evaluate(tmp_path / "again", tmp_path / "out", **QUIET)


def test_simulated_extensions_stand_for_themselves(place, tmp_path) -> None:
    extend(place / "data", tmp_path / "sim", how="simulate", n=1, modality="phase", **QUIET)
    made = open_dataset(tmp_path / "sim")
    assert learnt_images(made) == prints(made)


def test_fine_tuning_keeps_what_the_first_model_learnt(place, tmp_path) -> None:
    new, fold = fields(tmp_path / "new", 3, 2), place / "other"
    train(new, tmp_path / "m", val=fold, init=place / "plain", **QUICK, **QUIET)
    both = prints(open_dataset(place / "data")) | prints(open_dataset(new))
    assert read_card(tmp_path / "m")[0].learnt == both


def test_a_view_of_some_classes_has_the_fingerprints_of_all(tmp_path) -> None:
    simulate(tmp_path / "d", fields=1, shape=(64, 64), diameter=6.0, cells=5, nuclei=True, **QUIET)
    data = open_dataset(tmp_path / "d")
    assert learnt_images(data.of_classes(["nucleus"])) == learnt_images(data) == prints(data)


def test_a_comparison_refuses_what_it_scores_itself(place: Path) -> None:
    runs = [place / "plain-data", place / "pasted-data"]
    with pytest.raises(InputError, match="plain-data.*learnt from"):
        compare(runs, truth=place / "data", **QUIET)
    compare(runs, truth=place / "data", on_training_images=True, resamples=0, swaps=9, **QUIET)


def test_predictions_that_know_nothing_of_a_model_are_scored(place, tmp_path) -> None:
    shutil.copy(place / "plain-data" / "predictions.json", tmp_path)
    evaluate(place / "data", tmp_path / "predictions.json", resamples=0, **QUIET)
    (tmp_path / "run.json").write_text("[1, 2")
    with pytest.raises(InputError, match="not readable"):
        evaluate(place / "data", tmp_path, **QUIET)


@pytest.mark.parametrize("kind", ["uint8", ">u2", "bool", "float32"])
def test_lazy_images_have_the_print_of_whole_ones(kind: str) -> None:
    rng = np.random.default_rng(0)
    stored = (rng.random((2 * BAND + 3, 5, 2)) * 99).astype(kind)
    whole = np.ascontiguousarray(stored.transpose(2, 0, 1))
    lazy = LazyView(stored, (2, 0, 1))
    assert pixel_print(Image(lazy, "CYX")) == pixel_print(Image(whole, "CYX"))
