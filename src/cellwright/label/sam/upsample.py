"""Low-resolution logits to masks of the frame, where a mask can be and nowhere else.

The reference scales every mask to the network's input, cuts off the padding, scales that to
the image and compares with zero. Both steps are linear and separable, so they are one small
matrix for rows and one for columns; and a weighted mean is positive only where one of its terms
is, so the rest of the image is never drawn.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F


class Upsampling:
    """From low-resolution logits to pixels, for one size of image.

    Parameters
    ----------
    shape
        Rows and columns of the image.
    used
        Rows and columns of the network's input that the image fills.
    side
        Rows and columns of the network's input.
    low
        Rows and columns of the logits.
    direct
        Whether logits are scaled straight to the image (SAM 2), which then fills the input.
    """

    def __init__(
        self,
        shape: tuple[int, int],
        used: tuple[int, int],
        side: int,
        low: tuple[int, int],
        *,
        direct: bool,
    ) -> None:
        self.rows = _weights(low[0], None if direct else side, used[0], shape[0])
        self.cols = _weights(low[1], None if direct else side, used[1], shape[1])
        self.row_reach, self.col_reach = _reach(self.rows), _reach(self.cols)

    def logits(self, low: Tensor, box: tuple[int, int, int, int]) -> Tensor:
        """Logits of the pixels of `box`, (row0, col0, row1, col1)."""
        rows, cols = self.rows[box[0] : box[2]], self.cols[box[1] : box[3]]
        (a, b), (c, d) = _span(rows), _span(cols)
        return rows[:, a:b] @ low[a:b, c:d] @ cols[:, c:d].T

    def window(self, low: Tensor, threshold: float = 0.0) -> tuple[int, int, int, int] | None:
        """Pixels outside of which no logit exceeds `threshold`; None if none can."""
        above = low > threshold
        rows, cols = above.any(dim=1).nonzero(), above.any(dim=0).nonzero()
        if not len(rows):
            return None
        first, last = self.row_reach
        left, right = self.col_reach
        box = int(first[rows[0]]), int(left[cols[0]]), int(last[rows[-1]]), int(right[cols[-1]])
        return box if box[0] < box[2] and box[1] < box[3] else None

    def mask(self, low: Tensor) -> tuple[tuple[int, int, int, int], np.ndarray] | None:
        """Box and boolean mask of the positive logits; None if there is no such pixel."""
        window = self.window(low)
        if window is None:
            return None
        found = (self.logits(low, window) > 0).numpy()
        rows, cols = np.flatnonzero(found.any(axis=1)), np.flatnonzero(found.any(axis=0))
        if not len(rows):
            return None
        r0, r1, c0, c1 = rows[0], rows[-1] + 1, cols[0], cols[-1] + 1
        box = (window[0] + int(r0), window[1] + int(c0), window[0] + int(r1), window[1] + int(c1))
        return box, np.ascontiguousarray(found[r0:r1, c0:c1])

    def stability(self, low: Tensor, offset: float) -> float:
        """Pixels above `offset` over those above ``-offset``; 0 if there are none."""
        window = self.window(low, -offset)
        if window is None:
            return 0.0
        drawn = self.logits(low, window)
        outer = int((drawn > -offset).sum())
        return int((drawn > offset).sum()) / outer if outer else 0.0


@lru_cache(maxsize=16)
def upsampling(
    shape: tuple[int, int], used: tuple[int, int], side: int, low: tuple[int, int], direct: bool
) -> Upsampling:
    """The same `Upsampling` for the same sizes."""
    return Upsampling(shape, used, side, low, direct=direct)


def _weights(low: int, side: int | None, used: int, pixels: int) -> Tensor:
    """(pixel, low) weights of the reference's interpolation along one axis, as it rounds them."""
    weights = torch.eye(low)
    if side is not None:
        weights = _linear(weights, side)[:used]
    return _linear(weights, pixels)


def _linear(weights: Tensor, size: int) -> Tensor:
    stretched = F.interpolate(weights.T[None], size, mode="linear", align_corners=False)
    return stretched[0].T


def _reach(weights: Tensor) -> tuple[Tensor, Tensor]:
    """First pixel, and one beyond the last, that each low-resolution element has a part in."""
    part = weights > 0
    count = len(part)
    some = part.any(dim=0)
    first = torch.where(some, part.int().argmax(dim=0), count)
    last = torch.where(some, count - part.flip(0).int().argmax(dim=0), 0)
    # Elements without a part (padding, skipped ones) take the reach of their neighbours.
    return first.flip(0).cummin(0).values.flip(0), last.cummax(0).values


def _span(weights: Tensor) -> tuple[int, int]:
    used = weights.any(dim=0).nonzero()
    return (int(used[0]), int(used[-1]) + 1) if len(used) else (0, 0)
