"""Where the windows lie: arithmetic only."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from cellwright.types import InputError


@dataclass(frozen=True, slots=True)
class Window:
    """A core and the larger window around it, both half-open (row0, col0, row1, col1)."""

    core: tuple[int, int, int, int]
    outer: tuple[int, int, int, int]

    @property
    def slices(self) -> tuple[slice, slice]:
        """Rows and columns of the outer window in the frame."""
        r0, c0, r1, c1 = self.outer
        return slice(r0, r1), slice(c0, c1)

    @property
    def core_slices(self) -> tuple[slice, slice]:
        """Rows and columns of the core in the frame."""
        r0, c0, r1, c1 = self.core
        return slice(r0, r1), slice(c0, c1)

    @property
    def core_in_outer(self) -> tuple[slice, slice]:
        """Rows and columns of the core, counted from the outer window's corner."""
        r0, c0, r1, c1 = self.core
        top, left = self.outer[:2]
        return slice(r0 - top, r1 - top), slice(c0 - left, c1 - left)


def plan(
    shape: tuple[int, int],
    tile_shape: tuple[int, int],
    halo: tuple[int, int],
    *,
    multiple: int = 1,
) -> Iterator[Window]:
    """Windows whose cores cover a frame once, row by row.

    Parameters
    ----------
    shape
        Rows and columns of the frame.
    tile_shape
        Rows and columns of a core; the last ones may be smaller.
    halo
        Rows and columns added on each side, cut at the frame.
    multiple
        Outer windows begin at multiples of this, so that a network with poolings
        sees the same grid in every window; tile and halo are rounded up to it.

    Examples
    --------
    >>> [w.core for w in plan((4, 6), (4, 4), (1, 1))]
    [(0, 0, 4, 4), (0, 4, 4, 6)]
    >>> [w.outer for w in plan((4, 6), (4, 4), (1, 1))]
    [(0, 0, 4, 5), (0, 3, 4, 6)]
    """
    if min(tile_shape) < 1 or min(halo) < 0:
        raise InputError(
            f"tiles of {tile_shape} with halo {halo} cannot be cut: "
            "tiles want at least 1 pixel, halos at least 0"
        )
    rows, cols = (-(-t // multiple) * multiple for t in tile_shape)
    margin_rows, margin_cols = (-(-h // multiple) * multiple for h in halo)
    for r0 in range(0, shape[0], rows):
        for c0 in range(0, shape[1], cols):
            r1, c1 = min(r0 + rows, shape[0]), min(c0 + cols, shape[1])
            outer = (
                max(r0 - margin_rows, 0),
                max(c0 - margin_cols, 0),
                min(r1 + margin_rows, shape[0]),
                min(c1 + margin_cols, shape[1]),
            )
            yield Window((r0, c0, r1, c1), outer)
