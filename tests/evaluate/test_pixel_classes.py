"""Pixels of each class: hand-made frames, names of classes, agreement with the foreground."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from cellwright.evaluate.comparison import Comparison
from cellwright.evaluate.pixel import PIXEL
from cellwright.evaluate.pixel_classes import PIXEL_CLASSES, pixel_classes
from cellwright.geometry import from_semantic
from cellwright.types import InputError, Instances

NAMES = ("alive", "dead")


def row(*runs: tuple[int, int], width: int = 8, **facts: object) -> Instances:
    """Cells in one row of pixels, each from column a to column b (not included)."""
    boxes = [(0, a, 1, b) for a, b in runs]
    return Instances((1, width), boxes, tuple(np.ones((1, b - a)) for a, b in runs), **facts)


def test_each_class_by_hand() -> None:
    truth = row((0, 4), (4, 6), classes=[0, 1], class_names=NAMES)
    pred = row((0, 2), (3, 6), classes=[0, 1], class_names=NAMES)
    found = pixel_classes(truth, pred)
    assert list(found) == ["alive", "dead"]
    figures = ("accuracy", "precision", "recall", "f1", "iou", "mse")
    alive, dead = ([found[name][k] for k in figures] for name in NAMES)
    assert alive == pytest.approx([6 / 8, 1, 2 / 4, 4 / 6, 2 / 4, 2 / 8])
    assert dead == pytest.approx([7 / 8, 2 / 3, 1, 4 / 5, 2 / 3, 1 / 8])


def test_a_pixel_may_be_of_two_classes() -> None:
    both = row((0, 4), (0, 4), classes=[0, 1], class_names=NAMES)
    assert [f["iou"] for f in pixel_classes(both, both).values()] == [1, 1]
    one = row((0, 4), classes=[1], class_names=NAMES)
    assert [f["iou"] for f in pixel_classes(both, one).values()] == [0, 1]


@pytest.mark.parametrize(("truth", "pred"), [([], []), ([(0, 1)], []), ([], [(0, 1)])])
def test_ratios_of_nothing_are_zero(truth: list, pred: list) -> None:
    found = pixel_classes(row(*truth), row(*pred))["cell"]
    assert [found[k] for k in ("precision", "recall", "f1", "iou")] == [0, 0, 0, 0]
    assert found["accuracy"] == 1 - (len(truth) + len(pred)) / 8


def test_one_class_is_named_by_the_truth() -> None:
    truth, pred = row((0, 4), class_names=("nucleus",)), row((0, 3))
    assert pixel_classes(truth, pred) == {"nucleus": PIXEL(truth, pred)}
    with pytest.raises(InputError, match="class debris"):
        pixel_classes(truth, row((0, 4), class_names=("debris", "cell")))


def test_sums_add_over_images_of_different_classes() -> None:
    parts = [
        PIXEL_CLASSES.count(Comparison(row((0, 4), class_names=(n,)), row((0, 2)))) for n in NAMES
    ]
    found = PIXEL_CLASSES.divide(parts[0] | parts[1])
    assert found["alive"] == found["dead"]
    assert found["dead"]["iou"] == 0.5


semantics = arrays(bool, (2, 5, 6)).map(lambda m: from_semantic(m, class_names=NAMES))


@settings(max_examples=40, deadline=None)
@given(semantics, semantics, st.integers(0, 1))
def test_each_class_is_the_foreground_of_its_cells(
    truth: Instances, pred: Instances, k: int
) -> None:
    alone = PIXEL(truth[truth.classes == k], pred[pred.classes == k])
    assert pixel_classes(truth, pred)[NAMES[k]] == pytest.approx(alone)
    assert pixel_classes(truth[::-1], pred[::-1])[NAMES[k]] == pytest.approx(alone)
