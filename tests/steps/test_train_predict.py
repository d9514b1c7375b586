"""From a data set to a model to measured cells, and what is refused on the way."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest

from cellwright import Image, InputError, open_dataset, predict, train
from cellwright.formats import read_coco, read_image, write_dataset, write_image
from cellwright.synth import simulate_field
from cellwright.types import Sample

QUICK = {"epochs": 2, "widths": (4, 8), "crop": (48, 48), "quiet": True, "device": "cpu"}


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("data") / "fields"
    samples = [simulate_field(seed=4, field=i, shape=(64, 80), cells=5) for i in range(4)]
    write_dataset(samples, folder)
    return folder


@pytest.fixture(scope="module")
def model(data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("model") / "m"
    result = train(data, folder, **QUICK)
    assert result.done == 1
    return folder


def test_the_model_folder_is_whole(model: Path) -> None:
    card = json.loads((model / "model.json").read_text())
    assert card["method"] == "unet-distance"
    assert card["provenance"]["images"] == 3
    assert len(card["provenance"]["fold"]) == 1
    assert card["pixel_size"] == [0.5, 0.5]
    assert set(card["thresholds"]) == {"foreground", "prominence", "least_peak", "min_area"}
    rows = list(csv.DictReader((model / "curves.csv").open()))
    assert [int(r["epoch"]) for r in rows] == [0, 1]
    assert float(rows[1]["val_loss"]) > 0
    assert read_image(model / "curves.png").shape[0] > 100
    assert not list(model.rglob("*.ckpt"))


def test_the_normalisation_stays_with_the_model(data: Path, tmp_path: Path) -> None:
    train(data, tmp_path / "m", **{**QUICK, "epochs": 1}, normalise="z-score")
    card = json.loads((tmp_path / "m" / "model.json").read_text())
    assert card["normalisation"]["kind"] == "z-score"
    train(data, tmp_path / "n", **{**QUICK, "epochs": 1}, init=tmp_path / "m")
    card = json.loads((tmp_path / "n" / "model.json").read_text())
    assert card["normalisation"]["kind"] == "z-score"
    assert predict(data, tmp_path / "m", tmp_path / "out", quiet=True).done == 4
    with pytest.raises(InputError, match="one of percentile, min-max, z-score"):
        train(data, tmp_path / "o", **QUICK, normalise="log")


def test_resuming_gives_the_weights_of_an_unbroken_training(data: Path, tmp_path: Path) -> None:
    from safetensors.torch import load_file

    from cellwright.train import fit as fitting

    whole = tmp_path / "whole"
    train(data, whole, **QUICK)
    broken = tmp_path / "broken"
    real = fitting.Curves.on_train_epoch_end

    def stop(self, trainer, module) -> None:
        real(self, trainer, module)
        if trainer.current_epoch == 1:
            raise KeyboardInterrupt

    fitting.Curves.on_train_epoch_end = stop
    try:
        with pytest.raises((KeyboardInterrupt, SystemExit)):
            train(data, broken, **QUICK)
    finally:
        fitting.Curves.on_train_epoch_end = real
    assert not (broken / "model.json").exists()
    train(data, broken, resume=True, **QUICK)
    one, other = load_file(whole / "model.safetensors"), load_file(broken / "model.safetensors")
    assert all(np.array_equal(one[k], other[k]) for k in one)
    assert (whole / "curves.csv").read_text().count("\n") == 3
    assert (broken / "curves.csv").read_text().count("\n") == 3


def test_a_finished_model_is_not_trained_over(data: Path, model: Path) -> None:
    with pytest.raises(InputError, match="--resume"):
        train(data, model, **QUICK)
    assert train(data, model, resume=True, **QUICK).skipped == 1
    with pytest.raises(InputError, match="another epochs .2, now 3"):
        train(data, model, resume=True, **{**QUICK, "epochs": 3})


def test_init_lists_what_does_not_fit(data: Path, model: Path, tmp_path: Path) -> None:
    quick = {**QUICK, "epochs": 1, "method": "unet-bce"}
    result = train(data, tmp_path / "m", init=model, **quick)
    listed = result.details["not_taken_from_init"]
    assert "head.weight" in listed
    assert "down.0.layers.0.weight" not in listed


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"epochs": 1, "minutes": 1}, "one budget"),
        ({"method": "u-net"}, "no method 'u-net'"),
        ({"where": [("field", "nowhere")]}, "no image has"),
        ({"device": "gpu"}, "no device 'gpu'"),
    ],
)
def test_wrong_settings(data: Path, tmp_path: Path, options: dict, message: str) -> None:
    with pytest.raises(InputError, match=message):
        train(data, tmp_path / "m", **{**QUICK, **options})


def test_images_of_different_planes_are_refused(tmp_path: Path) -> None:
    samples = [
        simulate_field(seed=1, field=i, shape=(48, 48), cells=2, planes=1 + i) for i in range(3)
    ]
    write_dataset(samples, tmp_path / "data")
    with pytest.raises(InputError, match="differ in their planes"):
        train(tmp_path / "data", tmp_path / "m", **QUICK)


def test_test_images_never_reach_training(tmp_path: Path) -> None:
    samples = []
    for i, split in enumerate(["train", "val", "test", "train"]):
        field = simulate_field(seed=1, field=i, shape=(48, 48), cells=2)
        image = Image(field.image.data, tags={"split": split})
        samples.append(Sample(field.name, image, field.instances))
    write_dataset(samples, tmp_path / "data")
    train(tmp_path / "data", tmp_path / "m", **{**QUICK, "epochs": 1})
    record = json.loads((tmp_path / "m" / "model.json").read_text())["provenance"]
    assert record["images"] == 2
    assert record["fold"] == [samples[1].name]


def test_prediction_writes_what_was_asked_for_and_skips_what_is_done(
    data: Path, model: Path, tmp_path: Path
) -> None:
    formats = ("coco", "labels", "overlay", "measurements", "geojson", "rois", "zarr")
    first = predict(data, model, tmp_path / "out", formats=formats, quiet=True)
    assert (first.done, first.skipped) == (4, 0)
    names = open_dataset(data).names
    found = read_coco(tmp_path / "out")
    assert sorted(found.names) == sorted(names)
    for name in names:
        for suffix in ("_masks.tif", "_overlay.png", "_measurements.csv", ".geojson"):
            assert (tmp_path / "out" / f"{name}{suffix}").is_file()
    run = json.loads((tmp_path / "out" / "run.json").read_text())
    assert len(run["images"]) == 4
    assert run["images"][0]["seconds"] > 0
    table = list(csv.DictReader((tmp_path / "out" / "measurements.csv").open()))
    assert len(table) == sum(len(found.instances(i)) for i in range(4))
    again = predict(data, model, tmp_path / "out", formats=formats, quiet=True)
    assert (again.done, again.skipped) == (0, 4)
    with pytest.raises(InputError, match="another formats"):
        predict(data, model, tmp_path / "out", formats=("coco",), quiet=True)


def test_one_bad_file_is_reported_and_the_rest_is_done(model: Path, tmp_path: Path) -> None:
    field = simulate_field(seed=9, shape=(48, 48), cells=2)
    source = tmp_path / "images"
    write_image(field.image, source / "good.tif")
    (source / "bad.tif").write_bytes((source / "good.tif").read_bytes()[:100])
    write_image(Image(np.zeros((2, 48, 48), np.uint8), "CYX"), source / "two.tif")
    result = predict([source], model, tmp_path / "out", quiet=True)
    assert result.done == 1
    assert sorted(Path(f.path).name for f in result.failed) == ["bad.tif", "two.tif"]
    listed = json.loads((tmp_path / "out" / "failures.json").read_text())["failed"]
    assert any("takes 1" in f["message"] for f in listed)


def test_two_images_of_one_name_are_refused(model: Path, tmp_path: Path) -> None:
    field = simulate_field(seed=9, shape=(48, 48), cells=1)
    for part in ("a", "b"):
        write_image(field.image, tmp_path / part / "same.tif")
    with pytest.raises(InputError, match="one name"):
        predict([tmp_path / "a", tmp_path / "b"], model, tmp_path / "out", quiet=True)


def test_another_magnification_is_said(model: Path, tmp_path: Path, caplog) -> None:
    field = simulate_field(seed=9, shape=(48, 48), cells=1)
    for name, size in (("same", (0.6, 0.6)), ("other", (2.0, 2.0))):
        write_image(Image(field.image.data, pixel_size=size), tmp_path / "in" / f"{name}.tif")
    predict([tmp_path / "in"], model, tmp_path / "out", quiet=True)
    told = [r.getMessage() for r in caplog.records if "trained at" in r.getMessage()]
    assert len(told) == 1
    assert "other.tif" in told[0]


def test_tiled_equals_untiled(model: Path) -> None:
    from cellwright.predict import Predictor, Tiling
    from cellwright.zoo.checkpoint import load_model

    frame = simulate_field(seed=11, shape=(200, 231), cells=30).image
    method, card = load_model(model)
    whole = Predictor(method, card, Tiling((256, 256))).probabilities(frame)
    for tile in ((60, 60), (37, 101)):
        tiled = Predictor(method, card, Tiling(tile, (16, 16))).probabilities(frame)
        np.testing.assert_allclose(tiled, whole, atol=2e-3)
    cut = Predictor(method, card, Tiling((60, 60), (0, 0))).probabilities(frame)
    assert np.abs(cut - whole).max() > 2e-3
    mean = Predictor(method, card, Tiling((60, 60), (16, 16), True)).probabilities(frame)
    assert np.abs(mean - whole).mean() < 0.05


def test_blocks_give_the_cells_of_the_whole(model: Path) -> None:
    from cellwright.evaluate.match import match
    from cellwright.predict import Predictor, Tiling
    from cellwright.zoo.checkpoint import load_model

    frame = simulate_field(seed=12, shape=(300, 280), cells=30).image
    method, card = load_model(model)
    whole = Predictor(method, card, Tiling()).segment(frame)
    blocks = Predictor(method, card, Tiling(block=110, block_halo=48)).segment(frame)
    counts = match(whole, blocks, [0.9])[0]
    assert counts.fp + counts.fn <= 0.02 * max(len(whole), 1)


def test_frames_read_piece_by_piece_give_the_same_cells(
    model: Path, tmp_path: Path, monkeypatch
) -> None:
    from importlib import import_module

    frame = simulate_field(seed=13, shape=(150, 170), cells=12).image
    write_image(frame, tmp_path / "in" / "frame.tif")
    found = []
    for limit in (2**28, 0):
        monkeypatch.setattr(import_module("cellwright.steps.predict"), "LAZY_BYTES", limit)
        out = tmp_path / f"out{limit}"
        predict([tmp_path / "in"], model, out, tile_shape=(64, 64), halo=(16, 16), quiet=True)
        found.append(read_image(out / "frame_masks.tif").data)
    np.testing.assert_array_equal(*found)
