"""Scores against how often they are right."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cellwright.evaluate.calibration import BINS, CALIBRATION, calibration
from cellwright.evaluate.comparison import Comparison
from cellwright.evaluate.resample import draw, total
from cellwright.types import InputError, Instances

from .small import flipped, overlapping, rows, same

NAN = pytest.approx(np.nan, nan_ok=True)


@pytest.mark.parametrize(
    ("truth", "pred", "scores", "ece", "brier"),
    [
        ([], [], [], NAN, NAN),
        ([(0, 2)], [], [], NAN, NAN),
        ([], [(0, 2)], [0.9], 0.9, 0.81),
        ([(0, 1)], [(0, 1)], [1.0], 0, 0),
        ([(0, 4)], [(0, 4), (0, 4)], [1.0, 1.0], 0.5, 0.5),  # a duplicate is wrong
        ([(0, 4), (0, 4)], [(0, 4)], [0.8], 0.2, 0.04),
        # one bin, 1 of 2 right, mean score 0.52
        ([(0, 4)], [(0, 4), (6, 8)], [0.54, 0.5], 0.02, (0.46**2 + 0.5**2) / 2),
        # two bins, weighted by their cells
        ([(0, 4), (5, 9)], [(0, 4), (5, 9), (9, 11)], [0.8, 0.8, 0.3], 0.7 / 3, 0.17 / 3),
    ],
)
def test_hand_made(truth: list, pred: list, scores: list, ece: float, brier: float) -> None:
    found = calibration(rows(*truth), rows(*pred, scores=scores))
    assert found["ece"] == (ece if ece is NAN else pytest.approx(ece))
    assert found["brier"] == (brier if brier is NAN else pytest.approx(brier))
    assert sum(part["cells"] for part in found["bins"].values()) == len(pred)


def test_ends_of_the_bins() -> None:
    scores = [0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0, 0.0999]
    found = calibration(rows(), rows(*[(0, 1)] * 12, scores=scores))["bins"]
    assert list(found) == list(BINS)
    assert [part["cells"] for part in found.values()] == [2, 1, 1, 1, 1, 1, 1, 1, 1, 2]
    assert found["0.7-0.8"] == {"cells": 1, "score": pytest.approx(0.7), "precision": 0}
    assert calibration(rows(), rows())["bins"]["0.0-0.1"] == {
        "cells": 0, "score": NAN, "precision": NAN,
    }  # fmt: skip


def test_what_lies_in_a_crowd_is_left_out() -> None:
    truth = rows((0, 6), (8, 12), tags=({"iscrowd": True}, {}))
    found = calibration(truth, rows((0, 2), (8, 12), (6, 8), scores=[0.9, 0.9, 0.2]))
    assert found["bins"]["0.9-1.0"]["cells"] == 1
    assert found["ece"] == pytest.approx((0.1 + 0.2) / 2)


@pytest.mark.parametrize("wrong", [1.5, -0.1, np.nan])
def test_scores_beyond_one_are_refused(wrong: float) -> None:
    with pytest.raises(InputError, match="score"):
        calibration(rows((0, 2)), rows((0, 2), scores=[wrong]))


def test_resamples_at_once_are_resamples_one_by_one() -> None:
    truth, pred = rows((0, 4), (5, 8)), rows((0, 4), (8, 11), scores=[0.75, 0.35])
    sums = [CALIBRATION.count(Comparison(t, p)) for t, p in ((truth, pred), (pred, truth))]
    drawn = draw(2, 20)
    at_once = CALIBRATION.divide(total(sums, drawn))
    for k, times in enumerate(drawn):
        images = [s for s, n in zip(sums, times, strict=True) for _ in range(n)]
        one = CALIBRATION.divide(total(images))
        assert at_once["ece"][k] == pytest.approx(one["ece"])
        assert at_once["brier"][k] == pytest.approx(one["brier"])


def test_as_torchmetrics() -> None:
    torch = pytest.importorskip("torch")
    peer = pytest.importorskip("torchmetrics.functional.classification")
    draw = np.random.default_rng(3)
    scores = draw.random(200).round(4)
    right = draw.random(200) < scores**2
    cells = rows(*[(k, k + 1) for k in range(200)], width=200, scores=scores)
    found = calibration(cells[right], cells)
    error = peer.binary_calibration_error(
        torch.tensor(scores), torch.tensor(right, dtype=torch.int64), n_bins=10, norm="l1"
    )
    assert found["ece"] == pytest.approx(float(error), abs=1e-6)  # torchmetrics has float32
    assert found["brier"] == pytest.approx(np.mean((scores - right) ** 2), abs=1e-9)


@settings(max_examples=50, deadline=None)
@given(overlapping, overlapping, st.randoms(use_true_random=False))
def test_properties(truth: Instances, pred: Instances, draw: object) -> None:
    scores = [draw.random() for _ in range(len(pred))]  # type: ignore[attr-defined]
    scored = Instances(pred.shape, pred.boxes, pred.masks, scores)
    found = calibration(truth, scored)
    assert all(np.isnan(found[k]) or 0 <= found[k] <= 1 for k in ("ece", "brier"))
    assert same(found, calibration(flipped(truth), flipped(scored)))
    again = calibration(truth[::-1], scored[::-1])  # of equal pairs, either may be matched
    assert [p["cells"] for p in again["bins"].values()] == [
        p["cells"] for p in found["bins"].values()
    ]
    if len(truth):
        sure = calibration(truth, truth)  # all scores are 1 and all are right
        assert (sure["ece"], sure["brier"]) == (0, 0)
    # scores that are 1 for matched and 0 for others cannot be better
    right = np.zeros(len(pred))
    right[Comparison(truth, scored).matched(0.5).j] = 1
    if len(pred):
        assert calibration(truth, Instances(pred.shape, pred.boxes, pred.masks, right))["ece"] == 0
