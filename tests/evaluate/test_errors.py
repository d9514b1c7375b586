"""Splits, merges, misses, false ones and duplicates."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings

from cellwright.evaluate.comparison import Comparison
from cellwright.evaluate.errors import ERRORS, PRED_KINDS, TRUE_KINDS, errors, kinds
from cellwright.evaluate.match import match
from cellwright.evaluate.pieces import merging_predictions, split_cells
from cellwright.types import InputError, Instances

from .small import drawn, flipped, overlapping, rows, same, separate

SHORT = {"f": "found", "s": "split", "m": "merged", "-": "missed", "c": "crowd"} | {
    "R": "right", "P": "part", "M": "merge", "D": "duplicate", "X": "spurious", "I": "ignored",
}  # fmt: skip


def named(truth: Instances, pred: Instances) -> tuple[list, list]:
    true, found = kinds(Comparison(truth, pred))
    return true.tolist(), found.tolist()


@pytest.mark.parametrize(
    ("truth", "pred", "true_kinds", "pred_kinds"),
    [
        ([], [], "", ""),
        ([], [(0, 2)], "", "X"),
        ([(0, 2)], [], "-", ""),
        ([(0, 1)], [(0, 1)], "f", "R"),  # one pixel
        ([(0, 8)], [(0, 3)], "-", "X"),  # fits too badly
        ([(0, 4)], [(0, 4), (0, 4)], "f", "RD"),
        ([(0, 4)], [(0, 4), (0, 3), (1, 4)], "f", "RDD"),
        ([(0, 9)], [(0, 6), (3, 9)], "f", "RD"),  # though it brings pixels of its own
        # splits
        ([(0, 8)], [(0, 4), (4, 8)], "s", "PP"),  # two exact halves, IoU 0.5 each
        ([(0, 8)], [(0, 5), (5, 8)], "s", "PP"),
        ([(0, 9)], [(0, 3), (3, 6), (6, 9)], "s", "PPP"),  # none of them matches
        ([(0, 8)], [(0, 5), (6, 10)], "s", "PP"),  # half of the second lies in the cell
        ([(0, 8)], [(0, 5), (7, 10)], "f", "RX"),  # a third of it does
        ([(0, 11)], [(0, 10), (10, 11)], "f", "RX"),  # a speck is no part
        ([(0, 10)], [(0, 9), (9, 10)], "s", "PP"),  # a tenth is
        ([(0, 8)], [(0, 8), (2, 5)], "f", "RX"),  # one inside the other brings nothing
        ([(0, 8)], [(0, 4), (0, 4)], "f", "RD"),  # the same half twice
        ([(0, 9)], [(0, 4), (0, 4)], "-", "XX"),  # and too small to match
        ([(0, 10)], [(0, 3), (0, 4)], "-", "XX"),  # the larger comes first
        ([(0, 9)], [(0, 7), (5, 12)], "f", "RX"),  # most of what it brings lies outside
        ([(0, 6), (6, 12)], [(0, 4), (4, 8), (8, 12)], "sf", "PPR"),  # a part of one cell only
        # merges
        ([(0, 4), (4, 8)], [(0, 8)], "mm", "M"),
        ([(0, 5), (5, 8)], [(0, 8)], "mm", "M"),
        ([(0, 3), (3, 6), (6, 9)], [(0, 9)], "mmm", "M"),
        ([(0, 5), (7, 10)], [(0, 8)], "f-", "R"),  # a third of the second is covered
        ([(0, 5), (6, 10)], [(0, 8)], "mm", "M"),  # half is
        ([(0, 10), (10, 11)], [(0, 11)], "f-", "R"),  # the second is a speck
        # cells over one another
        ([(0, 6), (3, 9)], [(0, 6), (3, 9)], "ff", "RR"),
        ([(0, 6), (2, 8)], [(0, 6), (2, 8)], "ff", "RR"),
        ([(0, 6), (1, 7)], [(0, 6), (1, 7)], "ff", "RR"),
        ([(0, 6), (0, 6)], [(0, 6), (0, 6)], "ff", "RR"),
        ([(0, 8), (2, 5)], [(0, 8), (2, 5)], "ff", "RR"),  # one inside the other
        ([(0, 6), (2, 8)], [(0, 6)], "f-", "R"),  # the second is hidden, not merged
        ([(0, 6), (2, 8)], [(0, 8)], "mm", "M"),  # one outline around both
        ([(0, 6), (0, 6)], [(0, 6)], "f-", "R"),
        ([(0, 6), (2, 8)], [(0, 6), (2, 8), (2, 8)], "ff", "RRD"),
        ([(0, 6), (4, 10)], [(0, 6), (4, 7), (7, 10)], "fs", "RPP"),
        # split and merged at once: the second joins what the first leaves to another cell
        ([(0, 8), (8, 10)], [(0, 2), (2, 10)], "sm", "PM"),
        ([(0, 6), (6, 8)], [(0, 3), (3, 8)], "s-", "PP"),  # most of the second lies in the first
    ],
)  # fmt: skip
def test_kinds(truth: list, pred: list, true_kinds: str, pred_kinds: str) -> None:
    wanted = [SHORT[k] for k in true_kinds], [SHORT[k] for k in pred_kinds]
    assert named(rows(*truth), rows(*pred)) == wanted


def test_kinds_of_an_image() -> None:
    truth = drawn("11100222 11100222 00000000 33334444 33334444 00000000 55000066 55000066")
    pred = drawn("11200333 11200333 00000000 44444444 44444444 00000000 00770088 00000088")
    assert named(truth, pred) == (
        ["split", "found", "merged", "merged", "missed", "found"],
        ["part", "part", "right", "merge", "spurious", "right"],
    )
    assert errors(truth, pred) == {
        "splits": 1, "merges": 1, "missed": 1, "spurious": 1, "duplicates": 0,
        "split_rate": 1 / 6, "merge_rate": 1 / 6, "missed_rate": 1 / 6, "spurious_rate": 1 / 6,
        "duplicate_rate": 0,
    }  # fmt: skip
    assert split_cells(Comparison(truth, pred)) == {0: [0, 1]}
    assert merging_predictions(Comparison(truth, pred)) == {3: [2, 3]}


def test_a_wrong_class_is_a_miss_and_a_false_cell() -> None:
    names = ("alive", "dead")
    truth = rows((0, 4), (5, 9), class_names=names, classes=[0, 1])
    pred = rows((0, 4), (5, 9), class_names=names, classes=[0, 0])
    assert named(truth, pred) == (["found", "missed"], ["right", "spurious"])


def test_crowds_take_no_part() -> None:
    truth = rows((0, 6), (8, 12), tags=({"iscrowd": True}, {}))
    pred = rows((0, 3), (3, 6), (8, 12), (7, 8))
    assert named(truth, pred) == (
        ["crowd", "found"],
        ["ignored", "ignored", "right", "spurious"],
    )
    assert errors(truth, pred)["spurious_rate"] == 1 / 2


def test_rates_are_per_true_cell_or_per_prediction() -> None:
    halves, whole = rows((0, 4), (4, 8)), rows((0, 8))
    assert errors(whole, halves)["split_rate"] == 1
    assert errors(halves, whole)["merge_rate"] == 1
    assert errors(halves, rows())["missed_rate"] == 1
    assert errors(whole, rows((0, 8), (9, 10)))["spurious_rate"] == 1 / 2
    assert errors(whole, rows((0, 8), (0, 8)))["duplicate_rate"] == 1 / 2


def test_rates_of_nothing_are_zero() -> None:
    assert set(errors(rows(), rows()).values()) == {0}
    assert set(ERRORS.divide({}).values()) == {0}


def test_frames_must_be_the_same() -> None:
    with pytest.raises(InputError, match="same image"):
        errors(rows((0, 2)), rows((0, 2), width=9))


@settings(max_examples=80, deadline=None)
@given(overlapping, overlapping)
def test_overlapping_cells(truth: Instances, pred: Instances) -> None:
    true, found = kinds(Comparison(truth, pred))
    assert set(true) <= set(TRUE_KINDS)
    assert set(found) <= set(PRED_KINDS)
    (counts,) = match(truth, pred, [0.5])
    assert np.count_nonzero(true == "found") <= counts.tp
    assert np.count_nonzero(true == "missed") <= counts.fn
    figures = errors(truth, pred)
    assert all(0 <= figures[k] <= 1 for k in figures if k.endswith("rate"))
    assert same(figures, errors(flipped(truth), flipped(pred)))
    assert set(errors(truth, truth).values()) == {0}


@settings(max_examples=80, deadline=None)
@given(separate, separate)
def test_cells_apart(truth: Instances, pred: Instances) -> None:
    seen = Comparison(truth, pred)
    figures, other = errors(truth, pred), errors(pred, truth)
    assert figures["duplicates"] == 0
    assert (figures["splits"], figures["merges"]) == (other["merges"], other["splits"])
    # where nothing overlaps, shares of the pairs are enough
    pairs, matched = seen.masks, seen.matched(0.5)
    shared = np.zeros((len(truth), len(pred)))
    shared[pairs.i, pairs.j] = pairs.shared
    parts = (2 * shared >= seen.pred_areas) & (10 * shared >= seen.true_areas[:, None])
    parts[:, matched.j] = False
    parts[matched.i, matched.j] = True
    if (parts.sum(axis=0) <= 1).all():  # no prediction lies half in one, half in another cell
        wanted = {i: set(np.flatnonzero(parts[i])) for i in range(len(truth)) if parts[i].sum() > 1}
        assert {i: set(found) for i, found in split_cells(seen).items()} == wanted
