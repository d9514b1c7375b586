"""Prompts from coarse cells."""

from __future__ import annotations

import numpy as np
import pytest

from cellwright.geometry import from_label_map
from cellwright.label.cell_prompts import cell_prompts, inner_point
from cellwright.types import InputError, Instances


def scene() -> tuple[np.ndarray, np.ndarray]:
    """A plane with its darkest pixel at (39, 2), and three square cells."""
    labels = np.zeros((40, 60), int)
    labels[5:12, 5:12], labels[5:12, 20:27], labels[28:35, 48:55] = 1, 2, 3
    plane = 10.0 + 90 * (labels > 0)
    plane[39, 2], plane[14, 22] = 0, 5
    return plane, labels


def test_centre_box_and_darkest_pixel() -> None:
    plane, labels = scene()
    prompts = cell_prompts(plane, from_label_map(labels))
    assert [p.points.tolist() for p in prompts] == [
        [[8, 8], [39, 2]],
        [[8, 23], [39, 2]],
        [[31, 51], [39, 2]],
    ]
    assert all(p.signs.tolist() == [True, False] for p in prompts)
    assert prompts[1].box == (5, 20, 12, 27)


def test_neighbours_and_the_darkest_pixel_nearby() -> None:
    plane, labels = scene()
    cells = from_label_map(labels)
    prompts = cell_prompts(plane, cells, boxes=False, neighbours=1, around=4)
    assert prompts[1].points.tolist() == [[8, 23], [14, 22], [8, 8]]
    assert prompts[1].box is None
    many = cell_prompts(plane, cells, darkest=False, neighbours=9)
    assert [len(p.points) for p in many] == [3, 3, 3]


def test_the_point_of_a_bent_cell_is_on_it() -> None:
    rows, cols = np.mgrid[-15:16, -15:16]
    away = np.hypot(rows, cols)
    bent = (away < 15) & (away > 9) & (rows < 6)
    assert not bent[round(np.nonzero(bent)[0].mean()), round(np.nonzero(bent)[1].mean())]
    assert bent[inner_point(bent)]


def test_no_negative_point_is_on_the_cell() -> None:
    plane, labels = scene()
    plane[8, 23] = -1
    assert [len(p.points) for p in cell_prompts(plane, from_label_map(labels))] == [2, 1, 2]


def test_none_one_and_wrong() -> None:
    plane, labels = scene()
    assert cell_prompts(plane, Instances.empty(plane.shape), neighbours=2) == []
    one = cell_prompts(plane, from_label_map((labels == 1).astype(int)), neighbours=2)
    assert [len(p.points) for p in one] == [2]
    with pytest.raises(InputError, match="the plane is"):
        cell_prompts(plane[1:], from_label_map(labels))
    with pytest.raises(InputError, match="negative"):
        cell_prompts(plane, from_label_map(labels), neighbours=-1)
