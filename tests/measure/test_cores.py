"""Pixels by which a cell is judged."""

from __future__ import annotations

import numpy as np
import pytest

from cellwright.geometry import from_masks
from cellwright.measure.cores import covered_shares, own_pixels


def disc(row, col, radius, shape=(60, 60)):
    rows, cols = np.ogrid[: shape[0], : shape[1]]
    return (rows - row) ** 2 + (cols - col) ** 2 <= radius**2


def square(row, col, side):
    mask = np.zeros((60, 60), bool)
    mask[row : row + side, col : col + side] = True
    return mask


def full(cells, pixels, i):
    frame = np.zeros(cells.shape, bool)
    row0, col0, row1, col1 = cells.boxes[i]
    frame[row0:row1, col0:col1] = pixels[i]
    return frame


def test_core_rim_and_whole_of_a_square():
    cells = from_masks([square(10, 10, 20)])  # diameter 22.6: an edge of 2 pixels
    sizes = {part: np.count_nonzero(own_pixels(cells, part)[0]) for part in
             ("core", "rim", "whole")}  # fmt: skip
    assert sizes == {"core": 16 * 16, "rim": 20 * 20 - 12 * 12, "whole": 400}


@pytest.mark.parametrize("part", ["core", "rim", "whole"])
def test_other_cells_are_left_out(part):
    cells = from_masks([disc(30, 20, 12), disc(30, 36, 12)])
    own = own_pixels(cells, part)
    for i in (0, 1):
        assert full(cells, own, i).any()
        assert not (full(cells, own, i) & full(cells, cells.masks, 1 - i)).any()
        assert not (full(cells, own, i) & ~full(cells, cells.masks, i)).any()


def test_the_core_keeps_away_from_a_neighbour():
    cells = from_masks([square(10, 10, 20), square(10, 30, 20)])
    core, whole = own_pixels(cells, "core")[0], own_pixels(cells, "whole")[0]
    assert core[:, :18].any()
    assert not core[:, 18:].any()
    assert whole[:, 19].all()


def test_small_and_covered_cells_keep_what_there_is():
    cells = from_masks([square(10, 10, 4), square(30, 30, 20), square(35, 35, 6)])
    own = own_pixels(cells)
    assert np.count_nonzero(own[0]) == 16  # its core would be 4 pixels
    assert np.count_nonzero(own[2]) == 36  # wholly covered
    cell, other, share = covered_shares(cells, own)
    assert (cell.tolist(), other.tolist(), share.tolist()) == ([2], [1], [1.0])
