"""Cells that are cut, joined and redrawn."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from cellwright.label.session import Field, LabelSession
from cellwright.types import InputError

Square = Callable[..., np.ndarray]


@pytest.fixture
def field(plate: Path) -> Field:
    return LabelSession.open(plate).field("field_0000")


def frame(field: Field, id: str) -> np.ndarray:
    return field.cell(id).patch.frame()


def test_a_line_parts_a_cell_and_every_pixel_stays(field: Field, square: Square) -> None:
    whole = square(10, 10, 20)
    a = field.commit(whole, class_name="Alive", tags={"mark": 3}, planes=1)
    ids = field.edit.split(a, line=[(8, 14), (40, 14)])
    assert ids[0] == a
    left, right = frame(field, ids[1]), frame(field, a)
    np.testing.assert_array_equal(left | right, whole)
    assert not (left & right).any()
    assert 80 <= left.sum() <= 100
    assert left[:, 15:].sum() == 0
    new = field.cell(ids[1])
    assert (new.class_name, new.tags["mark"], new.planes) == ("Alive", 3, (1,))
    assert new.tags["parent"] == a
    field.undo()
    np.testing.assert_array_equal(frame(field, a), whole)
    assert field.ids() == (a,)


def test_a_slanting_and_a_bent_line_part_a_cell(field: Field, square: Square) -> None:
    a = field.commit(square(10, 10, 20))
    assert len(field.edit.split(a, line=[(5, 7), (33, 35)])) == 2
    field.undo()
    bent = field.edit.split(a, line=[(8, 15), (20, 15), (20, 32)])
    assert len(bent) == 2
    assert frame(field, bent[1]).sum() < frame(field, a).sum()


def test_a_line_that_does_not_cross_is_refused(field: Field, square: Square) -> None:
    a = field.commit(square(10, 10, 20))
    for line in ([(8, 14), (20, 14)], [(0, 0), (0, 60)], [(9, 9), (12, 9)]):
        with pytest.raises(InputError, match="edge to edge"):
            field.edit.split(a, line=line)
    with pytest.raises(InputError, match="two points"):
        field.edit.split(a, line=[(8, 14)])


def test_a_cell_in_pieces_is_not_parted_by_a_line_beside_it(field: Field, square: Square) -> None:
    a = field.commit(square(0, 0, 6) | square(30, 30, 6))
    with pytest.raises(InputError, match="edge to edge"):
        field.edit.split(a, line=[(20, 0), (20, 60)])
    assert len(field.edit.split(a, line=[(-1, 3), (9, 3)])) == 3


def test_markers_part_touching_discs(field: Field) -> None:
    r, c = np.indices(field.shape)
    one, two = ((r - 30) ** 2 + (c - x) ** 2 <= 100 for x in (25, 42))
    a = field.commit(one | two)
    ids = field.edit.split(a, markers=[(30, 22), (30, 45)])
    found = sorted((frame(field, i) for i in ids), key=lambda m: np.nonzero(m)[1].mean())
    for got, wanted in zip(found, (one & ~two, two & ~one), strict=True):
        assert (got & wanted).sum() / wanted.sum() > 0.95
    np.testing.assert_array_equal(found[0] | found[1], one | two)


@pytest.mark.parametrize(
    ("markers", "message"),
    [
        ([(30, 30), (0, 0)], "not on the cell"),
        ([(30, 30)], "two markers"),
        ([(30, 30), (30.2, 30)], "two markers"),
        ([(30, 30), (200, 3)], "not on the cell"),
    ],
)
def test_markers_that_part_nothing_are_refused(
    field: Field, square: Square, markers: list, message: str
) -> None:
    a = field.commit(square(20, 20, 20))
    with pytest.raises(InputError, match=message):
        field.edit.split(a, markers=markers)


def test_merging_joins_pixels_and_planes(field: Field, square: Square) -> None:
    a = field.commit(square(0, 0), planes=0, class_name="Dead")
    b = field.commit(square(0, 6), planes=[1, 2])
    c = field.commit(square(50, 50))
    assert field.edit.merge([a, b, a]) == a
    np.testing.assert_array_equal(frame(field, a), square(0, 0) | square(0, 6))
    assert (field.cell(a).planes, field.cell(a).class_name) == ((0, 1, 2), "Dead")
    field.edit.merge([c, a])
    assert field.cell(c).planes is None
    assert field.ids() == (c,)
    field.undo(), field.undo()
    assert field.ids() == (a, b, c)
    assert field.cell(b).planes == (1, 2)


def test_erasing_everything_deletes_and_undo_brings_it_back(field: Field, square: Square) -> None:
    a = field.commit(square(0, 0))
    field.edit.erase(a, square(40, 40))
    assert field.can_undo == 1
    field.edit.erase(a, square(0, 0, 30))
    assert field.ids() == ()
    with pytest.raises(InputError, match="no cell"):
        field.edit.paint(a, square(0, 0))
    field.undo()
    np.testing.assert_array_equal(frame(field, a), square(0, 0))


def test_redrawing_gives_just_the_new_pixels(field: Field, square: Square) -> None:
    a = field.commit(square(0, 0))
    field.edit.redraw(a, square(4, 4))
    np.testing.assert_array_equal(frame(field, a), square(4, 4))
    assert field.cell(a).patch.box == (4, 4, 12, 12)
    field.edit.redraw(a, square(4, 4))
    assert field.can_undo == 2
    again = LabelSession.open(field.session.dataset.root).field("field_0000")
    np.testing.assert_array_equal(frame(again, a), square(4, 4))


def test_a_new_class_joins_those_of_the_session(field: Field, square: Square) -> None:
    a = field.commit(square(0, 0))
    assert field.session.class_names == ("cell",)
    field.edit.relabel(a, " spore ")
    assert field.session.class_names == ("cell", "spore")
    assert field.cells().classes.tolist() == [1]
    again = LabelSession.open(field.session.dataset.root, classes=("Alive", "Dead"))
    assert again.class_names == ("cell", "Alive", "Dead", "spore")
    b = again.field("field_0000").commit(square(20, 20))
    assert again.field("field_0000").cell(b).class_name == "Alive"


def test_a_label_map_that_was_painted_on_is_taken_up_and_overlaps_stay(
    field: Field, square: Square
) -> None:
    a, b = field.commit(square(0, 0, 10)), field.commit(square(0, 5, 10) & ~square(0, 5, 2))
    c = field.commit(square(40, 40))
    before, ids = field.labels()
    assert ids == (a, b, c)
    np.testing.assert_array_equal(before == 2, frame(field, b))
    after = before.copy()
    after[20:24, 0:4] = 1  # a is painted on, elsewhere
    after[before == 3] = 0  # c is wiped out
    after[60:66, 60:66] = 9  # a new cell
    after[0, 5:8] = 2  # b over pixels of a
    steps = field.can_undo
    (new,) = field.edit.painted(after, before, ids, plane=1, class_name="Dead")
    assert field.can_undo == steps + 1
    assert field.ids() == (a, b, new)
    corner = np.zeros(field.shape, bool)
    corner[20:24, 0:4] = True
    np.testing.assert_array_equal(frame(field, a), square(0, 0, 10) | corner)
    assert frame(field, b)[0, 5:8].all()
    assert frame(field, b).sum() == 96 + 2
    assert (field.cell(new).planes, field.cell(new).class_name) == ((1,), "Dead")
    field.undo()
    assert field.ids() == (a, b, c)
    field.edit.painted(after, before, ids, policy="keep-pixels")
    assert not frame(field, b)[0, 5:7].any()
    field.undo()
    field.edit.painted(after, before, ids, policy="keep-objects")
    assert frame(field, b)[0, 5:8].all()
    assert not frame(field, a)[0, 5:7].any()
    field.undo()
    steps = field.can_undo
    assert field.edit.painted(before, before, ids) == ()
    assert field.can_undo == steps


def test_painting_on_a_cell_that_somebody_deleted_meanwhile_is_not_lost(
    field: Field, square: Square
) -> None:
    a = field.commit(square(0, 0))
    before, ids = field.labels()
    field.edit.delete(a)
    after = before.copy()
    after[30:35, 30:35] = 1
    (new,) = field.edit.painted(after, before, ids)
    np.testing.assert_array_equal(frame(field, new), square(30, 30, 5))
