"""Every metric keeps the contract: sums of an image, figures of sums, nothing else."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cellwright.evaluate.comparison import Comparison
from cellwright.evaluate.headlines import flatten
from cellwright.evaluate.metric import Metric
from cellwright.evaluate.metrics import METRICS, metric
from cellwright.evaluate.resample import draw, total
from cellwright.evaluate.scores import defined
from cellwright.geometry import flip, from_label_map
from cellwright.types import InputError, Instances

NAMES = [m.name for m in METRICS]
CLASSES = ("cell", "nucleus")


def cells(seed: int, shape: tuple[int, int] = (24, 30), count: int = 7) -> Instances:
    """Overlapping rectangles and crosses of two classes with distinct scores."""
    rng = np.random.default_rng(seed)
    boxes, masks = [], []
    for _ in range(count):
        rows, columns = rng.integers(1, 9, size=2)
        row, column = rng.integers(0, shape[0] - rows + 1), rng.integers(0, shape[1] - columns + 1)
        mask = np.ones((rows, columns), dtype=bool)
        if min(rows, columns) > 3:
            mask[0, 0] = mask[-1, -1] = False
        boxes.append((row, column, row + rows, column + columns))
        masks.append(mask)
    return Instances(
        shape, boxes, tuple(masks), rng.permutation(count) / count + 0.01,
        rng.integers(0, 2, size=count), CLASSES,
    )  # fmt: skip


def nudged(truth: Instances, seed: int) -> Instances:
    """Some of the cells, moved by a pixel, some twice, and one that is not there."""
    rng = np.random.default_rng(seed)
    keep = rng.integers(0, max(len(truth), 1), size=len(truth))
    moved = truth[keep] if len(truth) else truth
    step = rng.integers(-1, 2, size=(len(moved), 2))
    low = np.clip(moved.boxes[:, :2] + step, 0, None)
    sides = moved.boxes[:, 2:] - moved.boxes[:, :2]
    low = np.minimum(low, np.array(truth.shape) - sides)
    scores = rng.permutation(len(moved)) / max(len(moved), 1) + 0.005
    return Instances(
        truth.shape, np.hstack([low, low + sides]), moved.masks, scores, moved.classes, CLASSES
    )


def same(a: Mapping[str, Any], b: Mapping[str, Any]) -> bool:
    first, second = flatten(a), flatten(b)
    return first.keys() == second.keys() and all(
        np.allclose(first[k], second[k], atol=1e-12, equal_nan=True) for k in first
    )


@pytest.mark.parametrize("known", METRICS, ids=NAMES)
@given(seed=st.integers(0, 10**6))
@settings(max_examples=12, deadline=None)
def test_order_and_flips_do_not_matter(known: Metric, seed: int) -> None:
    truth = cells(seed)
    pred = nudged(truth, seed + 1)
    wanted = known(truth, pred)
    rng = np.random.default_rng(seed)
    mixed = known(truth[rng.permutation(len(truth))], pred[rng.permutation(len(pred))])
    assert same(mixed, wanted)
    for axis in (0, 1):
        assert same(known(flip(truth, axis), flip(pred, axis)), wanted)


@pytest.mark.parametrize("known", METRICS, ids=NAMES)
def test_figures_of_resamples_are_those_of_each(known: Metric) -> None:
    rows = [known.count(Comparison(t := cells(k), nudged(t, k + 9))) for k in range(4)]
    rows.append(known.count(Comparison(cells(9, count=0), cells(9, count=0))))
    drawn = draw(len(rows), 6, seed=3)
    together = flatten(known.divide(total(rows, drawn)))
    for b, times in enumerate(drawn):
        again = [row for row, n in zip(rows, times, strict=True) for _ in range(n)]
        alone = flatten(known.divide(total(again)))
        for path in alone:
            found = np.broadcast_to(together[path], len(drawn))[b]
            assert found == pytest.approx(alone[path], abs=1e-12, nan_ok=True), path


@pytest.mark.parametrize("known", METRICS, ids=NAMES)
@pytest.mark.parametrize("sides", ["neither", "truth", "prediction"])
def test_empty_sides_have_figures(known: Metric, sides: str) -> None:
    some, none = cells(1), cells(1, count=0)
    truth = some if sides == "truth" else none
    pred = some if sides == "prediction" else none
    figures = known(truth, pred)
    assert figures
    assert json.loads(json.dumps(defined(figures), allow_nan=False))


@pytest.mark.parametrize("known", METRICS, ids=NAMES)
def test_inputs_are_left_as_they_are(known: Metric) -> None:
    truth = cells(5)
    pred = nudged(truth, 6)
    before = [m.copy() for m in (*truth.masks, *pred.masks)], truth.boxes.copy()
    known(truth, pred)
    assert all(np.array_equal(a, b) for a, b in zip(before[0], (*truth.masks, *pred.masks),
                                                    strict=True))  # fmt: skip
    assert np.array_equal(before[1], truth.boxes)


@pytest.mark.parametrize("known", METRICS, ids=NAMES)
def test_one_pixel_and_one_row_frames(known: Metric) -> None:
    for frame in (np.array([[1]]), np.array([[0, 1, 1, 2]]), np.array([[1], [2]])):
        assert known(from_label_map(frame), from_label_map(frame))


def test_names_are_known_and_distinct() -> None:
    assert len(set(NAMES)) == len(METRICS) == 15
    assert metric("panoptic") in METRICS
    with pytest.raises(InputError, match="known are matching, matched"):
        metric("dice")
