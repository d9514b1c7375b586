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
from cellwright.types import Image, InputError, Sample


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
