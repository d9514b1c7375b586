"""Several planes side by side in one picture."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from cellwright.plate.lazy import Stacked, Window
from cellwright.types import AXES, Image, InputError

TILES_AS = {"z": "Z", "channel": "C"}
"""What the tiles of a picture can be, and the axis that they become."""


def tile_windows(
    shape: tuple[int, int], *, rows: int = 1, columns: int = 1
) -> list[tuple[int, int, int, int]]:
    """Half-open ``(row0, col0, row1, col1)`` of equal tiles, row by row from the upper left.

    Raises
    ------
    InputError
        If the shape cannot be divided so.
    """
    if rows < 1 or columns < 1:
        raise InputError(f"{rows} x {columns} tiles came; at least 1 x 1 are wanted")
    if shape[0] % rows or shape[1] % columns:
        raise InputError(
            f"a picture of {shape[0]} x {shape[1]} pixels cannot be split into {rows} row(s) and "
            f"{columns} column(s) of equal tiles; set --split-rows and --split-columns, or leave "
            "this picture out with --pattern or --where"
        )
    height, width = shape[0] // rows, shape[1] // columns
    return [
        (r * height, c * width, (r + 1) * height, (c + 1) * width)
        for r in range(rows)
        for c in range(columns)
    ]


def split_tiles(image: Image, *, rows: int = 1, columns: int = 1, as_: str = "z") -> Image:
    """The tiles of a picture as planes of a smaller image.

    Parameters
    ----------
    image
        Picture with ``rows`` x ``columns`` tiles of one size. Lazy pixels stay lazy.
    rows, columns
        Number of tiles down and across.
    as_
        "z" or "channel": which axis the tiles become.

    Raises
    ------
    InputError
        If the size does not divide, or the image has that axis already.
    """
    if rows == columns == 1:
        return image
    if as_ not in TILES_AS:
        raise InputError(f"--split-as {as_!r} is not known; z or channel is wanted")
    axis = TILES_AS[as_]
    if axis in image.axes:
        raise InputError(
            f"the tiles of the picture are to be {as_}, but it has the axes {image.axes} "
            "already; set --split-as"
        )
    parts: Sequence[Any] = [
        Window(image.data, w) for w in tile_windows(image.shape, rows=rows, columns=columns)
    ]
    letters = axis + image.axes
    stacked: Any = Stacked(parts)
    wanted = "".join(a for a in AXES if a in letters)
    if isinstance(image.data, np.ndarray) or letters != wanted:
        whole = np.asarray(stacked)
        stacked = np.ascontiguousarray(whole.transpose([letters.index(a) for a in wanted]))
    return replace(image, data=stacked, axes=wanted, channels=() if axis == "C" else image.channels)
