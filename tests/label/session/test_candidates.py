"""Automatic masks: listed, accepted, rejected, and known again."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from cellwright.formats import write_coco
from cellwright.label.segmenters import segmenter
from cellwright.label.session import LabelSession
from cellwright.types import InputError, Instances

Square = Callable[..., np.ndarray]


def scored(cells: Instances) -> Instances:
    return replace(cells, scores=np.linspace(0.2, 0.9, len(cells)))


def test_accepted_masks_are_cells_and_rejected_ones_do_not_come_back(
    plate: Path, truth: list[Instances]
) -> None:
    cells = scored(truth[0])
    with LabelSession.open(plate, author="ann") as session:
        field = session.field("field_0000")
        ids = field.candidates.propose(cells, source="model")
        assert len(ids) == len(field.candidates) == len(cells)
        shown = field.candidates.cells()
        np.testing.assert_allclose(shown.scores, cells.scores, atol=1e-6)
        assert {t["source"] for t in shown.tags} == {"model"}
        assert field.candidates.accept(ids[0]) == (ids[0],)
        field.candidates.reject([ids[1]])
        assert len(field.candidates) == len(cells) - 2
        with pytest.raises(InputError, match="no candidate"):
            field.candidates.accept(ids[1])
    again = LabelSession.open(plate, author="ann").field("field_0000")
    assert again.ids() == (ids[0],)
    assert again.candidates.propose(cells, source="model") == ids[2:]
    cell = again.cell(ids[0])
    assert cell.score == 1
    assert cell.tags["confidence"] == pytest.approx(0.2)
    np.testing.assert_array_equal(cell.patch.crop, cells.masks[0])
    assert again.undo() == "reject"
    assert set(again.candidates.ids()) == set(ids[1:])
    assert again.undo() == "accept"
    assert set(again.candidates.ids()) == set(ids)
    assert again.ids() == ()
    again.redo()
    assert again.ids() == (ids[0],)


def test_accept_all_goes_by_score_and_leaves_doubles(plate: Path, truth: list[Instances]) -> None:
    cells = scored(truth[0])
    field = LabelSession.open(plate).field("field_0000")
    drawn = field.commit(cells[[len(cells) - 1]])
    field.candidates.propose(cells)
    took = field.candidates.accept_all(min_score=0.5)
    wanted = int((cells.scores[:-1] >= 0.5).sum())
    assert len(took) == wanted
    assert len(field.cells()) == wanted + 1
    assert drawn in field.ids()
    assert field.undo() == "accept"
    assert len(field.candidates.accept_all(min_score=0.5, doubles=True)) == wanted + 1


def test_two_people_who_accept_one_mask_make_one_cell(plate: Path, truth: list[Instances]) -> None:
    ann, bob = (LabelSession.open(plate, author=a).field("field_0000") for a in ("ann", "bob"))
    for field in (ann, bob):
        field.candidates.propose(truth[0])
        field.candidates.accept_all()
    ann.session.refresh(), bob.session.refresh()
    assert len(ann.cells()) == len(truth[0])
    assert ann.ids() == bob.ids()
    first = ann.ids()[0]
    ann.edit.delete(first)
    bob.session.refresh()
    assert first not in bob.ids()


def test_a_mask_that_one_accepts_while_the_other_deletes_it_is_there(
    plate: Path, truth: list[Instances]
) -> None:
    ann, bob = (LabelSession.open(plate, author=a).field("field_0000") for a in ("ann", "bob"))
    ids = [f.candidates.propose(truth[0])[0] for f in (ann, bob)]
    ann.candidates.accept(ids[0])
    ann.edit.paint(ids[0], np.ones(ann.shape, bool))
    ann.edit.delete(ids[0])
    bob.candidates.accept(ids[1])
    ann.session.refresh(), bob.session.refresh()
    assert ann.ids() == bob.ids() == (ids[0],)
    np.testing.assert_array_equal(ann.cell(ids[0]).patch.crop, truth[0].masks[0])


def test_equal_masks_are_told_apart(plate: Path, truth: list[Instances]) -> None:
    twice = Instances.concatenate([truth[0], truth[0]])
    field = LabelSession.open(plate).field("field_0000")
    assert len(set(field.candidates.propose(twice))) == len(twice)


def test_a_segmenter_s_masks_are_on_the_plane_it_saw(plate: Path) -> None:
    field = LabelSession.open(plate).field("field_0000")
    ids = field.candidates.propose(segmenter("watershed"), plane=1, source="watershed")
    assert ids
    assert field.candidates.ids(1) == ids
    assert field.candidates.ids(0) == ()
    field.candidates.accept_all(plane=0)
    assert len(field.cells()) == 0
    field.candidates.accept_all(plane=1)
    assert {field.cell(i).planes for i in field.ids()} == {(1,)}
    other = field.candidates.propose(segmenter("watershed"), source="watershed")
    assert not set(other) & set(ids)


def test_a_new_proposal_takes_the_place_of_the_earlier_one(
    plate: Path, truth: list[Instances]
) -> None:
    field = LabelSession.open(plate).field("field_0000")
    field.candidates.propose(truth[0], source="a")
    field.candidates.propose(truth[0][:1], source="b", planes=2)
    field.candidates.propose(truth[0][1:2], source="a")
    assert len(field.candidates) == 2


def test_predictions_open_as_candidates_of_the_fields_of_the_same_name(
    plate: Path, truth: list[Instances], tmp_path: Path
) -> None:
    entries = [(f"field_000{i}", scored(truth[i])) for i in (0, 2)]
    path = tmp_path / "out" / "predictions.json"
    path.parent.mkdir()
    write_coco([*entries, ("elsewhere", truth[0])], path)
    session = LabelSession.open(plate)
    before = session.field("field_0000")
    assert session.use_predictions(path.parent, min_score=0.3) == 2
    for number, cells in ((0, truth[0]), (1, []), (2, truth[2])):
        field = session.field(f"field_000{number}")
        known = scored(cells).scores >= 0.3 if len(cells) else np.zeros(0)
        assert len(field.candidates) == known.sum()
    assert len(before.candidates) > 0
    assert not (plate / "journal" / session.journal.path.name).exists()
    write_coco([("elsewhere", truth[0])], path)
    with pytest.raises(InputError, match="same images"):
        session.use_predictions(path)


def test_a_class_that_only_the_predictions_have_comes_with_them(
    plate: Path, truth: list[Instances]
) -> None:
    cells = replace(truth[0], class_names=("spore",))
    field = LabelSession.open(plate).field("field_0000")
    ids = field.candidates.propose(cells)
    assert field.candidates.cells().class_names == ("cell", "spore")
    field.candidates.accept(ids[0])
    assert field.cell(ids[0]).class_name == "spore"
    assert field.session.class_names == ("cell", "spore")
