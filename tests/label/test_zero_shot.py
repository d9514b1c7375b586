"""Shapes, filters, confidence."""

from __future__ import annotations

import numpy as np
import pytest

from cellwright.label.shape import robust_score, shapes, weighted_median
from cellwright.label.zero_shot import confidence, rim_contrast, shape_filter


def scene() -> np.ndarray:
    """A label map of 12 discs, a speck (13), a blob four times as wide (14), a cut disc (15)."""
    rows, cols = np.mgrid[:240, :300]
    labels = np.zeros((240, 300), int)
    for k in range(12):
        labels[np.hypot(rows - 30 - 40 * (k // 4), cols - 30 - 40 * (k % 4)) < 10 + k % 3] = k + 1
    labels[150:152, 20:22] = 13
    labels[np.hypot(rows - 160, cols - 220) < 60] = 14
    labels[np.hypot(rows - 243, cols - 60) < 10] = 15
    return labels


def test_shapes_of_a_disc() -> None:
    found = shapes(scene())
    assert found.area[0] == (scene() == 1).sum()
    assert found.length[0] == pytest.approx(20, abs=0.5)
    assert found.width[0] == pytest.approx(20, abs=0.5)
    assert found.roundness[0] == pytest.approx(1, abs=0.03)
    assert found.fill[0] == pytest.approx(1, abs=0.03)
    assert found.border.nonzero()[0].tolist() == [14]


def test_specks_and_blobs_are_filtered_and_cut_cells_are_not() -> None:
    labels = scene()
    labels[labels == 14] = 0
    labels[labels == 15] = 14
    keep = shape_filter(shapes(labels))
    assert keep.tolist() == [True] * 12 + [False, True]
    crowded = np.zeros((300, 900), int)
    rows, cols = np.mgrid[:300, :900]
    for k in range(60):
        crowded[np.hypot(rows - 15 - 30 * (k // 12), cols - 15 - 30 * (k % 12)) < 10] = k + 1
    crowded[np.hypot(rows - 150, cols - 700) < 60] = 61
    assert shape_filter(shapes(crowded)).tolist() == [True] * 60 + [False]


def test_no_objects() -> None:
    nothing = np.zeros((5, 5), int)
    assert shape_filter(shapes(nothing)).shape == (0,)
    assert confidence(nothing, np.ones((5, 5))).shape == (0,)


def test_confidence_falls_with_contrast_and_for_unusual_cells() -> None:
    labels = scene()
    labels[labels > 12] = 0
    labels[150:156, 20:24] = 13
    rng = np.random.default_rng(0)
    image = rng.normal(100, 5, labels.shape) + 100 * (labels > 0) - 97 * (labels == 2)
    scores = confidence(labels, image.astype(np.float32))
    assert scores.dtype == np.float32
    assert ((scores >= 0) & (scores <= 1)).all()
    usual = np.delete(scores, [1, 12])
    assert scores[1] < usual.min()
    assert scores[12] < usual.min()
    assert usual.min() > 0.7
    assert rim_contrast(labels, image)[0] > 10


def test_robust_score_is_not_moved_by_debris() -> None:
    values = np.array([1.0] * 50 + [8.0, 9.0, 10.0])
    score = robust_score(values, np.array([1.0] * 50 + [100.0] * 3), least=1.0)
    assert score[51] == 0
    assert score[0] == -8 / 1.4826
    assert weighted_median(np.array([3.0, 1.0, 2.0]), np.ones(3)) == 2
