"""The evaluate step: data sets, COCO files, prediction folders and label images."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from cellwright.formats.dataset import write_coco, write_dataset
from cellwright.formats.label_map import write_labels
from cellwright.geometry import from_label_map
from cellwright.steps.evaluate import evaluate
from cellwright.types import Image, InputError, Instances, Sample


def labels(seed: int, *, shift: int = 0) -> np.ndarray:
    frame = np.zeros((40, 50), np.int32)
    rng = np.random.default_rng(seed)
    for k in range(6):
        row, column = (k // 3) * 20 + 2, (k % 3) * 16 + 2
        height, width = rng.integers(6, 12, size=2)
        frame[row + shift : row + height + shift, column : column + width] = k + 1
    return frame


def sample(seed: int) -> Sample:
    image = Image(np.full((40, 50), 7, np.uint8), tags={"z": seed % 2})
    return Sample(f"field{seed}", image, from_label_map(labels(seed)))


@pytest.fixture
def truth(tmp_path: Path) -> Path:
    write_dataset([sample(seed) for seed in range(4)], tmp_path / "truth")
    return tmp_path / "truth"


@pytest.fixture
def label_folder(tmp_path: Path) -> Path:
    for seed in range(4):
        suffix = ".png" if seed == 0 else ".tif"
        write_labels(labels(seed, shift=1), tmp_path / "labels" / f"field{seed}_masks{suffix}")
    return tmp_path / "labels"


def test_every_kind_of_source_gives_the_same(truth: Path, label_folder: Path) -> None:
    out = truth.parent / "out"
    write_coco(
        [(f"field{seed}", from_label_map(labels(seed, shift=1))) for seed in range(4)],
        out / "predictions.json",
    )
    first = evaluate(truth, label_folder, quiet=True)
    assert first.images == 4
    assert first.truth == 24
    assert 0 < first.matching["0.50"]["tp"] <= 24
    for a, b in (
        (truth, out),
        (truth, out / "predictions.json"),
        (truth / "annotations.json", label_folder),
    ):
        found = evaluate(a, b, quiet=True)
        assert found.matching == first.matching
        assert found.coco == first.coco
    assert evaluate(truth, truth, quiet=True).matching["0.95"]["accuracy"] == 1


def test_scores_are_written_with_groups_and_versions(truth: Path, label_folder: Path) -> None:
    output = truth.parent / "deep" / "scores.json"
    scores = evaluate(truth, label_folder, output, by=["z"], quiet=True)
    written = json.loads(output.read_text())
    assert written == scores.to_json()
    assert [g["images"] for g in written["by"]["z"].values()] == [2, 2]
    assert "numpy" in written["versions"]


def test_missing_predictions_are_listed(truth: Path, label_folder: Path) -> None:
    (label_folder / "field2_masks.tif").unlink()
    with pytest.raises(InputError, match=r"no prediction for 1 of 4 images .*: field2"):
        evaluate(truth, label_folder, quiet=True)


def test_predictions_without_truth_are_said(
    truth: Path, label_folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    write_labels(labels(9), label_folder / "other_masks.tif")
    scores = evaluate(truth, label_folder, quiet=True)
    assert scores.images == 4
    assert scores.settings["without_truth"] == ["other"]
    assert "other" in caplog.text


def test_another_size_is_refused(truth: Path, label_folder: Path) -> None:
    write_labels(labels(1)[:30], label_folder / "field1_masks.tif")
    with pytest.raises(InputError, match="field1: the truth is 40 x 50"):
        evaluate(truth, label_folder, quiet=True)


def test_sources_that_are_none(truth: Path, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match="nor label images"):
        evaluate(truth, tmp_path / "empty", quiet=True)
    with pytest.raises(InputError, match="does not exist"):
        evaluate(tmp_path / "nowhere", truth, quiet=True)


def test_two_label_images_of_one_name(truth: Path, label_folder: Path) -> None:
    write_labels(labels(1), label_folder / "field1.png")
    with pytest.raises(InputError, match="both labels of 'field1'"):
        evaluate(truth, label_folder, quiet=True)


def test_unlabelled_images_have_no_truth(tmp_path: Path, label_folder: Path) -> None:
    samples = [sample(0), sample(1).with_instances(None)]
    write_dataset(samples, tmp_path / "half")
    scores = evaluate(tmp_path / "half", label_folder, quiet=True)
    assert scores.images == 1
    assert scores.settings["without_truth"] == ["field1", "field2", "field3"]


def test_missing_predictions_can_count_as_empty_or_be_left_out(
    truth: Path, label_folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (label_folder / "field2_masks.tif").unlink()
    empty = evaluate(truth, label_folder, missing="empty", quiet=True)
    assert (empty.images, empty.truth, empty.predicted) == (4, 24, 18)
    assert "field2" in caplog.text
    left = evaluate(truth, label_folder, missing="skip", quiet=True)
    assert (left.images, left.truth) == (3, 18)
    for scores in (empty, left):
        assert scores.settings["without_prediction"] == ["field2"]
    assert empty.matching["0.50"]["fn"] - left.matching["0.50"]["fn"] == 6


def test_sources_without_a_common_name_do_not_belong_together(truth: Path, tmp_path: Path) -> None:
    write_labels(labels(0), tmp_path / "other" / "well7.tif")
    for missing in ("error", "empty", "skip"):
        with pytest.raises(InputError, match="do not belong together"):
            evaluate(truth, tmp_path / "other", missing=missing, quiet=True)


def test_earlier_scores_are_replaced_and_that_is_said(
    truth: Path, label_folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    output = truth.parent / "scores.json"
    first = evaluate(truth, label_folder, output, resamples=0, quiet=True)
    assert "replaced" not in caplog.text
    write_labels(np.zeros((40, 50), np.uint16), label_folder / "field1_masks.tif")
    second = evaluate(truth, label_folder, output, resamples=0, quiet=True)
    assert f"the scores of {first.settings['made']} are replaced" in caplog.text
    assert json.loads(output.read_text())["predicted"] == second.predicted == 18
    sources = [s.settings["sources"] for s in (first, second)]
    assert sources[0]["truth"] == sources[1]["truth"]
    assert sources[0]["pred"]["sha256"] != sources[1]["pred"]["sha256"]


def test_presets_and_settings_of_average_precision(truth: Path, label_folder: Path) -> None:
    live = evaluate(truth, label_folder, preset="livecell", quiet=True)
    assert live.settings["areas"]["s"] == [0, 324]
    assert live.settings["max_detections"] == 2000
    own = evaluate(
        truth, label_folder, max_detections=2, areas={"any": (0, 1e10)}, resamples=0, quiet=True
    )
    assert own.coco["segm"]["APany"] == own.coco["segm"]["AP"]
    assert own.coco["segm"]["AR"] < live.coco["segm"]["AR"]
    with pytest.raises(InputError, match="known are coco, livecell"):
        evaluate(truth, label_folder, preset="voc", quiet=True)


def test_semantic_masks_are_scored_by_their_regions(truth: Path, tmp_path: Path) -> None:
    for seed in range(4):
        write_labels((labels(seed) > 0).astype(np.uint8), tmp_path / "sem" / f"field{seed}.png")
    merged = evaluate(truth, tmp_path / "sem", quiet=True)
    assert merged.predicted == 4
    assert evaluate(truth, tmp_path / "sem", semantic=True, quiet=True).matching[
        "0.95"
    ]["accuracy"] == 1  # fmt: skip
    assert merged.pixel["f1"] == 1


def test_errors_are_analysed_when_asked(truth: Path, label_folder: Path) -> None:
    scores = evaluate(truth, label_folder, errors=True, resamples=0, quiet=True)
    assert scores.analysis[0]["name"] == "as predicted"
    assert {c["image"] for c in scores.worst_cells} <= {f"field{k}" for k in range(4)}


def test_only_some_classes_count(tmp_path: Path) -> None:
    facts = {"class_names": ("cell", "nucleus")}
    boxes, masks = [[0, 0, 4, 8], [1, 1, 3, 3]], [np.ones((4, 8)), np.ones((2, 2))]
    both = Instances((9, 9), boxes, masks, classes=[0, 1], **facts)
    write_coco([("a", both)], tmp_path / "truth.json", class_names=("cell", "nucleus"))
    write_coco([("a", Instances((9, 9), boxes[:1], masks[:1]))], tmp_path / "pred.json")
    sources = tmp_path / "truth.json", tmp_path / "pred.json"
    assert evaluate(*sources, quiet=True).coco["segm"]["AP"] == pytest.approx(0.5)
    found = evaluate(*sources, classes=("cell",), quiet=True)
    assert (found.coco["segm"]["AP50"], found.truth, found.predicted) == (pytest.approx(1), 1, 1)
    assert found.settings["classes"] == ["cell"]
    with pytest.raises(InputError, match="no class 'nuclei'; it has cell, nucleus"):
        evaluate(*sources, classes=("nuclei",), quiet=True)
