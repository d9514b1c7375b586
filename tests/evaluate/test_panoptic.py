"""Panoptic quality: hand-made cases, classes, crowds, overlaps, properties."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cellwright.evaluate.comparison import Comparison
from cellwright.evaluate.panoptic import PANOPTIC, panoptic_quality
from cellwright.geometry import flip
from cellwright.types import InputError, Instances


def row(*runs: tuple[int, int], width: int = 8, **facts: object) -> Instances:
    """Cells in one row of pixels, each from column a to column b (not included)."""
    boxes = [(0, a, 1, b) for a, b in runs]
    return Instances((1, width), boxes, tuple(np.ones((1, b - a)) for a, b in runs), **facts)


@pytest.mark.parametrize(
    ("truth", "pred", "sq", "rq"),
    [
        ([], [(0, 2)], 0, 0),
        ([(0, 2)], [], 0, 0),
        ([(0, 1)], [(0, 1)], 1, 1),  # one pixel
        ([(0, 8)], [(0, 8)], 1, 1),  # the whole frame
        ([(0, 4)], [(0, 2)], 0, 0),  # an IoU of one half is no match
        ([(0, 5)], [(0, 3)], 3 / 5, 1),
        ([(0, 4)], [(0, 4), (0, 4)], 1, 1 / 1.5),  # a duplicate
        ([(0, 4), (0, 4)], [(0, 4), (0, 4)], 1, 1),  # full overlap on both sides
        ([(0, 4), (0, 4)], [(0, 4)], 1, 1 / 1.5),
        ([(0, 8)], [(0, 4), (4, 8)], 0, 0),  # split in halves
        ([(0, 3), (3, 8)], [(0, 8)], 5 / 8, 1 / 1.5),  # merge
        # two overlapping predictions above one half: only the better one is the match
        ([(0, 5)], [(0, 4), (0, 3)], 4 / 5, 1 / 1.5),
    ],
)
def test_hand_made(truth: list, pred: list, sq: float, rq: float) -> None:
    found = panoptic_quality(row(*truth), row(*pred))
    assert found == pytest.approx({"pq": sq * rq, "sq": sq, "rq": rq})


def test_nothing_on_either_side_is_not_defined() -> None:
    assert all(math.isnan(v) for v in panoptic_quality(row(), row()).values())


def test_mean_over_the_classes_that_occur() -> None:
    names = ("alive", "dead", "nowhere")
    truth = row((0, 4), (5, 8), classes=[0, 1], class_names=names)
    pred = row((0, 3), (5, 8), classes=[0, 0], class_names=names)
    # alive: IoU 3/4, one FP; dead: missed; nowhere: not a class of this image
    found = panoptic_quality(truth, pred)
    assert found == pytest.approx({"pq": 0.75 / 1.5 / 2, "sq": 0.75 / 2, "rq": 1 / 1.5 / 2})


def test_crowds_are_not_counted() -> None:
    tags = ({"iscrowd": True}, {})
    truth = row((0, 4), (5, 8), tags=tags)
    inside, outside = panoptic_quality(truth, row((0, 3), (5, 8))), row((2, 6), (5, 8))
    assert inside == {"pq": 1, "sq": 1, "rq": 1}
    # with two of four pixels in it, a prediction is not in the crowd with more than half
    assert panoptic_quality(truth, outside)["rq"] == pytest.approx(1 / 1.5)


def test_sums_add_over_images_and_resamples() -> None:
    one = PANOPTIC.count(Comparison(row((0, 4)), row((0, 3))))
    two = PANOPTIC.count(Comparison(row((0, 4)), row()))
    keys = sorted({*one, *two})
    both = {k: one.get(k, 0) + two.get(k, 0) for k in keys}
    assert PANOPTIC.divide(both) == pytest.approx({"pq": 0.75 / 1.5, "sq": 0.75, "rq": 1 / 1.5})
    weights = np.array([[1, 0], [1, 1], [0, 0]])
    table = {k: weights @ [one.get(k, 0), two.get(k, 0)] for k in keys}
    assert PANOPTIC.divide(table)["pq"] == pytest.approx([0.75, 0.5, np.nan], nan_ok=True)


def test_a_class_unknown_to_the_truth_is_refused() -> None:
    with pytest.raises(InputError, match="class debris"):
        panoptic_quality(row((0, 4)), row((0, 4), class_names=("debris", "cell")))


run = st.tuples(st.integers(0, 6), st.integers(1, 5)).map(lambda r: (r[0], min(r[0] + r[1], 8)))
cells = st.lists(run, min_size=1, max_size=5).map(lambda found: row(*found))


@settings(max_examples=50, deadline=None)
@given(cells, cells, st.randoms(use_true_random=False))
def test_properties(truth: Instances, pred: Instances, random: object) -> None:
    found = panoptic_quality(truth, pred)
    assert all(0 <= v <= 1 for v in found.values())
    assert panoptic_quality(pred, truth) == pytest.approx(found)
    assert panoptic_quality(flip(truth, 1), flip(pred, 1)) == pytest.approx(found)
    order = list(range(len(pred)))
    random.shuffle(order)  # type: ignore[attr-defined]
    assert panoptic_quality(truth[::-1], pred[order]) == pytest.approx(found)
    assert panoptic_quality(truth, truth) == {"pq": 1, "sq": 1, "rq": 1}
