"""Boundary scores: hand-made cases, a dense reference, strips, properties."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage

from cellwright.evaluate import boundary
from cellwright.evaluate.boundary import BOUNDARY, boundary_scores
from cellwright.evaluate.comparison import Comparison
from cellwright.evaluate.hausdorff import hausdorff95
from cellwright.geometry import flip, from_masks
from cellwright.types import Instances


def row(*runs: tuple[int, int], width: int = 8, **facts: object) -> Instances:
    """Cells in one row of pixels, each from column a to column b (not included)."""
    boxes = [(0, a, 1, b) for a, b in runs]
    return Instances((1, width), boxes, tuple(np.ones((1, b - a)) for a, b in runs), **facts)


@pytest.mark.parametrize(
    ("truth", "pred", "precision", "recall", "distance"),
    [
        ([], [], 0, 0, math.nan),
        ([], [(0, 2)], 0, 0, math.nan),
        ([(0, 2)], [], 0, 0, math.nan),
        ([(0, 1)], [(0, 1)], 1, 1, 0),  # one pixel
        ([(0, 8)], [(0, 8)], 1, 1, 0),
        ([(0, 1)], [(2, 3)], 1, 1, math.nan),  # two pixels off is near, but no match
        ([(0, 1)], [(3, 4)], 0, 0, math.nan),
        ([(0, 2)], [(0, 8)], 4 / 8, 1, math.nan),
        ([(0, 4)], [(0, 4), (0, 4)], 1, 1, 0),  # a duplicate draws the same contour
        ([(0, 5)], [(0, 4)], 1, 1, 0.8),  # 0, 0, 0, 0, 1: rank 3.8
    ],
)
def test_hand_made(
    truth: list, pred: list, precision: float, recall: float, distance: float
) -> None:
    found = boundary_scores(row(*truth), row(*pred))
    both = precision + recall
    wanted = {
        "precision": precision,
        "recall": recall,
        "f1": 2 * precision * recall / both if both else 0,
        "hausdorff95": distance,
        "tolerance": 2,
    }
    assert found == pytest.approx(wanted, nan_ok=True)


def test_the_border_between_touching_cells_counts() -> None:
    left, right = np.zeros((2, 8, 8), bool)
    left[:, :4] = right[:, 4:] = True
    apart, joined = from_masks([left, right]), from_masks([left | right])
    found = boundary_scores(apart, joined)
    # of the 2 x 20 pixels, columns 3 and 4 of rows 3 and 4 are 3 px from the frame's rim
    assert found["precision"] == 1
    assert found["recall"] == 36 / 40


def test_crowds_have_no_contour() -> None:
    truth = row((0, 4), (7, 8), tags=({"iscrowd": True}, {}))
    assert boundary_scores(truth, row((0, 3), (7, 8)))["precision"] == 1
    assert boundary_scores(truth, row((2, 6), (7, 8)))["precision"] == 2 / 5


def scene(seed: int) -> tuple[Instances, Instances, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    r, c = np.mgrid[:60, :50]
    spots = rng.uniform((0, 0, 2), (60, 50, 9), (15, 3))
    moved = spots + rng.normal(0, 1.2, spots.shape)
    sides = [
        np.array([(r - y) ** 2 + (c - x) ** 2 <= s**2 for y, x, s in cells])
        for cells in (spots, moved)
    ]
    sides = [side[side.any((1, 2))] for side in sides]
    return from_masks(sides[0]), from_masks(sides[1]), *sides


@pytest.mark.parametrize("seed", range(4))
def test_as_a_dense_reference(seed: int) -> None:
    truth, pred, a, b = scene(seed)
    rims = [
        np.any([mask ^ ndimage.binary_erosion(mask) for mask in side], axis=0) for side in (a, b)
    ]
    far = [ndimage.distance_transform_edt(~rim) for rim in rims]
    found = boundary_scores(truth, pred)
    assert found["precision"] == (far[0][rims[1]] <= 2).mean()
    assert found["recall"] == (far[1][rims[0]] <= 2).mean()
    matched = Comparison(truth, pred).matched(0.5)
    assert len(matched) > 3
    distances = [hausdorff95(a[i], b[j]) for i, j in zip(matched.i, matched.j, strict=True)]
    assert found["hausdorff95"] == pytest.approx(np.mean(distances), abs=1e-9)


@pytest.mark.parametrize("rows", [1, 2, 7, 59])
def test_strips_give_what_the_frame_gives(rows: int, monkeypatch: pytest.MonkeyPatch) -> None:
    seen = Comparison(*scene(9)[:2])
    whole = BOUNDARY.count(seen)
    monkeypatch.setattr(boundary, "STRIP_ROWS", rows)
    assert BOUNDARY.count(seen) == whole


run = st.tuples(st.integers(0, 6), st.integers(1, 5)).map(lambda r: (r[0], min(r[0] + r[1], 8)))
cells = st.lists(run, min_size=1, max_size=5).map(lambda found: row(*found))


@settings(max_examples=50, deadline=None)
@given(cells, cells)
def test_properties(truth: Instances, pred: Instances) -> None:
    found = boundary_scores(truth, pred)
    assert all(0 <= found[k] <= 1 for k in ("precision", "recall", "f1"))
    assert boundary_scores(truth, truth)["f1"] == 1
    assert boundary_scores(truth, truth)["hausdorff95"] == 0
    back = boundary_scores(pred, truth)
    assert (back["precision"], back["recall"]) == (found["recall"], found["precision"])
    contours = {k: v for k, v in found.items() if k != "hausdorff95"}  # ties may match otherwise
    for a, b in ((flip(truth, 1), flip(pred, 1)), (truth[::-1], pred)):
        again = boundary_scores(a, b)
        assert {k: again[k] for k in contours} == pytest.approx(contours)
