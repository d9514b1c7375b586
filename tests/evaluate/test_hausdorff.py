"""The 95 % Hausdorff distance: hand-made cases, a dense reference, properties."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis.extra.numpy import arrays
from scipy import ndimage
from scipy.spatial.distance import directed_hausdorff

from cellwright.evaluate import hausdorff
from cellwright.evaluate.hausdorff import contour_distance, hausdorff95
from cellwright.types import InputError


def square(top: int, left: int, size: int, frame: int = 8) -> np.ndarray:
    mask = np.zeros((frame, frame), bool)
    mask[top : top + size, left : left + size] = True
    return mask


@pytest.mark.parametrize(
    ("a", "b", "wanted"),
    [
        (square(0, 0, 1), square(3, 4, 1), 5.0),  # two pixels
        (square(2, 2, 4), square(2, 2, 4), 0.0),
        (square(0, 0, 8), square(0, 0, 8), 0.0),  # the whole frame
        # of 20 pixels around, the 4 corners are sqrt 2 off, the others 1: the rank is 18.05
        (square(1, 1, 6), square(2, 2, 4), math.sqrt(2)),
        (square(0, 0, 3), square(0, 5, 3), 5.0),
    ],
)
def test_hand_made(a: np.ndarray, b: np.ndarray, wanted: float) -> None:
    assert hausdorff95(a, b) == pytest.approx(wanted)


def test_the_larger_direction_counts() -> None:
    a, b = np.zeros((2, 40), bool), np.zeros((2, 40), bool)
    a[0, :20] = True
    b[0] = True
    # a lies in b; of b's 40 pixels the last twenty are 1 ... 20 off, so rank 37.05 is 18.05
    assert hausdorff95(a, b) == hausdorff95(b, a) == pytest.approx(18.05)


def test_an_empty_mask_has_no_distance() -> None:
    nothing = np.zeros((8, 8), bool)
    assert math.isnan(hausdorff95(nothing, square(0, 0, 2)))
    assert math.isnan(hausdorff95(square(0, 0, 2), nothing))
    assert math.isnan(hausdorff95(nothing, nothing))


def test_masks_of_two_frames_are_refused() -> None:
    with pytest.raises(InputError, match="one shape"):
        hausdorff95(square(0, 0, 2), square(0, 0, 2, frame=9))


def dense(a: np.ndarray, b: np.ndarray) -> float:
    """By the definition: distance maps of the eroded rims, and NumPy's percentile."""
    rims = [mask ^ ndimage.binary_erosion(mask) for mask in (a, b)]
    far = [ndimage.distance_transform_edt(~rim) for rim in rims]
    return max(np.percentile(far[1][rims[0]], 95), np.percentile(far[0][rims[1]], 95))


masks = arrays(bool, (7, 8))


@settings(max_examples=60, deadline=None)
@given(masks, masks)
def test_properties(a: np.ndarray, b: np.ndarray) -> None:
    assume(a.any() and b.any())
    found = hausdorff95(a, b)
    assert found == pytest.approx(dense(a, b), abs=1e-9)
    assert found == hausdorff95(b, a)
    assert found == pytest.approx(hausdorff95(a[::-1, ::-1], b[::-1, ::-1]))
    assert hausdorff95(a, a) == 0
    points = np.argwhere(a), np.argwhere(b)
    there, back = directed_hausdorff(*points)[0], directed_hausdorff(*points[::-1])[0]
    assert contour_distance(*points) <= max(there, back) + 1e-12


def test_many_points_give_what_few_give(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(0)
    a, b = rng.integers(0, 50, (40, 2)), rng.integers(0, 50, (30, 2))
    few = contour_distance(a, b)
    monkeypatch.setattr(hausdorff, "_ALL_PAIRS", 0)
    assert contour_distance(a, b) == pytest.approx(few, abs=1e-12)
