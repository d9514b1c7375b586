"""Images in, model out, without a label: the whole chain small, its resumption, what it refuses."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from cellwright import InputError, open_dataset, zero_shot
from cellwright.evaluate.classes import crowds
from cellwright.formats import write_dataset
from cellwright.label.background import covered
from cellwright.steps import train as training
from cellwright.steps import zero_shot as step
from cellwright.steps.inputs import image_jobs
from cellwright.steps.pseudo_labels import next_labels, summary, verdicts, write_labels
from cellwright.synth import simulate_field
from cellwright.types import Instances

SMALL = {"prompts": "none", "options": {"widths": (4, 8)}, "device": "cpu", "quiet": True}


@pytest.fixture(scope="module")
def images(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("data") / "fields"
    samples = [simulate_field(seed=4, field=i, shape=(64, 80), cells=6) for i in range(4)]
    write_dataset(samples, folder)
    return folder


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> list[dict]:
    """Trainings take an epoch in place of minutes, and held-out agreement rises once."""
    calls: list[dict] = []
    real, curve = training.train, iter([0.3, 0.5, 0.4, 0.9])

    def train(*arguments, minutes, **settings):
        calls.append({"minutes": minutes, **settings})
        return real(*arguments, epochs=1, crop=(48, 48), **settings)

    def agreed(*_):
        return {"itself": 0.0, "labels": 0.0, "agreement": next(curve)}

    monkeypatch.setattr(training, "train", train)
    monkeypatch.setattr(step, "held_out_agreement", agreed)
    # A net of one epoch finds nothing: the coarse cells stand for those of the model.
    monkeypatch.setattr(step, "_segmenter", lambda *_: _coarse())
    return calls


def _coarse():
    from cellwright.label.segmenters import segmenter

    return segmenter("watershed", filtered=False).segment


def test_rounds_stop_where_agreement_falls_and_the_best_is_taken(
    images: Path, tmp_path: Path, quick: list[dict]
) -> None:
    out = tmp_path / "model"
    result = zero_shot(images, out, rounds=5, minutes=2.0, **SMALL)
    assert [r["agreement"] for r in result.details["rounds"]] == [0.3, 0.5, 0.4]
    assert result.details["chosen"] == 1
    assert [c["minutes"] for c in quick] == [2.0, 1.0, 1.0]
    assert [c["init"] for c in quick] == [None, *(out / "rounds" / n / "model" for n in "01")]
    same = (out / "model.safetensors").read_bytes()
    assert same == (out / "rounds" / "1" / "model" / "model.safetensors").read_bytes()
    kept = json.loads((out / "kept.json").read_text())
    assert kept["chosen"] == 1
    assert all(r["cells"]["kept"] > 5 for r in kept["rounds"])
    assert (out / "report.html").stat().st_size > 1000
    labels = open_dataset(out / "rounds" / "0" / "labels")
    assert [labels.tags(i)["split"] for i in range(4)].count("val") == 1


def test_a_second_call_does_nothing_again(images: Path, tmp_path: Path, quick: list[dict]) -> None:
    first = zero_shot(images, tmp_path / "m", rounds=1, **SMALL)
    marks = {p: p.stat().st_mtime_ns for p in (tmp_path / "m" / "rounds").rglob("*.tif")}
    again = zero_shot(images, tmp_path / "m", rounds=1, **SMALL)
    assert again.details["rounds"] == first.details["rounds"]
    assert marks == {p: p.stat().st_mtime_ns for p in marks}
    with pytest.raises(InputError, match="other seed"):
        zero_shot(images, tmp_path / "m", rounds=1, seed=1, **SMALL)


def test_masks_of_the_images_are_not_read(
    images: Path, tmp_path: Path, quick: list[dict], caplog: pytest.LogCaptureFixture
) -> None:
    bare = tmp_path / "bare"
    data = open_dataset(images)
    samples = [data[i] for i in range(len(data))]
    write_dataset([type(s)(s.name, s.image, s.instances[:0]) for s in samples], bare)
    for name, source in (("a", images), ("b", bare)):
        zero_shot(source, tmp_path / name, rounds=0, **SMALL)
    one, two = (open_dataset(tmp_path / n / "rounds" / "0" / "labels") for n in "ab")
    for i in range(len(one)):
        assert np.array_equal(one.instances(i).boxes, two.instances(i).boxes)
        assert np.array_equal(one.image(i).data, two.image(i).data)


@pytest.fixture
def half(images: Path):
    """Every other cell is left out."""
    data = open_dataset(images)

    def find(job, image):
        cells = data.instances(data.names.index(job.name))
        out = cells[::2]
        tags = ({"reason": "odd"},) * len(out)
        return cells[1::2], Instances(out.shape, out.boxes, out.masks, tags=tags)

    return find


def test_cells_left_out_can_be_ignored(
    images: Path, tmp_path: Path, quick: list[dict], half, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Pixels stay, the same cells are kept, and the places that are filled else are crowds."""
    monkeypatch.setattr(step, "first_labels", lambda *_: half)
    write_labels(
        image_jobs(images),
        tmp_path / "fill",
        half,
        rejected="fill",
        held_out=(),
        quiet=True,
        say="",
    )
    result = zero_shot(images, tmp_path / "m", rounds=0, rejected="ignore", **SMALL)
    assert result.details["rounds"][0]["cells"] == summary(tmp_path / "fill")
    raw, fill, ignore = (
        open_dataset(p) for p in (images, tmp_path / "fill", tmp_path / "m/rounds/0/labels")
    )
    for i in range(len(raw)):
        cells, known = ignore.instances(i), fill.instances(i)
        crowd = crowds(cells)
        assert crowd.sum() == 1
        assert np.array_equal(cells[~crowd].boxes, known.boxes)
        assert np.array_equal(ignore.image(i).data, raw.image(i).data)
        changed = fill.image(i).data != raw.image(i).data
        assert not (changed & ~covered(cells[crowd])).any()
    with pytest.raises(InputError, match="other rejected"):
        zero_shot(images, tmp_path / "m", rounds=0, **SMALL)


@pytest.mark.parametrize("rejected", ["fill", "ignore"])
def test_held_out_images_are_the_same_in_every_round(
    images: Path, tmp_path: Path, half, rejected: str
) -> None:
    """Agreement of two rounds can be compared: pixels, cells and what is left out all stay."""
    jobs = image_jobs(images)[:1]
    held = {jobs[0].name}
    common = {"rejected": rejected, "held_out": held, "quiet": True, "say": ""}
    write_labels(jobs, tmp_path / "0", half, **common)
    again = next_labels(_coarse(), verdicts(tmp_path / "0"), held)
    write_labels(jobs, tmp_path / "1", again, **common)
    one, two = (open_dataset(tmp_path / n) for n in "01")
    assert np.array_equal(one.image(0).data, two.image(0).data)
    assert np.array_equal(one.instances(0).boxes, two.instances(0).boxes)
    assert summary(tmp_path / "0") == summary(tmp_path / "1")
    assert summary(tmp_path / "0")["odd"] > 1


@pytest.mark.parametrize(
    "wrong", [{"rounds": -1}, {"minutes": 0.0}, {"coarse": "nobody"}, {"rejected": "keep"}]
)
def test_what_makes_no_sense_is_refused(images: Path, tmp_path: Path, wrong: dict) -> None:
    with pytest.raises(InputError):
        zero_shot(images, tmp_path / "m", **{**SMALL, **wrong})


def test_images_without_a_cell(tmp_path: Path) -> None:
    from cellwright import Image, write_image

    (tmp_path / "flat").mkdir()
    for name in "ab":
        write_image(Image(np.full((40, 50), 7, np.uint16)), tmp_path / "flat" / f"{name}.tif")
    with pytest.raises(InputError, match="no cell was kept"):
        zero_shot(tmp_path / "flat", tmp_path / "m", **SMALL)
