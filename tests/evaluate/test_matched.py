"""Fit and class of the cells matched at IoU 0.50."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings

from cellwright.evaluate.comparison import Comparison
from cellwright.evaluate.match import match
from cellwright.evaluate.matched import MATCHED, matched
from cellwright.types import InputError, Instances

from .small import flipped, overlapping, rows, same

NAN = pytest.approx(np.nan, nan_ok=True)


@pytest.mark.parametrize(
    ("truth", "pred", "wanted"),
    [
        ([], [], (0, 0, 0, NAN)),
        ([], [(0, 2)], (0, 0, 0, NAN)),
        ([(0, 2)], [], (0, 0, 0, NAN)),
        ([(0, 1)], [(0, 1)], (1, 1, 1, 1)),  # one pixel
        ([(0, 4)], [(0, 4), (0, 4)], (1 / 2, 1, 2 / 3, 1)),  # a duplicate
        ([(0, 4), (0, 4)], [(0, 4)], (1, 1 / 2, 2 / 3, 1)),  # full overlap
        ([(0, 4), (5, 9)], [(0, 3), (5, 7)], (1, 1, 1, (3 / 4 + 2 / 4) / 2)),
    ],
)
def test_hand_made(truth: list, pred: list, wanted: tuple) -> None:
    found = matched(rows(*truth), rows(*pred))
    for kind in ("masks", "boxes"):  # of one row of pixels, masks and boxes are the same
        assert tuple(found[kind][k] for k in ("precision", "recall", "f1", "iou")) == wanted
    assert found["labels"]["accuracy"] == (1 if len(truth) * len(pred) else NAN)


def test_boxes_are_not_masks() -> None:
    ring = np.ones((4, 4))
    ring[1:3, 1:3] = 0
    truth = Instances((8, 8), [[0, 0, 4, 4]], [ring])
    pred = Instances((8, 8), [[0, 0, 4, 3]], [np.eye(4, 3)])  # two of its three pixels inside
    found = matched(truth, pred)
    assert found["masks"] == {"precision": 0, "recall": 0, "f1": 0, "iou": NAN}
    assert found["boxes"] == {"precision": 1, "recall": 1, "f1": 1, "iou": 12 / 16}


def test_label_accuracy_asks_matched_cells_of_any_class() -> None:
    names = ("alive", "dead")
    truth = rows((0, 4), (5, 9), (10, 12), class_names=names, classes=[0, 1, 1])
    pred = rows((0, 4), (5, 9), class_names=names, classes=[0, 0])
    found = matched(truth, pred)
    assert found["labels"]["accuracy"] == 1 / 2
    assert found["masks"]["precision"] == 1 / 2  # a wrong class is a wrong cell
    assert found["masks"]["recall"] == 1 / 3


def test_crowds_are_not_counted() -> None:
    truth = rows((0, 8), (9, 12), tags=({"iscrowd": True}, {}))
    pred = rows((0, 2), (6, 11), (9, 12))
    found = matched(truth, pred)  # 2 of 5 pixels of the second are in the crowd: too few
    assert found["masks"]["precision"] == found["boxes"]["precision"] == 1 / 2
    assert found["masks"]["recall"] == found["boxes"]["recall"] == 1


def test_a_crowd_covers_by_masks_or_by_boxes() -> None:
    corner = Instances((8, 8), [[0, 0, 8, 8]], [np.eye(8)], tags=({"iscrowd": True},))
    pred = Instances((8, 8), [[0, 6, 2, 8]], [np.ones((2, 2))])
    sums = MATCHED.count(Comparison(corner, pred))
    assert (sums["masks_fp"], sums["boxes_fp"]) == (1, 0)


def test_bad_input_is_refused() -> None:
    with pytest.raises(InputError, match="same image"):
        matched(rows((0, 2)), rows((0, 2), width=9))
    with pytest.raises(InputError, match="class debris"):
        matched(rows((0, 4)), rows((0, 4), class_names=("debris", "cell")))


@settings(max_examples=50, deadline=None)
@given(overlapping, overlapping)
def test_properties(truth: Instances, pred: Instances) -> None:
    found = matched(truth, pred)
    (counts,) = match(truth, pred, [0.5])
    assert found["masks"]["f1"] * (2 * counts.tp + counts.fp + counts.fn) == pytest.approx(
        2 * counts.tp
    )
    assert not found["masks"]["iou"] < 0.5
    assert all(0 <= v <= 1 or np.isnan(v) for part in found.values() for v in part.values())
    assert same(found, matched(truth[::-1], pred[::-1]))
    assert same(found, matched(flipped(truth), flipped(pred)))
    if len(truth):
        perfect = matched(truth, truth)
        assert {v for part in perfect.values() for v in part.values()} == {1.0}
