"""Pixel counts: hand-made frames, overlaps, strips."""

from __future__ import annotations

import numpy as np
import pytest

from cellwright.evaluate import pixel
from cellwright.evaluate.pixel import PixelCounts, foreground, pixel_counts
from cellwright.geometry import from_masks
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


def test_another_frame_is_refused() -> None:
    with pytest.raises(InputError, match="3 x 3"):
        pixel_counts(Instances.empty((3, 3)), Instances.empty((3, 4)))
