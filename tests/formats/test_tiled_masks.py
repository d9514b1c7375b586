"""Mask pictures made of tiles."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image as Photo

from cellwright.formats.tiled_masks import (
    detect_tiles,
    fill_outline_of_cell,
    read_cell_tiles,
    read_plane_tiles,
    tile_masks,
)
from cellwright.types import InputError


def ring(top: int, left: int, size: int, shape: tuple[int, int] = (20, 24)) -> np.ndarray:
    """The outline of a square."""
    out = np.zeros(shape, bool)
    out[top : top + size, left : left + size] = True
    out[top + 1 : top + size - 1, left + 1 : left + size - 1] = False
    return out


def picture(path: Path, tiles: list[np.ndarray], rows: int = 1) -> Path:
    """Tiles in rows as a PNG."""
    across = len(tiles) // rows
    lines = [np.hstack(tiles[i * across : (i + 1) * across]) for i in range(rows)]
    Photo.fromarray(np.vstack(lines).astype(np.uint8) * 255).save(path)
    return path


def test_each_tile_is_a_cell_and_overlaps_are_kept(tmp_path: Path) -> None:
    path = picture(tmp_path / "m.png", [ring(2, 2, 8), ring(6, 6, 9), np.zeros((20, 24), bool)])
    assert detect_tiles([path]) == "outlines"
    cells = read_cell_tiles(path, "outlines", shape=(20, 24), class_name="yeast")
    assert cells.areas.tolist() == [64, 81]
    assert cells.boxes.tolist() == [[2, 2, 10, 10], [6, 6, 15, 15]]
    assert (cells.class_names, cells.shape) == (("yeast",), (20, 24))


def test_filled_tiles_in_rows(tmp_path: Path) -> None:
    blobs = [fill_outline_of_cell(ring(1, 1, n)) for n in (4, 5, 6, 7)]
    path = picture(tmp_path / "m.png", blobs, rows=2)
    assert detect_tiles([path]) == "binary"
    found = read_cell_tiles(path, "binary", shape=(20, 24))
    assert found.areas.tolist() == [16, 25, 36, 49]
    assert len(tile_masks(path, (20, 24))) == 4


def test_empty_pictures_hold_no_cells(tmp_path: Path) -> None:
    path = picture(tmp_path / "m.png", [np.zeros((20, 24), bool)])
    assert len(read_cell_tiles(path, "outlines", shape=(20, 24))) == 0
    assert detect_tiles([path, picture(tmp_path / "n.png", [ring(2, 2, 8)])]) == "outlines"


def test_planes_have_their_own_cells(tmp_path: Path) -> None:
    labels = np.zeros((10, 30), np.uint16)
    labels[2:5, 2:5], labels[2:5, 12:16], labels[6:9, 12:16] = 1, 1, 2
    Photo.fromarray(labels).save(tmp_path / "m.png")
    planes = read_plane_tiles(tmp_path / "m.png", "labels", shape=(10, 10))
    assert [p.areas.tolist() for p in planes] == [[9], [12, 12], []]


@pytest.mark.parametrize("side", range(4))
def test_a_cell_cut_by_the_frame_is_closed_there(side: int) -> None:
    cut = np.zeros((12, 12), bool)
    cut[0:6, [3, 8]] = True
    cut[5, 3:9] = True
    filled = fill_outline_of_cell(np.rot90(cut, side))
    assert np.rot90(filled, -side)[0:6, 3:9].all()
    assert filled.sum() == 36


def test_a_line_that_encloses_nothing_is_the_cell() -> None:
    bud = np.zeros((9, 9), bool)
    bud[4:6, 4:6] = True
    assert np.array_equal(fill_outline_of_cell(bud), bud)
    assert not fill_outline_of_cell(np.zeros((4, 4), bool)).any()


def test_wrong_pictures_say_so(tmp_path: Path) -> None:
    path = picture(tmp_path / "m.png", [ring(2, 2, 8)])
    with pytest.raises(InputError, match="not made of tiles"):
        read_cell_tiles(path, "outlines", shape=(20, 23))
    with pytest.raises(InputError, match="not made of tiles"):
        read_cell_tiles(path, "outlines", shape=(20, 48))
    with pytest.raises(InputError, match="outlines or binary"):
        read_cell_tiles(path, "rois", shape=(20, 24))
    Photo.fromarray(np.arange(480, dtype=np.uint16).reshape(20, 24)).save(path)
    with pytest.raises(InputError, match="tile 1 holds 480 values"):
        read_cell_tiles(path, "binary", shape=(20, 24))
