"""Semantic masks from instances and back."""

from __future__ import annotations

import doctest

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis.extra.numpy import arrays
from scipy import ndimage

from cellwright.geometry import from_semantic, semantic, to_semantic
from cellwright.types import InputError, Instances

NAMES = ("alive", "dead")


def test_touching_cells_of_a_class_become_one() -> None:
    cells = Instances(
        (2, 6),
        [(0, 0, 2, 2), (0, 2, 2, 4), (0, 4, 2, 6)],
        [np.ones((2, 2))] * 3,
        classes=[0, 0, 1],
        class_names=NAMES,
    )
    planes = to_semantic(cells)
    assert planes.dtype == bool
    assert planes[:, 0].astype(int).tolist() == [[1, 1, 1, 1, 0, 0], [0, 0, 0, 0, 1, 1]]
    back = from_semantic(planes, class_names=NAMES)
    assert back.boxes.tolist() == [[0, 0, 2, 4], [0, 4, 2, 6]]
    assert back.classes.tolist() == [0, 1]
    assert back.class_names == NAMES
    assert back.scores.tolist() == [1, 1]


def test_overlapping_classes_keep_their_pixels() -> None:
    planes = np.ones((2, 3, 3), bool)
    assert np.array_equal(to_semantic(from_semantic(planes, class_names=NAMES)), planes)


def test_corners_join_unless_told_otherwise() -> None:
    mask = np.eye(4, dtype=bool)
    assert len(from_semantic(mask)) == 1
    assert len(from_semantic(mask, diagonal=False)) == 4


def test_nothing_there() -> None:
    assert len(from_semantic(np.zeros((1, 4, 5)))) == 0
    assert from_semantic(np.zeros((4, 5), int)).shape == (4, 5)
    assert to_semantic(Instances.empty((4, 5), NAMES)).shape == (2, 4, 5)


@pytest.mark.parametrize(
    ("masks", "message"),
    [
        (np.zeros((2, 4, 4)), "one plane per name"),
        (np.zeros(4), "one plane per name"),
        (np.full((4, 4), 0.5), "threshold"),
        (np.full((4, 4), 2), "class map"),
    ],
)
def test_what_is_no_semantic_mask_is_refused(masks: np.ndarray, message: str) -> None:
    with pytest.raises(InputError, match=message):
        from_semantic(masks)


@settings(max_examples=50, deadline=None)
@given(arrays(bool, (2, 7, 8)))
def test_semantics_come_back(planes: np.ndarray) -> None:
    for diagonal in (True, False):
        cells = from_semantic(planes, class_names=NAMES, diagonal=diagonal)
        assert np.array_equal(to_semantic(cells), planes)
        assert cells.areas.sum() == planes.sum()
        structure = np.ones((3, 3)) if diagonal else None
        assert len(cells) == sum(ndimage.label(p, structure)[1] for p in planes)


@settings(max_examples=50, deadline=None)
@given(arrays(np.uint8, (3, 4), elements={"min_value": 0, "max_value": 2}))
def test_separated_cells_come_back(kinds: np.ndarray) -> None:
    # cells of 2 x 3 pixels on a grid with a free pixel between them
    index = [(r, c) for r in range(3) for c in range(4) if kinds[r, c]]
    order = sorted(index, key=lambda p: (kinds[p], p))
    cells = Instances(
        (9, 16),
        [(3 * r, 4 * c, 3 * r + 2, 4 * c + 3) for r, c in order],
        [np.ones((2, 3))] * len(order),
        classes=[int(kinds[p]) - 1 for p in order],
        class_names=NAMES,
    )
    back = from_semantic(to_semantic(cells), class_names=NAMES)
    assert np.array_equal(back.boxes, cells.boxes)
    assert np.array_equal(back.classes, cells.classes)
    assert all(np.array_equal(a, b) for a, b in zip(back.masks, cells.masks, strict=True))


def test_examples() -> None:
    failed, tried = doctest.testmod(semantic)
    assert (failed, tried > 0) == (0, True)
