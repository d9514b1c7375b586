"""Who gets the pixels where a new cell lies over earlier ones."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from cellwright.label.session import Field, LabelSession
from cellwright.types import InputError, Instances

Square = Callable[..., np.ndarray]


@pytest.fixture
def field(plate: Path) -> Field:
    return LabelSession.open(plate).field("field_0000")


def area(field: Field, id: str) -> int:
    return field.cell(id).patch.area


def test_allow_shares_the_pixels(field: Field, square: Square) -> None:
    a = field.commit(square(0, 0, 10))
    b = field.commit(square(0, 5, 10))
    assert (area(field, a), area(field, b)) == (100, 100)


def test_keep_pixels_leaves_them_to_the_earlier_cell(field: Field, square: Square) -> None:
    a = field.commit(square(0, 0, 10))
    b = field.commit(square(0, 5, 10), policy="keep-pixels")
    assert (area(field, a), area(field, b)) == (100, 50)
    np.testing.assert_array_equal(field.cell(b).patch.frame(), square(0, 5, 10) & ~square(0, 0, 10))
    with pytest.raises(InputError, match=f"all its pixels belong to {a}"):
        field.commit(square(2, 2, 4), policy="keep-pixels")
    assert len(field.cells()) == 2


def test_keep_objects_cuts_the_earlier_cell_unless_it_is_the_same_one(
    field: Field, square: Square
) -> None:
    a = field.commit(square(0, 0, 10))
    b = field.commit(square(0, 5, 10), policy="keep-objects")
    assert (area(field, a), area(field, b)) == (50, 100)
    assert field.undo() == "commit"
    assert area(field, a) == 100
    with pytest.raises(InputError, match=f"covers 80% of {a}, which is kept"):
        field.commit(square(0, 2, 10), policy="keep-objects")
    assert area(field, a) == 100
    inner = field.commit(square(2, 2, 4), policy="keep-objects")
    assert (area(field, a), area(field, inner)) == (84, 16)


@pytest.mark.parametrize(("covered", "kept"), [(74, False), (75, True)])
def test_three_quarters_of_a_cell_make_it_the_same(
    field: Field, square: Square, covered: int, kept: bool
) -> None:
    field.commit(square(0, 0, 10))
    new = square(30, 30, 20)
    new[np.unravel_index([r * field.shape[1] + c for r in range(10) for c in range(10)][:covered],
                         field.shape)] = True  # fmt: skip
    if kept:
        with pytest.raises(InputError, match="which is kept"):
            field.commit(new, policy="keep-objects")
    else:
        field.commit(new, policy="keep-objects")
        assert area(field, field.ids()[0]) == 26


def test_what_one_cell_of_a_step_took_is_gone_for_the_next(field: Field, square: Square) -> None:
    a = field.commit(square(0, 0, 10))
    boxes = np.array([[0, 0, 10, 6], [0, 6, 9, 10]])
    masks = tuple(np.ones((b[2] - b[0], b[3] - b[1]), bool) for b in boxes)
    ids = field.commit_all(Instances(field.shape, boxes, masks), policy="keep-objects")
    assert len(ids) == 1  # the second covers 36 of the 40 pixels that are left
    assert area(field, a) == 40


def test_only_cells_on_a_common_plane_count(field: Field, square: Square) -> None:
    a = field.commit(square(0, 0, 10), planes=0)
    b = field.commit(square(0, 5, 10), planes=[1, 2], policy="keep-pixels")
    assert area(field, b) == 100
    c = field.commit(square(0, 5, 10), planes=None, policy="allow")
    d = field.commit(square(5, 5, 10), planes=[0, 1], policy="keep-objects")
    assert (area(field, a), area(field, b), area(field, c), area(field, d)) == (75, 50, 50, 100)


def test_the_policy_holds_among_the_cells_of_one_step(field: Field, square: Square) -> None:
    boxes = np.array([[0, 0, 10, 10], [0, 5, 10, 15], [0, 5, 10, 15]])
    cells = Instances(field.shape, boxes, tuple(np.ones((10, 10), bool) for _ in boxes))
    ids = field.commit_all(cells, policy="keep-pixels")
    assert [area(field, i) for i in ids] == [100, 50]
    field.undo()
    ids = field.commit_all(cells, policy="keep-objects")
    assert [area(field, i) for i in ids] == [50, 100]
    field.undo()
    assert len(field.commit_all(cells)) == 3


def test_painting_obeys_the_policy(field: Field, square: Square) -> None:
    a, b = field.commit(square(0, 0, 10)), field.commit(square(0, 20, 10))
    field.edit.paint(a, square(0, 15, 10), policy="keep-pixels")
    assert (area(field, a), area(field, b)) == (150, 100)
    field.undo()
    field.edit.paint(a, square(0, 15, 10), policy="keep-objects")
    assert (area(field, a), area(field, b)) == (200, 50)
    field.undo()
    field.edit.paint(a, square(0, 15, 10))
    assert (area(field, a), area(field, b)) == (200, 100)
    with pytest.raises(InputError, match="nothing was painted"):
        field.edit.paint(a, square(0, 25, 5), policy="keep-pixels")
    before = field.can_undo
    field.edit.paint(a, square(0, 0, 5))
    assert field.can_undo == before


def test_the_session_s_policy_is_the_default(plate: Path, square: Square) -> None:
    field = LabelSession.open(plate, policy="keep-pixels").field("field_0000")
    field.commit(square(0, 0, 10))
    assert area(field, field.commit(square(0, 5, 10))) == 50
    assert area(field, field.commit(square(0, 5, 10), policy="allow")) == 100
