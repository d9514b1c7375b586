"""Mask pictures made of tiles: one cell a tile, or one plane a tile."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from scipy import ndimage

from cellwright.formats.label_map import read_labels
from cellwright.formats.masks import cells_from, is_thin
from cellwright.geometry import from_masks
from cellwright.types import InputError, Instances

log = logging.getLogger(__name__)


def tile_masks(path: Path, shape: tuple[int, int]) -> list[np.ndarray]:
    """The tiles of a mask picture, row by row; each has the `shape` of the image.

    Raises
    ------
    InputError
        If tiles of that shape do not fill the picture.
    """
    picture = read_labels(path)
    rows, columns = (picture.shape[i] // shape[i] for i in (0, 1))
    if picture.shape != (rows * shape[0], columns * shape[1]) or not rows * columns:
        raise InputError(
            f"{path}: a mask picture of {picture.shape} is not made of tiles of the image's "
            f"{tuple(shape)}; are --split-columns and --split-rows right?"
        )
    grid = picture.reshape(rows, shape[0], columns, shape[1]).swapaxes(1, 2)
    return list(grid.reshape(-1, *shape))


def detect_tiles(paths: Sequence[Path]) -> str:
    """Whether the cells of one-cell tiles are drawn as lines ("outlines") or filled ("binary")."""
    drawn = [m for m in (read_labels(p) != 0 for p in paths[:5]) if m.any()]
    return "outlines" if drawn and all(is_thin(m) for m in drawn) else "binary"


def read_cell_tiles(
    path: Path, kind: str, *, shape: tuple[int, int], class_name: str = "cell"
) -> Instances:
    """Cells of a picture that shows each cell in a tile of its own; they may overlap.

    Parameters
    ----------
    path
        The picture; tiles without a pixel are no cells.
    kind
        "outlines" (a line around each cell, which belongs to it) or "binary" (filled).
    shape
        Rows and columns of the image and of each tile.
    class_name
        Class of all cells.
    """
    if kind not in ("outlines", "binary"):
        raise InputError(
            f"--mask-kind {kind} came with one cell a tile; outlines or binary is wanted"
        )
    tiles = [t for t in tile_masks(path, shape) if t.any()]
    masks = []
    for number, tile in enumerate(tiles, 1):
        if len(values := np.unique(tile)) > 2 or (len(values) == 2 and values[0] != 0):
            raise InputError(
                f"{path}: tile {number} holds {len(values)} values, 0 and one other are wanted; "
                "is each tile a plane (--mask-tiles planes)?"
            )
        masks.append(fill_outline_of_cell(tile != 0) if kind == "outlines" else tile != 0)
    return from_masks(masks, shape, class_names=(class_name,))


def read_plane_tiles(
    path: Path, kind: str, *, shape: tuple[int, int], class_name: str = "cell"
) -> list[Instances]:
    """Cells of each plane, from a picture with one mask tile of any `kind` a plane."""
    return [cells_from(tile, kind, path, class_name=class_name) for tile in tile_masks(path, shape)]


def fill_outline_of_cell(line: np.ndarray) -> np.ndarray:
    """The cell inside of a line, with the line; (row, column) bool.

    Where the frame cuts a cell and the line is open there, the side of the frame that closes it
    with the least area does. A line that encloses nothing is the whole cell.
    """
    filled = np.asarray(ndimage.binary_fill_holes(line))
    if filled.sum() > line.sum() or not line.any():
        return filled
    closed = []
    for side in range(4):
        turned = np.pad(np.rot90(line, side), ((1, 0), (0, 0)), constant_values=True)
        inside = np.rot90(np.asarray(ndimage.binary_fill_holes(turned))[1:], -side)
        if inside.sum() > line.sum():
            closed.append(inside)
    return min(closed, key=np.count_nonzero) if closed else filled
