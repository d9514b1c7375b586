"""What SAM remembers of an image: features of each tile, sizes, and what made them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from torch import Tensor

from cellwright.tiling.plan import Window
from cellwright.types import Prompts


@dataclass(frozen=True, slots=True, eq=False)
class Tile:
    """Features of one window of the frame.

    Parameters
    ----------
    window
        Its core and what was seen around it.
    features
        Float32 tensors (1, channel, row, column) on the CPU: the embedding last, before it the
        finer features of SAM 2.
    """

    window: Window
    features: tuple[Tensor, ...]

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns that the features cover."""
        r0, c0, r1, c1 = self.window.outer
        return r1 - r0, c1 - c0

    def cuts(self, box: tuple[int, int, int, int], shape: tuple[int, int]) -> bool:
        """Whether `box` reaches an edge of the tile behind which a frame of `shape` goes on."""
        r0, c0, r1, c1 = self.window.outer
        low = (box[0] <= r0 and r0 > 0) or (box[1] <= c0 and c0 > 0)
        return low or (box[2] >= r1 and r1 < shape[0]) or (box[3] >= c1 and c1 < shape[1])


@dataclass(frozen=True, slots=True, eq=False)
class SamEmbedding:
    """The embedding of an image, by one model.

    Parameters
    ----------
    shape
        Rows and columns of the frame.
    tiles
        One, or a grid whose cores cover the frame.
    model
        Digest of the model that made it; no other may decode it.
    limits
        Values that became 0 and 255 per channel; None where 8-bit values were taken as they are.
    """

    shape: tuple[int, int]
    tiles: tuple[Tile, ...]
    model: str
    limits: tuple[tuple[float, float], ...] | None = None

    @property
    def bytes(self) -> int:
        """Memory of the features."""
        return sum(f.numel() * f.element_size() for tile in self.tiles for f in tile.features)

    def tile_of(self, prompts: Prompts) -> int:
        """Index of the tile whose core holds the middle of `prompts`."""
        row, col = middle(prompts)
        row = min(max(row, 0.0), self.shape[0] - 1)
        col = min(max(col, 0.0), self.shape[1] - 1)
        for index, tile in enumerate(self.tiles):
            r0, c0, r1, c1 = tile.window.core
            if r0 <= row < r1 and c0 <= col < c1:
                return index
        return len(self.tiles) - 1


def middle(prompts: Prompts) -> tuple[float, float]:
    """Row and column in the middle of the box, else of the positive points, else of the mask."""
    if prompts.box is not None:
        r0, c0, r1, c1 = prompts.box
        return (r0 + r1 - 1) / 2, (c0 + c1 - 1) / 2
    points = prompts.points[prompts.signs] if prompts.signs.any() else prompts.points
    if len(points):
        row, col = points.mean(axis=0)
        return float(row), float(col)
    found = np.argwhere(prompts.mask)
    if not len(found):
        return 0.0, 0.0
    row, col = found.mean(axis=0)
    return float(row), float(col)
