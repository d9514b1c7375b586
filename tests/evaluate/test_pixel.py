"""Pixel counts and errors: hand-made frames, overlaps, scores, strips, properties."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from cellwright.evaluate import pixel
from cellwright.evaluate.pixel import (
    PIXEL,
    PixelCounts,
    foreground,
    pixel_counts,
    pixel_errors,
    pixel_sums,
)
from cellwright.geometry import flip, from_masks
from cellwright.types import InputError, Instances


def test_overlapping_masks_are_one_foreground() -> None:
    box = np.ones((2, 2))
    truth = Instances((4, 4), [[0, 0, 2, 2], [1, 1, 3, 3]], (box, box))
    assert foreground(truth).sum() == 7
    pred = Instances((4, 4), [[0, 0, 2, 2]], (box,))
    assert pixel_counts(truth, pred) == PixelCounts(tp=4, fp=0, fn=3, tn=9)
    figures = pixel_counts(truth, pred).figures()
    assert figures == pytest.approx(
        {"accuracy": 13 / 16, "precision": 1, "recall": 4 / 7, "f1": 8 / 11, "iou": 4 / 7}
    )


def test_nothing_there_and_nothing_found() -> None:
    empty = Instances.empty((3, 3))
    assert pixel_counts(empty, empty) == PixelCounts(tn=9)
    assert pixel_counts(empty, empty).figures() == {
        "accuracy": 1.0, "precision": 0.0, "recall": 0.0, "f1": 0.0, "iou": 0.0,
    }  # fmt: skip


def test_strips_give_what_the_frame_gives(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(0)
    masks = rng.random((8, 37, 23)) < 0.1
    truth, pred = from_masks(masks[:4]), from_masks(masks[3:])
    monkeypatch.setattr(pixel, "STRIP_ROWS", 5)
    a, b = masks[:4].any(0), masks[3:].any(0)
    assert pixel_counts(truth, pred) == PixelCounts(
        int((a & b).sum()), int((b & ~a).sum()), int((a & ~b).sum()), int((~a & ~b).sum())
    )
    assert np.array_equal(foreground(truth), a)
    sums = pixel_sums(truth, pred)
    monkeypatch.setattr(pixel, "STRIP_ROWS", 100)
    assert pixel_sums(truth, pred) == pytest.approx(sums)


def row(*runs: tuple[int, int], width: int = 8, **facts: object) -> Instances:
    """Cells in one row of pixels, each from column a to column b (not included)."""
    boxes = [(0, a, 1, b) for a, b in runs]
    return Instances((1, width), boxes, tuple(np.ones((1, b - a)) for a, b in runs), **facts)


RIGHT, WRONG = -math.log(1 - 1e-7), -math.log(1e-7)


@pytest.mark.parametrize(
    ("truth", "pred", "scores", "mse", "bce"),
    [
        ([], [], [], 0, RIGHT),
        ([], [(0, 2)], [1], 2 / 8, (2 * WRONG + 6 * RIGHT) / 8),
        ([(0, 2)], [], [], 2 / 8, (2 * WRONG + 6 * RIGHT) / 8),
        ([(0, 1)], [(0, 1)], [1], 0, RIGHT),  # one pixel
        ([(0, 8)], [(0, 8)], [1], 0, RIGHT),  # the whole frame
        ([(0, 4)], [(0, 8)], [0.5], 2 / 8, math.log(2)),
        ([(0, 4)], [(0, 4), (0, 4)], [0.5, 0.25], 4 * 0.25 / 8, (4 * math.log(2) + 4 * RIGHT) / 8),
        # under two masks the larger score counts: 0.25, 0.75, 0.75, 0.75, then none
        (
            [(0, 2)],
            [(1, 4), (0, 3)],
            [0.75, 0.25],
            (0.5625 + 0.0625 + 2 * 0.5625) / 8,
            (3 * math.log(4) + math.log(4 / 3) + 4 * RIGHT) / 8,
        ),
    ],
)
def test_errors_of_hand_made_frames(
    truth: list, pred: list, scores: list, mse: float, bce: float
) -> None:
    figures = PIXEL(row(*truth), row(*pred, scores=scores))
    assert (figures["mse"], figures["bce"]) == pytest.approx((mse, bce), rel=1e-12)


def test_errors_of_a_probability_map() -> None:
    found = pixel_errors(np.array([[1, 1, 0, 0]]), np.array([[0.8, 0.6, 0.3, 1.0]]))
    assert found["mse"] == pytest.approx((0.04 + 0.16 + 0.09 + 1) / 4)
    assert found["bce"] == pytest.approx(
        -(math.log(0.8) + math.log(0.6) + math.log(0.7) + math.log(1e-7)) / 4
    )
    assert pixel_errors(np.zeros((0, 3)), np.zeros((0, 3))) == {"mse": 0, "bce": 0}


def test_what_is_no_probability_is_refused() -> None:
    with pytest.raises(InputError, match="sigmoid"):
        pixel_errors(np.array([True]), np.array([-2.0]))
    with pytest.raises(InputError, match="sigmoid"):
        pixel_errors(np.array([True]), np.array([np.nan]))
    with pytest.raises(InputError, match="same image"):
        pixel_errors(np.array([True]), np.array([0.5, 0.5]))


def frames(count: int) -> st.SearchStrategy[np.ndarray]:
    return arrays(bool, (count, 5, 6))


@settings(max_examples=40, deadline=None)
@given(frames(2), frames(3), arrays(np.float32, 3, elements=st.floats(0, 1, width=32)))
def test_properties(a: np.ndarray, b: np.ndarray, scores: np.ndarray) -> None:
    truth, pred = from_masks(a), from_masks(b, scores=scores)
    figures = PIXEL(truth, pred)
    assert all(0 <= v <= 1 for k, v in figures.items() if k != "bce")
    assert 0 <= figures["bce"] <= WRONG + 1e-12
    largest = (b * scores[:, None, None].astype(float)).max(0)
    errors = pixel_errors(a.any(0), largest)
    assert (figures["mse"], figures["bce"]) == pytest.approx((errors["mse"], errors["bce"]))
    for t, p in ((flip(truth, 0), flip(pred, 0)), (truth[::-1], pred[::-1])):
        assert PIXEL(t, p) == pytest.approx(figures)
    binary = PIXEL(truth, from_masks(b))
    assert binary["mse"] == pytest.approx(1 - binary["accuracy"])
    assert binary == pytest.approx(
        PIXEL(from_masks(b), truth) | {"precision": binary["precision"], "recall": binary["recall"]}
    )


def test_another_frame_is_refused() -> None:
    with pytest.raises(InputError, match="3 x 3"):
        pixel_counts(Instances.empty((3, 3)), Instances.empty((3, 4)))
