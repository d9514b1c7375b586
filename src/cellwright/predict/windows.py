"""How frames are cut into windows, and how windows are put together into batches."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from cellwright.tiling.plan import Window, plan
from cellwright.types import Image, Instances

#: pixels of a frame up to which the intensity percentiles are exact
EXACT_PIXELS = 2**24
#: rows and columns of a tile of maps
MAP_TILE = 1024


@dataclass(frozen=True, slots=True)
class Tiling:
    """How a frame is cut.

    Parameters
    ----------
    tile_shape
        Rows and columns of a tile, without its halo; None is the method's own: about 1024 for
        maps (more where the network says so), half the crops it was trained on where each cell
        is drawn by itself.
    halo
        Rows and columns seen around a tile; at least the reach of the network. None is 128 for
        maps, a quarter of the training crops where each cell is drawn by itself.
    average
        Keep the halo and average overlapping windows (P4: tile 256, halo 128 gives
        windows of 512 that overlap by 256) instead of cutting it off; of maps only.
    block
        Rows and columns of maps that are turned into cells at a time.
    block_halo
        Pixels around a block; a cell larger than this is put together from its parts.
    """

    tile_shape: tuple[int, int] | None = None
    halo: tuple[int, int] | None = None
    average: bool = False
    block: int = 4096
    block_halo: int = 256

    def windows(
        self,
        shape: tuple[int, int],
        *,
        multiple: int,
        seen: tuple[int, int] | None,
        largest: int = MAP_TILE,
    ) -> list[Window]:
        """The windows of a frame of `shape`.

        Parameters
        ----------
        multiple
            Windows begin at multiples of this.
        seen
            Rows and columns that a window has by default, or None for those of maps. A frame
            no larger than this is one window.
        largest
            Rows and columns that a tile of maps has at most by default; tiles are of about equal
            size.
        """
        tile, halo = self.tile_shape, self.halo
        if seen is None:
            own = even(shape, largest)
            return list(plan(shape, tile or own, halo or (128, 128), multiple=multiple))
        whole = shape[0] <= seen[0] and shape[1] <= seen[1]
        own = shape if whole else (-(-seen[0] // 2), -(-seen[1] // 2))
        return list(
            plan(shape, tile or own, halo or (seen[0] // 4, seen[1] // 4), multiple=multiple)
        )

    def blocks(self, shape: tuple[int, int]) -> Iterator[Window]:
        """Blocks of about equal size that maps are turned into cells by."""
        return plan(shape, even(shape, self.block), (self.block_halo, self.block_halo))


def even(shape: tuple[int, int], largest: int) -> tuple[int, int]:
    """Rows and columns of the largest tiles of equal size that a frame is cut into.

    Examples
    --------
    >>> even((3600, 500), 1024)
    (900, 500)
    """
    rows, cols = (-(-s // max(-(-s // largest), 1)) for s in shape)
    return max(rows, 1), max(cols, 1)


def quarters(window: Window, shape: tuple[int, int], halo: tuple[int, int]) -> list[Window]:
    """A window cut into four, each with a halo inside the frame of `shape`.

    Examples
    --------
    >>> [w.core for w in quarters(Window((0, 0, 8, 6), (0, 0, 8, 6)), (8, 6), (1, 1))]
    [(0, 0, 4, 3), (0, 3, 4, 6), (4, 0, 8, 3), (4, 3, 8, 6)]
    """
    r0, c0, r1, c1 = window.core
    rows, cols = (r0, (r0 + r1) // 2, r1), (c0, (c0 + c1) // 2, c1)
    return [
        Window(
            (a, c, b, d),
            (
                max(a - halo[0], 0),
                max(c - halo[1], 0),
                min(b + halo[0], shape[0]),
                min(d + halo[1], shape[1]),
            ),
        )
        for a, b in pairwise(rows)
        for c, d in pairwise(cols)
        if a < b and c < d
    ]


def placed(found: Instances, corner: tuple[int, int], shape: tuple[int, int]) -> Instances:
    """Instances of a window in the coordinates of a frame of `shape`."""
    return Instances(
        shape,
        found.boxes + np.tile(corner, 2),
        found.masks,
        found.scores,
        found.classes,
        found.class_names,
        found.tags,
    )


def thinned(image: Image) -> np.ndarray:
    """Planes of a frame, thinned beyond `EXACT_PIXELS`, read in bands; (plane, row, column)."""
    rows, cols = image.shape
    step = int(np.ceil(np.sqrt(rows * cols / EXACT_PIXELS))) if rows * cols > EXACT_PIXELS else 1
    if step == 1:
        return image.stack()
    band = step * max(1, 2**22 // (cols * step))
    return np.concatenate(
        [
            image.stack((slice(r, min(r + band, rows)), slice(None)))[:, ::step, ::step]
            for r in range(0, rows, band)
        ],
        axis=1,
    )


def batches(
    jobs: Iterator[tuple[int, Window]], limit: Callable[[Window], int]
) -> Iterator[list[tuple[int, Window]]]:
    """Consecutive jobs whose outer windows have one shape, at most ``limit(window)`` at a time."""
    batch: list[tuple[int, Window]] = []
    for job in jobs:
        size = outer_shape(job[1])
        if batch and (outer_shape(batch[0][1]) != size or len(batch) >= limit(job[1])):
            yield batch
            batch = []
        batch.append(job)
    if batch:
        yield batch


def outer_shape(window: Window) -> tuple[int, int]:
    """Rows and columns of the outer window."""
    r0, c0, r1, c1 = window.outer
    return r1 - r0, c1 - c0
