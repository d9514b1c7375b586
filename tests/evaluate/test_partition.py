"""Adapted Rand scores and variation of information: scikit-image's figures, hand-made cases."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from cellwright.evaluate import partition
from cellwright.evaluate.comparison import Comparison
from cellwright.evaluate.partition import PARTITION, contingency, partition_scores
from cellwright.geometry import flip, from_label_map, from_masks, to_label_map
from cellwright.types import Instances

RAND = ("rand_error", "rand_precision", "rand_recall")
INFORMATION = ("vi_split", "vi_merge", "vi")


def row(*runs: tuple[int, int], width: int = 8, **facts: object) -> Instances:
    """Cells in one row of pixels, each from column a to column b (not included)."""
    boxes = [(0, a, 1, b) for a, b in runs]
    return Instances((1, width), boxes, tuple(np.ones((1, b - a)) for a, b in runs), **facts)


def as_in_skimage(truth: Instances, pred: Instances) -> dict[str, float]:
    """What scikit-image says of the label maps; its precision and recall change names."""
    metrics = pytest.importorskip("skimage.metrics")
    a, b = to_label_map(truth).astype(np.int64), to_label_map(pred).astype(np.int64)
    with np.errstate(invalid="ignore"):  # 0 / 0 is NaN there
        error, recall, precision = metrics.adapted_rand_error(a, b)
    split, merge = metrics.variation_of_information(a, b)
    return dict(
        zip(RAND + INFORMATION, (error, precision, recall, split, merge, split + merge),
            strict=True)
    )  # fmt: skip


@pytest.mark.parametrize(
    ("truth", "pred", "rand", "bits"),
    [
        ([], [(0, 2)], (math.nan,) * 3, (0.811278, 0.0)),  # background is split in 2 + 6
        ([(0, 2)], [], (0.0, 1.0, 1.0), (0.0, 0.811278)),  # its pixels stay together
        ([(0, 1)], [(0, 1)], (math.nan,) * 3, (0, 0)),  # one pixel makes no pair
        ([(0, 8)], [(0, 8)], (0, 1, 1), (0, 0)),  # the whole frame
        ([(0, 4), (4, 8)], [(0, 8)], (1 - 24 / 40, 24 / 56, 1), (0, 1)),  # merge
        ([(0, 8)], [(0, 4), (4, 8)], (1 - 24 / 40, 1, 24 / 56), (1, 0)),  # split
        ([(0, 8)], [(k, k + 1) for k in range(8)], (1, 0, 0), (3, 0)),  # no pair is kept
        ([(0, 4)], [(0, 4), (0, 4)], (0, 1, 1), (0, 0)),  # a duplicate is hidden by the first
    ],
)
def test_hand_made(truth: list, pred: list, rand: tuple, bits: tuple) -> None:
    found = partition_scores(row(*truth), row(*pred))
    assert [found[k] for k in RAND] == pytest.approx(rand, nan_ok=True)
    assert [found[k] for k in INFORMATION] == pytest.approx((*bits, sum(bits)), abs=1e-6)


def test_both_empty() -> None:
    found = partition_scores(row(), row())
    assert all(math.isnan(found[k]) for k in RAND)
    assert [found[k] for k in INFORMATION] == [0, 0, 0]


def test_overlaps_go_to_the_higher_score_then_to_the_smaller_cell() -> None:
    small_on_large = row((0, 8), (0, 4))
    assert partition_scores(small_on_large, row((0, 4), (4, 8)))["vi"] == 0
    better_on_worse = row((0, 8), (0, 4), scores=[0.9, 0.1])
    assert partition_scores(row((0, 8)), better_on_worse)["vi"] == 0


def test_crowds_are_left_out() -> None:
    truth = row((0, 4), (4, 8), tags=({"iscrowd": True}, {}))
    found = partition_scores(truth, row((0, 1), (1, 3), (4, 8)))
    assert found["rand_error"] == found["vi"] == 0


def test_mean_over_images() -> None:
    parts = [
        PARTITION.count(Comparison(row((0, 8)), row(*cells)))
        for cells in ([(0, 8)], [(0, 4), (4, 8)])
    ]
    parts.append(PARTITION.count(Comparison(row(), row())))
    sums = {k: sum(p.get(k, 0) for p in parts) for k in parts[0]}
    found = PARTITION.divide(sums)
    assert found["rand_error"] == pytest.approx((1 - 24 / 40) / 2)  # the empty image is not one
    assert found["vi"] == pytest.approx(1 / 3)


def test_contingency_counts_every_pixel_once(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(0)
    a, b = from_masks(rng.random((5, 31, 17)) < 0.2), from_masks(rng.random((4, 31, 17)) < 0.2)
    table = np.zeros((6, 5), int)
    np.add.at(table, (to_label_map(a), to_label_map(b)), 1)
    whole = contingency(a, b)
    monkeypatch.setattr(partition, "BAND_ROWS", 4)
    for i, j, pixels in (whole, contingency(a, b)):
        assert np.array_equal(np.nonzero(table), (i, j))
        assert np.array_equal(table[table > 0], pixels)


@pytest.mark.parametrize("seed", range(5))
def test_discs_as_in_skimage(seed: int) -> None:
    rng = np.random.default_rng(seed)
    r, c = np.mgrid[:80, :100]
    sides = []
    for count in (25, 20):
        spots = rng.uniform((0, 0, 3), (80, 100, 14), (count, 3))
        masks = [(r - y) ** 2 + (c - x) ** 2 <= s**2 for y, x, s in spots]
        sides.append(from_masks(masks, scores=rng.random(count)))
    assert partition_scores(*sides) == pytest.approx(as_in_skimage(*sides), rel=0, abs=1e-9)


labels = arrays(np.uint8, (6, 8), elements=st.integers(0, 4)).map(from_label_map)


@settings(max_examples=60, deadline=None)
@given(labels, labels)
def test_properties(truth: Instances, pred: Instances) -> None:
    found = partition_scores(truth, pred)
    assume(not math.isnan(found["rand_error"]))
    assert all(-1e-12 <= found[k] <= 1 for k in RAND)
    assert all(0 <= found[k] <= math.log2(48) for k in INFORMATION)
    theirs = as_in_skimage(truth, pred)
    theirs = {k: 0.0 if math.isnan(v) else v for k, v in theirs.items()}
    assert found == pytest.approx(theirs, rel=0, abs=1e-9)
    back = partition_scores(pred, truth)
    assert (back["vi_split"], back["vi_merge"]) == pytest.approx(
        (found["vi_merge"], found["vi_split"])
    )
    for a, b in ((flip(truth, 0), flip(pred, 0)), (truth[::-1], pred[::-1])):
        assert partition_scores(a, b) == pytest.approx(found)
    perfect = partition_scores(truth, truth)
    assert perfect["vi"] == 0
    assert math.isnan(perfect["rand_error"]) or perfect["rand_error"] == 0
