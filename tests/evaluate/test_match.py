"""Matching: hand-made cases, StarDist's figures, overlapping masks, classes, crowds."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cellwright.evaluate.assign import assign
from cellwright.evaluate.match import THRESHOLDS, MatchCounts, match, pairs
from cellwright.geometry import from_label_map
from cellwright.types import InputError, Instances


def rows(*runs: tuple[int, int], width: int = 12, **facts: object) -> Instances:
    """Cells in one row of pixels, each from column a to column b (not included)."""
    boxes = [(0, a, 1, b) for a, b in runs]
    return Instances((1, width), boxes, tuple(np.ones((1, b - a)) for a, b in runs), **facts)


def counts(truth: Instances, pred: Instances, threshold: float) -> tuple[int, int, int]:
    (found,) = match(truth, pred, [threshold])
    return found.tp, found.fp, found.fn


def test_thresholds_are_the_decimals() -> None:
    assert THRESHOLDS == (0.5, 0.55, 0.6, 0.65, 0.7, 0.75, 0.8, 0.85, 0.9, 0.95)


@pytest.mark.parametrize(
    ("truth", "pred", "threshold", "wanted"),
    [
        ([], [], 0.5, (0, 0, 0)),
        ([], [(0, 2)], 0.5, (0, 1, 0)),
        ([(0, 2)], [], 0.5, (0, 0, 1)),
        ([(0, 1)], [(0, 1)], 1.0, (1, 0, 0)),  # one pixel
        ([(0, 4)], [(0, 2)], 0.5, (1, 0, 0)),  # exactly the threshold counts
        ([(0, 5)], [(0, 3)], 0.6, (1, 0, 0)),  # 3/5 is the float 0.6
        ([(0, 10)], [(0, 7)], 0.7, (1, 0, 0)),
        ([(0, 4)], [(0, 2)], 0.55, (0, 1, 1)),
        ([(0, 4)], [(0, 4), (0, 4)], 0.5, (1, 1, 0)),  # a duplicate is wrong
        ([(0, 4), (0, 4)], [(0, 4)], 0.5, (1, 0, 1)),  # two true cells on one another
        ([(0, 8)], [(0, 4), (4, 8)], 0.5, (1, 1, 0)),  # split
        ([(0, 2), (2, 8)], [(0, 8)], 0.5, (1, 0, 1)),  # merge
        # the best partner of the first is the only one of the second
        ([(0, 6), (0, 4)], [(0, 6), (0, 9)], 0.5, (2, 0, 0)),
    ],
)
def test_hand_made(truth: list, pred: list, threshold: float, wanted: tuple) -> None:
    assert counts(rows(*truth), rows(*pred), threshold) == wanted


def test_most_pairs_win_over_the_best_pair() -> None:
    # true 0 fits prediction 0 best (5/6), but only true 1 can be given to prediction 0 as well
    truth, pred = rows((0, 6), (0, 4)), rows((0, 5), (0, 8))
    i, j, iou = pairs(truth, pred, 0.7)
    assert i.tolist() == [0, 1]
    assert j.tolist() == [1, 0]
    assert iou == pytest.approx([6 / 8, 4 / 5])


def test_assign_takes_the_larger_sum_among_most_pairs() -> None:
    i, j = np.array([0, 0, 1, 1]), np.array([0, 1, 0, 1])
    chosen = assign(i, j, np.array([0.9, 0.6, 0.6, 0.9]), 0.5)
    assert chosen.tolist() == [0, 3]


def test_classes_meet_by_name() -> None:
    names = ("cell", "nucleus")
    truth = rows((0, 4), (6, 9), class_names=names, classes=[0, 1])
    same = rows((0, 4), (6, 9), class_names=names[::-1], classes=[1, 0])
    wrong = rows((0, 4), (6, 9), class_names=names, classes=[1, 1])
    assert counts(truth, same, 0.5) == (2, 0, 0)
    assert counts(truth, wrong, 0.5) == (1, 1, 1)
    assert counts(rows((0, 4), class_names=("x",)), rows((0, 4)), 0.5) == (1, 0, 0)
    with pytest.raises(InputError, match="class debris"):
        match(truth, rows((0, 4), class_names=("debris", "cell")), [0.5])


def test_crowds_are_not_counted() -> None:
    tags = ({"iscrowd": True}, {"iscrowd": False})
    truth = rows((0, 8), (9, 12), tags=tags)
    pred = rows((0, 2), (3, 5), (6, 11), (9, 12))
    # two lie in the crowd, one only for 2 of 5 pixels, one is right
    assert counts(truth, pred, 0.5) == (1, 1, 0)
    assert pairs(truth, pred)[0].tolist() == [1]


def test_bad_input_is_refused() -> None:
    with pytest.raises(InputError, match="same image"):
        match(rows((0, 2)), rows((0, 2), width=9), [0.5])
    with pytest.raises(InputError, match="threshold"):
        match(rows((0, 2)), rows((0, 2)), [0.0])


def test_ratios_of_nothing_are_zero() -> None:
    assert MatchCounts().figures() == dict.fromkeys(
        ("tp", "fp", "fn", "accuracy", "precision", "recall", "f1", "fnr"), 0
    )


@pytest.mark.parametrize("sizes", [(1, 1), (3, 1), (0, 2), (2, 0), (0, 0)])
def test_hand_made_label_images_as_in_stardist(sizes: tuple[int, int]) -> None:
    matching = pytest.importorskip("stardist.matching").matching
    true, pred = np.zeros((8, 8), np.int32), np.zeros((8, 8), np.int32)
    for k in range(sizes[0]):
        true[2 * k : 2 * k + 2, :6] = k + 1
    for k in range(sizes[1]):
        pred[3 * k : 3 * k + 3, 1:7] = 10 * k + 5
    ours = match(from_label_map(true), from_label_map(pred), THRESHOLDS)
    theirs = matching(true, pred, thresh=THRESHOLDS)
    for a, b in zip(ours, theirs, strict=True):
        names = a.figures().keys() - {"fnr"}
        assert {n: a.figures()[n] for n in names} == {
            n: pytest.approx(getattr(b, n), abs=1e-12) for n in names
        }
        assert a.figures()["fnr"] == pytest.approx(b.fn / max(1, b.tp + b.fn))


run = st.tuples(st.integers(0, 10), st.integers(1, 6)).map(lambda r: (r[0], r[0] + r[1]))
cells = st.lists(run, max_size=6).map(lambda found: rows(*found, width=16))


@settings(max_examples=60, deadline=None)
@given(cells, cells)
def test_bounds_symmetry_and_monotony(truth: Instances, pred: Instances) -> None:
    found = match(truth, pred)
    assert [c.tp + c.fn for c in found] == [len(truth)] * 10
    assert [c.tp + c.fp for c in found] == [len(pred)] * 10
    assert [c.tp for c in found] == sorted((c.tp for c in found), reverse=True)
    assert [c.tp for c in match(pred, truth)] == [c.tp for c in found]
    assert [c.tp for c in match(truth[::-1], pred)] == [c.tp for c in found]
    assert {c.accuracy for c in match(truth, truth)} == {1.0 if len(truth) else 0.0}
