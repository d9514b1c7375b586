"""The compare step and its command: what it takes, what it writes, what it refuses."""

from __future__ import annotations

import json
import logging
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

import cellwright
from cellwright.cli.app import app
from cellwright.formats.dataset import write_coco, write_dataset
from cellwright.formats.label_map import write_labels
from cellwright.geometry import from_label_map
from cellwright.steps.compare import compare
from cellwright.steps.compared_runs import find_runs
from cellwright.steps.evaluate import evaluate
from cellwright.types import Image, InputError, Sample

MAIN = "matching/0.50/accuracy"
IMAGES = 8


def labels(seed: int, *, kept: int = 6) -> np.ndarray:
    """Six cells, of which the first so many are there."""
    frame = np.zeros((40, 50), np.int32)
    rng = np.random.default_rng(seed)
    for k in range(6):
        row, column = (k // 3) * 20 + 2, (k % 3) * 16 + 2
        height, width = rng.integers(6, 12, size=2)
        if k < kept:
            frame[row : row + height, column : column + width] = k + 1
    return frame


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A truth, a good and a poor run of it, and the scores of both."""
    root = tmp_path_factory.mktemp("compare")
    samples = [
        Sample(
            f"field{k}",
            Image(np.full((40, 50), 7, np.uint8), tags={"z": k % 2}),
            from_label_map(labels(k)),
        )
        for k in range(IMAGES)
    ]
    write_dataset(samples, root / "truth")
    for name, lost in (("good", 0), ("poor", 2)):
        found = [
            (f"field{k}", from_label_map(labels(k, kept=6 - lost - k % 2))) for k in range(IMAGES)
        ]
        write_coco(found, root / name / "predictions.json")
        evaluate(root / "truth", root / name, root / name / "scores.json", resamples=0, quiet=True)
    return root


def test_scores_and_predictions_give_the_same(folder: Path) -> None:
    old = compare([folder / "good", folder / "poor" / "scores.json"], quiet=True)
    new = cellwright.compare([folder / "good", folder / "poor"], truth=folder / "truth", quiet=True)
    assert old.runs == new.runs == ("good", "poor")
    one, other = old.figure(MAIN).differences[0], new.figure(MAIN).differences[0]
    assert one == other
    assert (one.value, one.p, one.better) == (pytest.approx(2 / 6), 2 / 2**IMAGES, "good")
    # the detections are there only where it was scored now
    assert old.figure("coco/segm/AP50").differences[0].low is None
    assert new.figure("coco/segm/AP50").differences[0].low > 0
    assert new.settings["scored_now"] == ["good", "poor"]
    assert new.settings["truth"]["images"] == IMAGES


def test_predictions_are_scored_anew_beside_old_scores(folder: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    write_coco(
        [(f"field{k}", from_label_map(labels(k))) for k in range(IMAGES)], run / "predictions.json"
    )
    (run / "scores.json").write_text((folder / "poor" / "scores.json").read_text())
    found = compare([run, folder / "poor"], truth=folder / "truth", quiet=True)
    assert found.figure(MAIN).values["run"].value == 1


def test_scores_of_predictions_that_changed_are_told(
    folder: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    run = tmp_path / "run"
    cells = [(f"field{k}", from_label_map(labels(k))) for k in range(IMAGES)]
    write_coco(cells, run / "predictions.json")
    evaluate(folder / "truth", run, run / "scores.json", resamples=0, quiet=True)
    compare([run, folder / "poor"], quiet=True)
    assert "has changed" not in caplog.text
    write_coco([(n, c[:3]) for n, c in cells], run / "predictions.json")
    with caplog.at_level(logging.WARNING):
        compare([run, folder / "poor"], quiet=True)
    assert "has changed since it was scored" in caplog.text


def test_label_images_by_tag_and_missing_images(folder: Path, tmp_path: Path) -> None:
    for k in range(6):
        write_labels(labels(k, kept=3), tmp_path / "labels" / f"field{k}_masks.tif")
    found = compare(
        [folder / "good", tmp_path / "labels"], truth=folder / "truth", by=["z"], quiet=True
    )
    assert found.missing == {"labels": ("field6", "field7")}
    assert {v: g.images for v, g in found.by["z"].items()} == {"0": 3, "1": 3}
    assert found.by["z"]["0"].figure.values["labels"].value == 0.5


def test_output_by_suffix(folder: Path, tmp_path: Path) -> None:
    runs = [folder / "good", folder / "poor"]
    compare(runs, tmp_path / "record.json", quiet=True)
    record = json.loads((tmp_path / "record.json").read_text())
    assert record["ranking"] == ["good", "poor"]
    assert record["per_image"][0]["values"]["good"] > record["per_image"][0]["values"]["poor"]
    compare(runs, tmp_path / "page.html", quiet=True)
    assert "good finds the cells better than poor" in (tmp_path / "page.html").read_text()
    for _ in range(2):
        compare(runs, tmp_path / "all", truth=folder / "truth", by=["z"], quiet=True)
    written = {p.name for p in (tmp_path / "all").iterdir()}
    assert written == {"comparison.json", "comparison.html", "tables"}
    tables = {p.name for p in (tmp_path / "all" / "tables").iterdir()}
    assert {f"figures-of-the-runs.{e}" for e in ("csv", "md", "tex")} <= tables
    assert "Images side by side" in (tmp_path / "all" / "comparison.html").read_text()
    with pytest.raises(InputError, match="NAME.json, NAME.html or a folder"):
        compare(runs, tmp_path / "page.pdf", quiet=True)


def test_names(folder: Path, tmp_path: Path) -> None:
    runs = [folder / "good", folder / "poor"]
    assert compare(runs, names=["a", "b"], quiet=True).ranking == ("a", "b")
    twin = tmp_path / "good"
    twin.mkdir()
    (twin / "scores.json").write_text((folder / "good" / "scores.json").read_text())
    called = [run.name for run in find_runs([folder / "good", twin], truth=False)]
    assert called == [f"{folder.name}/good", f"{tmp_path.name}/good"]
    with pytest.raises(InputError, match="1 names came for 2 sources"):
        compare(runs, names=["a"], quiet=True)
    with pytest.raises(InputError, match="two runs are named 'a'"):
        compare(runs, names=["a", "a"], quiet=True)


def test_what_is_refused(folder: Path, tmp_path: Path) -> None:
    good = folder / "good"
    old = json.loads((good / "scores.json").read_text())
    for image in old["per_image"]:
        del image["sums"]
    (tmp_path / "old.json").write_text(json.dumps({**old, "schema_version": 1}))
    (tmp_path / "broken.json").write_text("{")
    write_coco([("other", from_label_map(labels(0)))], tmp_path / "far" / "predictions.json")
    for other, words in (
        (tmp_path / "none", "does not exist"),
        (tmp_path / "old.json", "schema version 1.*run evaluate again"),
        (tmp_path / "broken.json", "could not be read as JSON"),
        (folder / "truth", "has no scores.json: give the truth too"),
        (good / "predictions.json", "holds no scores"),
    ):
        with pytest.raises(InputError, match=words):
            compare([good, other], quiet=True)
    with pytest.raises(InputError, match="do not belong together"):
        compare([good, tmp_path / "far"], truth=folder / "truth", quiet=True)
    with pytest.raises(InputError, match="one run cannot be compared"):
        compare([good], quiet=True)
    with pytest.raises(InputError, match="no preset 'cells'"):
        compare([good, good], preset="cells", quiet=True)


def command(*arguments: str | Path):
    """Result of ``cellwright compare`` with these arguments."""
    plain = {"TERM": "dumb", "COLUMNS": "160"}
    return CliRunner().invoke(app, ["compare", *map(str, arguments)], env=plain)


def test_the_command_prints_the_sentence_and_a_table(folder: Path, tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    done = command(folder / "good", folder / "poor", "--name", "a [1]", "--name", "b", "-o", page)
    assert done.exit_code == 0, done.output
    assert done.stdout.startswith("a [1] finds the cells better than b: accuracy at IoU 0.50 is")
    assert "difference: a [1] - b" in done.stdout
    assert "0.0078" in done.stdout
    assert page.is_file()
    by = command(folder / "good", folder / "poor", "--truth", folder / "truth", "--by", "z")
    assert "Accuracy at IoU 0.50 by z" in by.stdout
    assert command(folder / "good", folder / "poor", "-q").stdout == ""


def test_the_command_refuses_one_run_and_bad_input(folder: Path) -> None:
    assert command(folder / "good").exit_code == 2
    wrong = command(folder / "good", folder / "truth")
    assert wrong.exit_code == 1
    assert len(wrong.stderr.splitlines()) == 1
