"""A field opened, prompted, committed, edited, undone, and found again."""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from cellwright.formats import Dataset, DatasetWriter, open_dataset
from cellwright.label.session import Field, LabelSession
from cellwright.label.session.preview import prompt_of
from cellwright.label.session.session import EMBEDDINGS
from cellwright.types import Image, InputError, Instances, Prompts, Sample

Square = Callable[..., np.ndarray]


def seen(field: Field) -> dict[str, tuple]:
    """All that is known of the cells of a field."""
    cells = field.cells()
    out = {}
    for i, tags in enumerate(cells.tags):
        frame = np.zeros(cells.shape, bool)
        a, b, c, d = cells.boxes[i]
        frame[a:c, b:d] = cells.masks[i]
        out[str(tags["id"])] = (
            frame.tobytes(), cells.class_names[cells.classes[i]], dict(tags)
        )  # fmt: skip
    return out


def test_every_commit_and_edit_is_there_after_reopening(
    plate: Path, truth: list[Instances], square: Square
) -> None:
    with LabelSession.open(plate, author="ann", segmenter="region") as session:
        field = session.field("field_0000")
        boxes = [tuple(map(float, b)) for b in truth[0].boxes]
        made = [field.commit(field.preview(Prompts(box=b), plane=1)) for b in boxes]
        drawn = field.commit(square(4, 4), class_name="Dead", tags={"note": "small"})
        field.edit.paint(drawn, square(10, 10))
        field.edit.erase(drawn, square(4, 4, 3))
        parts = field.edit.split(drawn, line=[(11.5, 0), (11.5, 40)])
        field.edit.delete(made[0])
        field.edit.relabel(made[1], "Alive")
        field.edit.tag(made[1], alive=True)
        field.edit.move(made[1], [0, 2])
        field.mark(done=True, qc="passed", route="z-aware")
        was = seen(field)
        assert len(was) == len(boxes) - 1 + len(parts)
    again = LabelSession.open(plate, author="bob").field("field_0000")
    assert seen(again) == was
    assert (again.done, again.qc, again.route) == (True, "passed", "z-aware")
    cell = again.cell(made[1])
    assert (cell.class_name, cell.tags["alive"], cell.planes) == ("Alive", True, (0, 2))
    assert made[1] in again.ids(2)
    assert made[1] not in again.ids(1)


def test_a_record_says_who_when_with_what_and_from_which_prompts(
    plate: Path, truth: list[Instances]
) -> None:
    mask = np.zeros((72, 80), bool)
    mask[20:30, 20:30] = True
    prompt = Prompts([(25.5, 24.0), (2.0, 3.0)], [True, False], (18.0, 18.0, 34.0, 33.0), mask)
    before = time.time()
    with LabelSession.open(plate, author="ann", segmenter="region") as session:
        field = session.field("field_0001")
        id = field.commit(field.preview(prompt, projection="max"), policy="keep-pixels")
    session = LabelSession.open(plate)
    record = session.state("field_0001").records[0]
    body = record.body
    assert body["by"][0] == "ann"
    assert before - 1 < body["at"] / 1e6 < time.time() + 1
    assert (body["kind"], body["model"], body["policy"]) == ("commit", "region", "keep-pixels")
    assert body["view"] == {"projection": "max"}
    assert "channel" in body["settings"]
    told = prompt_of(body["prompts"][0], (72, 80))
    np.testing.assert_array_equal(told.points, prompt.points)
    np.testing.assert_array_equal(told.signs, prompt.signs)
    np.testing.assert_array_equal(told.mask, mask)
    assert told.box == prompt.box
    assert body["cells"][0]["id"] == id
    assert set(body["cells"][0]["new"]) >= {"box", "rle", "class"}
    assert session.field("field_0001").cell(id).planes is None


def test_undo_and_redo_survive_reopening(plate: Path, square: Square) -> None:
    with LabelSession.open(plate, author="ann") as session:
        field = session.field("field_0000")
        states = [seen(field)]
        a, b = field.commit(square(0, 0)), field.commit(square(20, 20))
        states = [seen(field)]
        field.edit.merge([a, b])
        states.append(seen(field))
        field.edit.paint(a, square(40, 40))
        states.append(seen(field))
        field.edit.delete(a)
        states.append(seen(field))
        assert field.undo() == "delete"
    field = LabelSession.open(plate, author="ann").field("field_0000")
    assert seen(field) == states[2]
    assert [field.undo(), field.undo()] == ["paint", "merge"]
    assert seen(field) == states[0]
    assert [field.redo(), field.redo(), field.redo(), field.redo()] == [
        "merge", "paint", "delete", None,
    ]  # fmt: skip
    assert seen(field) == states[3]
    field.undo()
    field.commit(square(60, 60))
    assert field.can_redo == 0
    assert field.redo() is None
    for _ in range(5):
        assert field.undo() is not None
    assert field.undo() is None
    assert seen(field) == {}


def test_nobody_undoes_what_somebody_else_did(plate: Path, square: Square) -> None:
    ann, bob = (LabelSession.open(plate, author=a) for a in ("ann", "bob"))
    a = ann.field("field_0000").commit(square(0, 0))
    assert bob.refresh() == ("field_0000",)
    field = bob.field("field_0000")
    assert field.undo() is None
    field.edit.paint(a, square(30, 30))
    assert ann.refresh() == ("field_0000",)
    mine = ann.field("field_0000")
    assert mine.cell(a).patch.area == 128
    mine.edit.erase(a, square(0, 0, 4))
    assert mine.undo() == "erase"
    bob.refresh()
    assert seen(mine) == seen(field)
    assert mine.cell(a).patch.area == 128


def test_two_people_paint_one_cell_at_the_same_time_and_both_strokes_stay(
    plate: Path, square: Square
) -> None:
    ann, bob = (LabelSession.open(plate, author=a) for a in ("ann", "bob"))
    a = ann.field("field_0000").commit(square(0, 0))
    bob.refresh()
    ann.field("field_0000").edit.paint(a, square(0, 20))
    bob.field("field_0000").edit.paint(a, square(0, 40))
    ann.refresh(), bob.refresh()
    assert seen(ann.field("field_0000")) == seen(bob.field("field_0000"))
    assert ann.field("field_0000").cell(a).patch.area == 3 * 64


def test_a_field_that_somebody_has_open_is_noticed(
    plate: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with LabelSession.open(plate, author="ann") as ann:
        ann.field("field_0000")
        with caplog.at_level(logging.WARNING):
            bob = LabelSession.open(plate, author="bob")
            assert bob.field("field_0001").others == []
            assert caplog.text == ""
            assert [p.author for p in bob.field("field_0000").others] == ["ann"]
        assert "ann on" in caplog.text
        assert "field_0000 open too" in caplog.text
        assert [p.pid for p in bob.others()] == [os.getpid()]
        ann.release("field_0000")
        assert bob.field("field_0000").others == []
    assert bob.others() == []
    bob.close()
    assert not list((plate / "journal").glob("*.open"))


def test_a_session_that_only_reads_writes_nothing(plate: Path) -> None:
    with LabelSession.open(plate, announce=False) as session:
        assert len(session.field("field_0000").cells()) == 0
        assert session.progress()[0].cells == 0
    assert not (plate / "journal").exists()


def test_a_commit_that_cannot_be_written_does_not_show(
    plate: Path, square: Square, monkeypatch: pytest.MonkeyPatch
) -> None:
    session = LabelSession.open(plate)
    field = session.field("field_0000")
    field.commit(square(0, 0))
    was = seen(field)

    def full(handle: int, data: bytes) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "write", full)
    for action in (
        lambda: field.commit(square(30, 30)),
        lambda: field.edit.delete(field.ids()),
        field.undo,
        lambda: field.mark(done=True),
    ):
        with pytest.raises(OSError, match="No space left"):
            action()
        assert seen(field) == was
        assert not field.done
    monkeypatch.undo()
    field.commit(square(30, 30))
    assert len(seen(LabelSession.open(plate).field("field_0000"))) == 2


def test_the_journal_may_lie_elsewhere(plate: Path, square: Square, tmp_path: Path) -> None:
    with LabelSession.open(plate, journal=tmp_path / "mine" / "deep") as session:
        session.field("field_0000").commit(square(1, 1))
    assert not (plate / "journal").exists()
    assert LabelSession.open(plate, journal=tmp_path / "mine" / "deep").progress()[0].cells == 1
    assert LabelSession.open(plate).progress()[0].cells == 0


def test_a_journal_of_other_images_is_told(plate: Path, square: Square, tmp_path: Path) -> None:
    with LabelSession.open(plate) as session:
        session.field("field_0000").commit(square(1, 1))
    with DatasetWriter(tmp_path / "other") as writer:
        writer.add(Sample("field_0000", Image(np.zeros((30, 30), np.uint8))))
        writer.add(Sample("field_0001", Image(np.zeros((30, 30), np.uint8))))
    with LabelSession.open(tmp_path / "other", journal=plate / "journal") as session:
        with pytest.raises(InputError, match=r"made on another image than this one of \(30, 30\)"):
            session.field("field_0000").cells()
        assert len(session.field("field_0001").cells()) == 0


def test_cells_of_the_data_set_can_be_corrected(labelled_plate: Dataset, square: Square) -> None:
    root = labelled_plate.root
    with LabelSession.open(root, author="ann") as session:
        field = session.field("field_0000")
        first = field.ids()
        assert len(first) == len(labelled_plate.instances(0)) == session.progress()[0].cells
        field.edit.delete(first[0])
        field.edit.paint(first[1], square(60, 60))
        was = seen(field)
        assert len(was) == len(first) - 1
        assert field.can_undo == 2
    assert seen(LabelSession.open(root).field("field_0000")) == was
    # an annotation file that loses the cell loses no edit of it
    from cellwright.formats import write_coco

    area = labelled_plate.instances(0).areas[1]
    keys = ("file_name", "axes", "tags")
    records = {
        n: {k: labelled_plate.record(i)[k] for k in keys}
        for i, n in enumerate(labelled_plate.names)
    }
    empty = [(n, Instances.empty((72, 80))) for n in labelled_plate.names]
    write_coco(empty, root / "annotations.json", records=records)
    again = LabelSession.open(root, author="ann").field("field_0000")
    assert set(again.ids()) == {first[1]}
    assert seen(again)[first[1]][0] == was[first[1]][0]
    assert again.undo() == "paint"
    assert again.cell(first[1]).patch.area == area


@pytest.mark.parametrize(
    ("action", "message"),
    [
        (lambda f, s: f.commit(np.zeros((5, 5), bool)), "same rows and columns"),
        (lambda f, s: f.commit(np.zeros(f.shape, bool)), "gave no cell"),
        (lambda f, s: f.commit(s(0, 0), planes=[3]), "the field has 3"),
        (lambda f, s: f.commit(s(0, 0), planes="all"), "numbers, None or 'view'"),
        (lambda f, s: f.commit(s(0, 0), policy="keep"), "there are allow"),
        (lambda f, s: f.cell("nothing"), "there is no cell nothing"),
        (lambda f, s: f.preview(Prompts([(1, 1)], [True])), "no promptable segmenter"),
        (lambda f, s: f.view(3), "no plane 3"),
        (lambda f, s: f.view(channel=1), "no channel 1"),
        (lambda f, s: f.view(projection="min"), "there are median"),
        (lambda f, s: f.mark(qc="fine"), "there are unchecked"),
        (lambda f, s: f.mark(route="flat"), "there are median"),
        (lambda f, s: f.edit.merge([f.commit(s(0, 0))]), "two cells"),
        (lambda f, s: f.edit.split(f.commit(s(0, 0))), "give one of them"),
        (lambda f, s: f.edit.relabel(f.commit(s(0, 0)), " "), "empty class"),
        (lambda f, s: f.edit.redraw(f.commit(s(0, 0)), np.zeros(f.shape, bool)), "use delete"),
        (lambda f, s: f.candidates.accept("m-1"), "no candidate m-1"),
        (lambda f, s: f.session.field("field_9"), "the data set has field_0000"),
        (lambda f, s: f.session.use_predictions(f.session.dataset.root / "no"), "no such file"),
    ],
)
def test_what_makes_no_sense_is_refused_in_one_line(
    plate: Path, square: Square, action: Callable, message: str
) -> None:
    field = LabelSession.open(plate).field("field_0000")
    with pytest.raises(InputError, match=message) as told:
        action(field, square)
    assert "\n" not in str(told.value)


def test_opening_refuses_unknown_policies_and_missing_data(plate: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="there are allow, keep-pixels, keep-objects"):
        LabelSession.open(plate, policy="none")
    with pytest.raises(InputError, match="no data set"):
        LabelSession.open(tmp_path / "nowhere")
    with pytest.raises(InputError, match="no promptable segmenter 'sum'"):
        LabelSession.open(plate, segmenter="sum")


class Counting:
    """A promptable segmenter that gives the box and counts its embeddings."""

    def __init__(self) -> None:
        self.embedded = 0

    def embed(self, image: Image) -> tuple[int, int]:
        assert image.axes == "YX"
        self.embedded += 1
        return image.shape

    def masks(self, embedding: tuple[int, int], prompts: list[Prompts]) -> Instances:
        boxes, masks, scores = [], [], []
        for p in prompts:
            a, b, c, d = (int(v) for v in p.box) if p.box else (0, 0, 1, 1)
            boxes.append((a, b, c, d))
            masks.append(np.ones((c - a, d - b), bool))
            scores.append(0.7 if p.box else 0.0)
        return Instances(embedding, np.array(boxes), tuple(masks), np.array(scores))


def test_an_embedding_is_made_once_per_view(plate: Path) -> None:
    model = Counting()
    field = LabelSession.open(plate, segmenter=model).field("field_0000")
    box = Prompts(box=(3.0, 4.0, 20.0, 30.0))
    for _ in range(3):
        field.preview(box, plane=1)
    assert model.embedded == 1
    field.preview(box, plane=2)
    field.preview(box)
    assert model.embedded == 3
    for plane in (0, 1, 2):
        field.preview(box, plane=plane)
    assert model.embedded == 4
    field.preview(box, projection="max")
    field.preview(box)  # the median was not looked at for longest
    assert model.embedded == 6
    assert len(field.session.embeddings) == EMBEDDINGS == 4


def test_several_prompts_are_one_step_and_those_that_gave_nothing_are_left_out(
    plate: Path, caplog: pytest.LogCaptureFixture
) -> None:
    field = LabelSession.open(plate, segmenter=Counting()).field("field_0000")
    prompts = [Prompts(box=(3.0, 4.0, 20.0, 30.0)), Prompts([(5, 5)], [True]),
               Prompts(box=(30.0, 4.0, 40.0, 30.0))]  # fmt: skip
    shown = field.preview(prompts, plane=2)
    assert shown.nothing.tolist() == [False, True, False]
    ids = field.commit_all(shown)
    assert len(ids) == 2
    assert "gave no cell" in caplog.text
    assert [field.cell(i).planes for i in ids] == [(2,), (2,)]
    assert field.undo() == "commit"
    assert len(field.cells()) == 0
    with pytest.raises(InputError, match="one is wanted"):
        field.commit(field.preview(prompts[::2]))
    with pytest.raises(InputError, match="gave no cell"):
        field.commit(field.preview(prompts[1]))
    assert len(field.cells()) == 0


def test_views_are_planes_projections_and_channels(plate: Path) -> None:
    data = open_dataset(plate)
    stack = data.image(0).data
    field = LabelSession.open(plate).field("field_0000")
    assert field.planes == 3
    np.testing.assert_array_equal(field.view(1).data, stack[1])
    np.testing.assert_array_equal(field.view(projection="max").data, stack.max(axis=0))
    np.testing.assert_array_equal(field.view().data, np.median(stack, axis=0))
    assert field.view(0).axes == "YX"
    assert field.view(0).pixel_size == pytest.approx(data.image(0).pixel_size)


def test_cells_under_a_pixel_the_smallest_first(plate: Path, square: Square) -> None:
    field = LabelSession.open(plate).field("field_0000")
    big, small = field.commit(square(10, 10, 30)), field.commit(square(12, 12, 5), planes=1)
    assert field.at(13, 13) == (small, big)
    assert field.at(13, 13, plane=0) == (big,)
    assert field.at(30, 30) == (big,)
    assert field.at(0, 0) == ()
    assert [field.at(r, c) for r, c in ((10, 10), (39, 39), (9, 10), (40, 39), (39, 40))] == [
        (big,), (big,), (), (), (),
    ]  # fmt: skip


def test_progress_counts_cells_notes_and_people(plate: Path, square: Square) -> None:
    with LabelSession.open(plate, author="ann") as session:
        session.field("field_0001").commit(square(1, 1))
        session.field("field_0001").commit(square(20, 1))
        session.field("field_0002").mark(done=True)
    session = LabelSession.open(plate, author="bob")
    session.field("field_0001").edit.delete(session.field("field_0001").ids()[0])
    told = {p.name: (p.cells, p.done, p.qc, p.authors) for p in session.progress()}
    assert told == {
        "field_0000": (0, False, "unchecked", ()),
        "field_0001": (1, False, "unchecked", ("ann", "bob")),
        "field_0002": (0, True, "unchecked", ("ann",)),
    }


def test_a_released_field_opens_as_it_was(plate: Path, square: Square) -> None:
    session = LabelSession.open(plate)
    field = session.field("field_0000")
    field.commit(square(1, 1))
    was = seen(field)
    session.release("field_0000")
    assert seen(session.field("field_0000")) == was
    field.commit(square(30, 30))
    assert len(seen(field)) == len(seen(session.field("field_0000"))) == 2


def test_cells_of_one_field_can_be_committed_to_another(plate: Path, square: Square) -> None:
    session = LabelSession.open(plate)
    one, other = session.field("field_0000"), session.field("field_0001")
    a = one.commit(square(1, 1), planes=2, class_name="Dead", tags={"mark": 1})
    (b,) = other.commit_all(one.cells())
    assert b != a
    cell = other.cell(b)
    assert (cell.planes, cell.class_name, dict(cell.tags)) == (None, "Dead", {"mark": 1})
    assert "planes" not in other.cells().tags[0]


def test_a_part_of_a_data_set_can_be_labelled(
    plate: Path, square: Square, caplog: pytest.LogCaptureFixture
) -> None:
    with LabelSession.open(plate) as session:
        for name in session.names:
            session.field(name).commit(square(1, 1))
    part = LabelSession.open(open_dataset(plate).subset([1]))
    assert part.names == ("field_0001",)
    assert [p.cells for p in part.progress()] == [1]
    assert caplog.text == ""
