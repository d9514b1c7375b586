"""Predictions with one kind of error taken away."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cellwright.evaluate.corrections import CORRECTIONS, correct
from cellwright.evaluate.cutting import divided, united
from cellwright.evaluate.errors import errors
from cellwright.evaluate.match import match
from cellwright.types import InputError, Instances

from .small import drawn, overlapping, rows, separate

NAMES = [c.name for c in CORRECTIONS]


def runs(cells: Instances) -> list[tuple]:
    """Columns and score of cells in one row, which must fill their boxes."""
    assert all(mask.all() for mask in cells.masks)
    return sorted(
        (b[1], b[3], round(float(s), 2))
        for b, s in zip(cells.boxes.tolist(), cells.scores, strict=True)
    )


@pytest.mark.parametrize(
    ("name", "truth", "pred", "wanted"),
    [
        # the second predicts the same cell again, the third touches none
        ("gt mask", [(0, 4)], [(0, 3), (2, 5), (8, 9)], [(0, 4, 0.8), (0, 4, 0.9), (8, 9, 0.7)]),
        ("gt mask", [(0, 4), (3, 9)], [(2, 6)], [(3, 9, 0.9)]),  # IoU 2/6 and 3/7
        ("gt mask", [(0, 4), (4, 8)], [(0, 8), (0, 4)], [(0, 4, 0.8), (4, 8, 0.9)]),  # of equals
        ("gt matched", [(0, 4), (5, 9)], [(0, 3), (0, 4), (5, 6), (10, 12)],
         [(0, 4, 0.8), (5, 6, 0.7)]),
        ("gt matched", [(0, 4), (4, 8)], [(0, 8)], [(0, 8, 0.9)]),  # best of both, kept once
        ("perfect ranking", [(0, 4), (5, 9)], [(0, 3), (0, 4), (5, 6)],
         [(0, 3, 0), (0, 4, 1), (5, 6, 0)]),
        ("perfect masks", [(0, 4), (4, 8)], [(0, 3), (2, 4), (7, 10)],
         [(0, 4, 0.9), (2, 4, 0.8), (4, 8, 0.7)]),
        ("perfect masks", [(0, 8)], [(7, 11)], [(7, 11, 0.9)]),  # IoU 1/11: too far off
        ("no splits", [(0, 8), (8, 11)], [(0, 3), (3, 8), (8, 11)], [(0, 8, 0.9), (8, 11, 0.7)]),
        ("no merges", [(0, 4), (6, 8)], [(0, 9), (9, 11)],
         [(0, 5, 0.9), (5, 9, 0.9), (9, 11, 0.8)]),
        ("no merges", [(0, 6), (3, 9)], [(0, 9)], [(0, 6, 0.9), (3, 9, 0.9)]),  # pieces overlap
        ("no misses", [(0, 4), (5, 9)], [(0, 4)], [(0, 4, 0.9), (5, 9, 1)]),
        ("no misses", [(0, 4), (4, 8)], [(0, 8)], [(0, 8, 0.9)]),  # merged, not missed
        ("no spurious", [(0, 4)], [(0, 4), (0, 4), (6, 8)], [(0, 4, 0.8), (0, 4, 0.9)]),
        ("no duplicates", [(0, 4)], [(0, 4), (0, 4), (6, 8)], [(0, 4, 0.9), (6, 8, 0.7)]),
    ],
)  # fmt: skip
def test_hand_made(name: str, truth: list, pred: list, wanted: list) -> None:
    scores = [0.9, 0.8, 0.7, 0.6][: len(pred)]
    found = correct(name, rows(*truth), rows(*pred, scores=scores))
    assert runs(found) == wanted


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(
    ("truth", "pred"),
    [
        (rows(), rows()),
        (rows(), rows((0, 2))),
        (rows((0, 2)), rows()),
        (rows((0, 1)), rows((0, 1))),
    ],
)
def test_sides_that_are_empty_or_right(name: str, truth: Instances, pred: Instances) -> None:
    found = correct(name, truth, pred)
    gone = name in ("gt matched", "no spurious") and not len(truth)
    added = name == "no misses" and not len(pred)
    assert len(found) == (0 if gone else len(truth) if added else len(pred))
    assert found.shape == pred.shape


@pytest.mark.parametrize("name", NAMES)
def test_what_is_known_of_cells_is_kept(name: str) -> None:
    names = ("alive", "dead")
    truth = rows((0, 4), (4, 8), (9, 12), class_names=names, classes=[1, 1, 0])
    pred = rows((0, 8), (9, 11), class_names=names[::-1], classes=[0, 1], scores=[0.5, 0.25],
                tags=({"source": "a"}, {"source": "b"}))  # fmt: skip
    found = correct(name, truth, pred)
    assert found.class_names == pred.class_names
    source = [tag["source"] for tag in found.tags if tag]
    assert set(source) == {"a", "b"}
    assert all(found.classes[k] == "ab".index(s) for k, s in enumerate(source))


def test_missed_cells_keep_their_class() -> None:
    truth = rows((0, 4), (5, 9), (10, 12), class_names=("x", "y", "z"), classes=[0, 1, 2])
    found = correct("no misses", truth, rows((0, 4), class_names=("y", "x"), classes=[1]))
    assert found.class_names == ("y", "x", "z")
    assert [found.class_names[k] for k in found.classes] == ["x", "y", "z"]
    one = correct("no misses", rows((0, 4), class_names=("nucleus",)), rows(class_names=("cell",)))
    assert (one.class_names, one.classes.tolist()) == (("cell",), [0])


def test_cells_tagged_as_crowds_are_not_added() -> None:
    truth = rows((0, 4), (5, 9), tags=({"iscrowd": True}, {}))
    assert runs(correct("no misses", truth, rows())) == [(5, 9, 1)]


def test_an_unknown_name_lists_the_known() -> None:
    with pytest.raises(InputError, match="gt mask, gt matched, perfect ranking"):
        correct("better", rows(), rows())


def test_a_mask_is_cut_along_cells() -> None:
    truth = drawn("11100 11100 00000 00222 00222")
    pred = drawn("11110 11111 11111 01111 00111")
    pieces = divided(truth, [0, 1], pred, 0)
    maps = np.zeros((2, 5, 5), dtype=int)
    for k, ((top, left, bottom, right), mask) in enumerate(pieces):
        maps[k, top:bottom, left:right] = mask
    assert (maps.sum(axis=0) == (pred.masks[0])).all()  # every pixel in one piece
    assert maps[0, :2, :4].all()
    assert maps[1, 3:, 2:].all()
    box, mask = united(pred, [0])
    assert box == (0, 0, 5, 5)
    assert (mask == pred.masks[0]).all()


def test_pieces_fill_their_boxes_and_stay_inside() -> None:
    truth = drawn("11110 10022 00022")
    pred = drawn("11110 00011 00011")
    found = correct("no merges", truth, pred)
    assert found.boxes.tolist() == [[1, 3, 3, 5], [0, 0, 1, 4]]
    assert all(mask.all() for mask in found.masks)


@pytest.mark.parametrize("name", NAMES)
@settings(max_examples=25, deadline=None)
@given(data=st.data())
def test_no_correction_loses_a_match(name: str, data: st.DataObject) -> None:
    truth, pred = data.draw(separate), data.draw(separate)
    found = correct(name, truth, pred)
    before, after = (match(truth, p, [0.5])[0] for p in (pred, found))
    assert after.tp >= before.tp
    assert (found.shape, found.class_names) == (pred.shape, pred.class_names)
    assert all(m.any() for m in found.masks)
    gone = {"no splits": "splits", "no merges": "merges", "no misses": "missed",
            "no spurious": "spurious", "no duplicates": "duplicates"}  # fmt: skip
    if name in ("no misses", "no spurious", "no duplicates"):
        assert errors(truth, found)[gone[name]] == 0


@pytest.mark.parametrize("name", [n for n in NAMES if n not in ("gt mask", "gt matched")])
@settings(max_examples=25, deadline=None)
@given(truth=overlapping, pred=overlapping)
def test_nor_where_cells_overlap(name: str, truth: Instances, pred: Instances) -> None:
    # with overlaps, two true cells may have the same best prediction, and it can go to one only
    before, after = (match(truth, p, [0.5])[0] for p in (pred, correct(name, truth, pred)))
    assert after.tp >= before.tp
    assert correct(name, truth, truth).scores.tolist() == [1.0] * len(truth)
