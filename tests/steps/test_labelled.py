"""What was labelled becomes a data set, and a model that is trained on it."""

from __future__ import annotations

import json
import os
import random
import signal
import time
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from cellwright import InputError, open_dataset, predict, read_image, train
from cellwright.formats import DatasetWriter
from cellwright.formats.label_map import read_labels
from cellwright.formats.rois import read_instances as read_rois
from cellwright.label.session import LabelSession
from cellwright.steps.labelled import STAMP, labelled
from cellwright.synth import simulate_field

SHAPE = (64, 72)


def square(row: int, col: int, size: int = 8) -> np.ndarray:
    mask = np.zeros(SHAPE, bool)
    mask[row : row + size, col : col + size] = True
    return mask


def plate(folder: Path, *, planes: int = 3, fields: int = 3) -> Path:
    with DatasetWriter(folder) as writer:
        for i in range(fields):
            sample = simulate_field(3, i, shape=SHAPE, planes=planes, cells=4, diameter=12.0)
            writer.add(sample.with_instances(None))
    return folder


@pytest.fixture
def stacks(tmp_path: Path) -> Path:
    """Three fields of three planes, without labels."""
    return plate(tmp_path / "plate")


def frames(cells) -> list[np.ndarray]:
    out = []
    for (a, b, c, d), mask in zip(cells.boxes, cells.masks, strict=True):
        frame = np.zeros(cells.shape, bool)
        frame[a:c, b:d] = mask
        out.append(frame)
    return out


def test_the_output_is_an_ordinary_data_set_with_files_beside_it(
    stacks: Path, tmp_path: Path
) -> None:
    with LabelSession.open(stacks, author="ann", classes=("Alive", "Dead")) as session:
        field = session.field("field_0000")
        a = field.commit(square(2, 2))
        b = field.commit(square(6, 6), class_name="Dead")
        c = field.commit(square(30, 40), planes=[0, 2], tags={"mark": "x"})
        session.field("field_0001").mark(done=True)
    result = labelled(stacks, tmp_path / "out", quiet=True)
    assert (result.done, result.details["cells"]) == (3, 3)
    out = open_dataset(tmp_path / "out")
    assert out.names == ("field_0000", "field_0001", "field_0002")
    assert [out.labelled(i) for i in range(3)] == [True, True, False]
    np.testing.assert_array_equal(out.image(0).data, open_dataset(stacks).image(0).data)
    cells = out.instances(0)
    assert [t["id"] for t in cells.tags] == [a, b, c]
    assert [cells.class_names[k] for k in cells.classes] == ["Alive", "Dead", "Alive"]
    for found, wanted in zip(
        frames(cells), (square(2, 2), square(6, 6), square(30, 40)), strict=True
    ):
        np.testing.assert_array_equal(found, wanted)
    assert cells.tags[2]["planes"] == "0,2"
    text = json.loads((tmp_path / "out" / "annotations.json").read_text())
    assert text["annotations"][0]["bbox"] == [2, 2, 8, 8]
    assert text["annotations"][0]["segmentation"]["size"] == list(SHAPE)
    labels = read_labels(tmp_path / "out" / "labels" / "field_0000.tif")
    assert set(np.unique(labels)) == {0, 1, 2, 3}
    planes = [read_labels(tmp_path / "out" / "labels" / f"field_0000_z{z}.tif") for z in (1, 2, 3)]
    assert [int((p == 3).sum()) for p in planes] == [64, 0, 64]
    assert all((p == 1).any() for p in planes)
    listed = json.loads((tmp_path / "out" / "cells" / "field_0000.json").read_text())["cells"]
    assert [e["file"] for e in listed] == [
        "field_0000/0001_r2_c2.npy", "field_0000/0002_r6_c6.npy", "field_0000/0003_r30_c40.npy",
    ]  # fmt: skip
    assert (listed[1]["class"], listed[2]["tags"]["mark"]) == ("Dead", "x")
    for entry, frame in zip(listed, frames(cells), strict=True):
        crop = np.load(tmp_path / "out" / "cells" / entry["file"])
        row, col = entry["offset"]
        np.testing.assert_array_equal(
            crop, frame[row : row + crop.shape[0], col : col + crop.shape[1]]
        )
        assert crop.sum() == frame.sum() == entry["area"]
    rois = read_rois(tmp_path / "out" / "rois" / "field_0000.zip", shape=SHAPE)
    for one, other in zip(frames(rois), frames(cells), strict=True):
        np.testing.assert_array_equal(one, other)
    assert not (tmp_path / "out" / "labels" / "field_0002.tif").exists()
    assert json.loads((tmp_path / "out" / STAMP).read_text())["cells"] == 3


def test_the_route_of_a_field_says_what_its_images_are(
    stacks: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with LabelSession.open(stacks) as session:
        for name, route in zip(session.names, ("median", "z-aware", "merged"), strict=True):
            field = session.field(name)
            field.mark(route=route)
            field.commit(square(2, 2), planes=1, tags={"object": "one"})
            field.commit(square(4, 4), planes=2, tags={"object": "one"})
            field.commit(square(40, 40))
    labelled(stacks, tmp_path / "out", quiet=True)
    out = open_dataset(tmp_path / "out")
    planes = [f"{name}_z{z}" for name in ("field_0001", "field_0002") for z in (1, 2, 3)]
    assert out.names == ("field_0000", *planes)
    assert [len(out.instances(i)) for i in range(7)] == [2, 1, 2, 2, 2, 2, 2]
    assert {out.image(i).axes for i in range(7)} == {"YX"}
    stack = open_dataset(stacks).image(1).data
    np.testing.assert_array_equal(out.image(2).data, stack[1])
    assert [out.tags(i).get("z") for i in range(7)] == [None, 1, 2, 3, 1, 2, 3]
    assert len({out.tags(i)["field"] for i in (1, 2, 3)}) == 1
    assert [out.tags(i)["z_route"] for i in (0, 1, 4)] == ["median", "z-aware", "merged"]
    union = frames(out.instances(0))[0]
    np.testing.assert_array_equal(union, square(2, 2) | square(4, 4))
    assert "planes" not in out.instances(0).tags[0]
    assert "choose one with z_route=" in caplog.text
    labelled(stacks, tmp_path / "max", view="max", quiet=True)
    again = open_dataset(tmp_path / "max")
    np.testing.assert_array_equal(again.image(1).data, stack.max(axis=0))
    assert len(again) == 3


def test_cells_of_planes_are_merged_into_one_set_by_overlap(stacks: Path, tmp_path: Path) -> None:
    with LabelSession.open(stacks) as session:
        field = session.field("field_0000")
        field.mark(route="merged")
        for plane in range(3):
            field.commit(square(10, 10 + plane), planes=plane)
        field.commit(square(40, 40), planes=1)
        field.commit(square(50, 5))
    labelled(stacks, tmp_path / "planes", quiet=True)
    labelled(stacks, tmp_path / "stack", view="stack", quiet=True)
    planes, stack = open_dataset(tmp_path / "planes"), open_dataset(tmp_path / "stack")
    assert stack.image(0).axes == "ZYX"
    wanted = square(10, 10) | square(10, 11) | square(10, 12)
    for cells in (planes.instances(0), planes.instances(2), stack.instances(0)):
        assert len(cells) == 3
        assert any((f == wanted).all() for f in frames(cells))
        assert {t["z_count"] for t in cells.tags} == {3, 1}
        assert not any("planes" in t for t in cells.tags)


def test_dead_cells_are_labelled_or_left_out(stacks: Path, tmp_path: Path) -> None:
    with LabelSession.open(stacks) as session:
        field = session.field("field_0000")
        a, b, c = (field.commit(square(2, 10 * i)) for i in range(3))
        field.edit.tag(a, alive=True)
        field.edit.tag(b, alive=False)
        field.edit.relabel(c, "Dead")
    labelled(stacks, tmp_path / "label", quiet=True)
    cells = open_dataset(tmp_path / "label").instances(0)
    assert cells.class_names == ("Dead", "Alive")
    assert [cells.class_names[k] for k in cells.classes] == ["Alive", "Dead", "Dead"]
    result = labelled(stacks, tmp_path / "exclude", dead="exclude", quiet=True)
    cells = open_dataset(tmp_path / "exclude").instances(0)
    assert [t["id"] for t in cells.tags] == [a]
    assert result.details["left_out"] == {"dead": 2, "covered": 0}


def test_covered_cells_are_dropped_or_kept(stacks: Path, tmp_path: Path) -> None:
    with LabelSession.open(stacks) as session:
        field = session.field("field_0000")
        big = field.commit(square(10, 10, 20))
        field.commit(square(12, 12, 6))
        half = field.commit(square(20, 25, 10) & ~square(20, 25, 2))
        other = field.commit(square(10, 28, 5))
    labelled(stacks, tmp_path / "keep", quiet=True)
    assert len(open_dataset(tmp_path / "keep").instances(0)) == 4
    result = labelled(stacks, tmp_path / "drop", covered="drop", quiet=True)
    kept = [t["id"] for t in open_dataset(tmp_path / "drop").instances(0).tags]
    share = (square(20, 25, 10) & ~square(20, 25, 2) & square(10, 10, 20)).sum() / 96
    assert share < 0.5
    assert kept == [big, half, other]
    assert result.details["left_out"]["covered"] == 1


def test_a_cell_half_of_which_is_covered_is_dropped(stacks: Path, tmp_path: Path) -> None:
    with LabelSession.open(stacks) as session:
        big = session.field("field_0000").commit(square(10, 10, 20))
        session.field("field_0000").commit(square(25, 12, 10))  # 5 of its 10 rows are under it
        less = session.field("field_0000").commit(square(12, 26, 9))
    labelled(stacks, tmp_path / "out", covered="drop", quiet=True)
    kept = [t["id"] for t in open_dataset(tmp_path / "out").instances(0).tags]
    assert kept == [big, less]


def test_a_cell_has_its_number_on_every_plane(stacks: Path, tmp_path: Path) -> None:
    with LabelSession.open(stacks) as session:
        session.field("field_0000").commit(square(2, 2), planes=1)
        session.field("field_0000").commit(square(20, 20), planes=[0, 2])
        session.field("field_0000").commit(square(40, 40))
    labelled(stacks, tmp_path / "out", quiet=True)
    for plane, wanted in ((1, {0, 2, 3}), (2, {0, 1, 3}), (3, {0, 2, 3})):
        labels = read_labels(tmp_path / "out" / "labels" / f"field_0000_z{plane}.tif")
        assert set(np.unique(labels)) == wanted


def test_fields_that_are_not_done_can_wait_and_excluded_ones_are_left_out(
    stacks: Path, tmp_path: Path
) -> None:
    with LabelSession.open(stacks) as session:
        for name in session.names:
            session.field(name).commit(square(3, 3))
        session.field("field_0000").mark(done=True)
        session.field("field_0002").mark(done=True, qc="excluded")
    labelled(stacks, tmp_path / "out", done_only=True, quiet=True)
    out = open_dataset(tmp_path / "out")
    assert out.names == ("field_0000", "field_0001")
    assert [out.labelled(i) for i in range(2)] == [True, False]


def test_an_earlier_output_is_replaced_and_nothing_else_is(stacks: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    with LabelSession.open(stacks) as session:
        field = session.field("field_0000")
        field.commit(square(3, 3))
        labelled(stacks, out, quiet=True)
        field.commit(square(30, 3))
        labelled(stacks, out, quiet=True)
    assert len(open_dataset(out).instances(0)) == 2
    assert sorted(p.name for p in tmp_path.iterdir()) == ["out", "plate"]
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("years of work")
    for bad in (tmp_path / "mine", stacks, stacks / "out", tmp_path):
        with pytest.raises(InputError, match="name another"):
            labelled(stacks, bad, quiet=True)
    assert (tmp_path / "mine" / "thesis.txt").read_text() == "years of work"


@pytest.mark.parametrize("option", [{"dead": "no"}, {"covered": "no"}, {"view": "no"}])
def test_unknown_options_are_refused(stacks: Path, tmp_path: Path, option: dict) -> None:
    with pytest.raises(InputError, match="there are"):
        labelled(stacks, tmp_path / "out", **option)
    assert not (tmp_path / "out").exists()


def test_an_output_opens_as_a_data_set_to_label_and_keeps_planes(
    stacks: Path, tmp_path: Path
) -> None:
    with LabelSession.open(stacks) as session:
        session.field("field_0000").commit(square(3, 3), planes=[1, 2], class_name="Dead")
    labelled(stacks, tmp_path / "out", quiet=True)
    with LabelSession.open(tmp_path / "out") as session:
        field = session.field("field_0000")
        (id,) = field.ids()
        assert (field.cell(id).planes, field.cell(id).class_name) == ((1, 2), "Dead")
        assert field.ids(0) == ()
        field.edit.move(id, None)
    labelled(tmp_path / "out", tmp_path / "next", quiet=True)
    (tags,) = open_dataset(tmp_path / "next").instances(0).tags
    assert "planes" not in tags


def test_killed_while_writing_the_output_is_whole_or_not_there(
    stacks: Path, tmp_path: Path
) -> None:
    out, rng = tmp_path / "out", random.Random(1)
    with LabelSession.open(stacks) as session:
        for name in session.names:
            for i in range(6):
                session.field(name).commit(square(8 * i, 8 * i))
    begun = time.perf_counter()
    labelled(stacks, out, quiet=True)
    usual = time.perf_counter() - begun
    for _ in range(15):
        child = os.fork()
        if not child:
            try:
                labelled(stacks, out, quiet=True)
            finally:
                os._exit(0)
        time.sleep(rng.uniform(0, 1.2 * usual))
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        if out.exists():
            data = open_dataset(out)
            assert [len(data.instances(i)) for i in range(3)] == [6, 6, 6]
            for path in out.rglob("*.tif"):
                assert read_image(path).data.size
            for path in out.rglob("*.npy"):
                assert np.load(path).any()
            for path in out.rglob("*.zip"):
                assert zipfile.ZipFile(path).testzip() is None
    labelled(stacks, out, quiet=True)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["out", "plate"]


def test_an_output_that_a_kill_left_put_away_comes_back(stacks: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    labelled(stacks, out, quiet=True)
    out.rename(tmp_path / ".old-0123456789ab-out")
    with LabelSession.open(stacks) as session:
        session.field("field_0000").commit(square(3, 3))
        session.field("field_0000").commit(square(3, 3))
    path = next((stacks / "journal").glob("*.jsonl"))
    path.write_bytes(path.read_bytes().replace(b"commit", b"vommit", 1))
    with pytest.raises(InputError, match="is damaged"):
        labelled(stacks, out, quiet=True)
    assert len(open_dataset(out)) == 3
    assert sorted(p.name for p in tmp_path.iterdir()) == ["out", "plate"]


def test_the_command_takes_all_options(stacks: Path, tmp_path: Path) -> None:
    import typer
    from typer.testing import CliRunner

    from cellwright.cli import labelled as module

    app = typer.Typer()
    app.command()(module.labelled)
    with LabelSession.open(stacks, journal=tmp_path / "j") as session:
        field = session.field("field_0000")
        field.commit(square(3, 3, 20))
        field.commit(square(5, 5, 4))
        field.commit(square(40, 5), class_name="Dead")
        field.mark(done=True)
        session.field("field_0001").commit(square(3, 3))
    words = [str(stacks), "-o", str(tmp_path / "out"), "--journal", str(tmp_path / "j"), "--dead",
             "exclude", "--covered", "drop", "--view", "max", "--done",
             "--no-label-maps", "--no-crops", "--no-rois"]  # fmt: skip
    result = CliRunner().invoke(app, words)
    assert result.exit_code == 0, result.output
    assert "3 done" in result.output
    out = open_dataset(tmp_path / "out")
    assert len(out.instances(0)) == 1
    assert out.image(0).axes == "YX"
    assert not out.labelled(1)
    assert sorted(p.name for p in (tmp_path / "out").iterdir()) == [
        "annotations.json", "images", STAMP,
    ]  # fmt: skip
    bad = CliRunner().invoke(app, [str(stacks), "-o", str(stacks / "inside")])
    assert bad.exit_code == 1


def test_predictions_are_corrected_and_a_model_goes_on_from_there(tmp_path: Path) -> None:
    truth = [simulate_field(9, i, shape=SHAPE, cells=6, diameter=14.0) for i in range(4)]
    source = tmp_path / "plate"
    with DatasetWriter(source) as writer:
        for sample in truth:
            writer.add(sample.with_instances(None))
    quick: Callable = lambda data, out, **more: train(  # noqa: E731
        data, out, widths=(4, 8), crop=(48, 48), quiet=True, device="cpu", **more
    )
    with LabelSession.open(source, author="ann") as session:
        for sample in truth[:2]:  # the first round: two fields by hand
            session.field(sample.name).commit_all(sample.instances)
            session.field(sample.name).mark(done=True)
    labelled(source, tmp_path / "first", done_only=True, quiet=True)
    quick(tmp_path / "first", tmp_path / "model", epochs=12)
    predict(source, tmp_path / "model", tmp_path / "predicted", quiet=True, device="cpu")
    with LabelSession.open(source, author="ann") as session:
        assert session.use_predictions(tmp_path / "predicted") == 4
        offered = accepted = 0
        for sample in truth[2:]:  # the second round: predictions looked at, the rest drawn
            field = session.field(sample.name)
            offered += len(field.candidates)
            accepted += len(field.candidates.accept_all(min_score=0.1))
            field.candidates.propose(sample.instances, source="by hand")
            accepted += len(field.candidates.accept_all())
            field.edit.delete(field.ids()[:1])
            field.mark(done=True)
        assert offered > 0
    labelled(source, tmp_path / "second", done_only=True, quiet=True)
    second = open_dataset(tmp_path / "second")
    assert all(second.labelled(i) for i in range(4))
    sources = {t.get("source") for i in (2, 3) for t in second.instances(i).tags}
    assert sources == {"predictions predicted", "by hand"}
    assert sum(len(second.instances(i)) for i in (2, 3)) == accepted - 2
    result = quick(tmp_path / "second", tmp_path / "better", epochs=1, init=tmp_path / "model")
    assert result.details["not_taken_from_init"] == []
    card = json.loads((tmp_path / "better" / "model.json").read_text())
    assert card["provenance"]["options"]["init"].endswith("model")
    assert card["provenance"]["images"] == 3
