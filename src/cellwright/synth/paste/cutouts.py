"""Cells cut out of a labelled image by their masks, as what they add to its background."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from cellwright.geometry.blocks import blurred
from cellwright.synth.paste.ground import Ground, ground_of
from cellwright.types import Image, Instances

#: a cell that shares more of its pixels than this with others brings too much of them along
SHARED = 0.1
#: smallest cell that is worth pasting, in pixels
SMALLEST = 4
#: standard deviations after which a soft edge ends
EDGE_REACH = 2.5
#: share of a part (a nucleus) that lies in the cell it belongs to
INSIDE = 0.5


@dataclass(frozen=True, slots=True, eq=False)
class Cutout:
    """A cell in a window of its own.

    Parameters
    ----------
    pixels
        (plane, row, column) float32: intensity minus local background; with a soft edge times
        `alpha`.
    mask
        (row, column) bool.
    alpha
        (row, column) float32, weight of the pixels: 1 on the cell, falling to 0 outside of it;
        None without a soft edge, when the mask is the weight.
    cell
        Index of the cell in its image.
    parts
        Mask of each carried cell (nucleus) in the same window.
    part_cells
        Their indices in the image.
    """

    pixels: np.ndarray
    mask: np.ndarray
    alpha: np.ndarray | None
    cell: int
    parts: tuple[np.ndarray, ...] = ()
    part_cells: tuple[int, ...] = ()
    _sheet: list[np.ndarray] = field(default_factory=list)

    def sheet(self) -> np.ndarray:
        """Mask, weight if there is one, pixels and parts as (layer, row, column) float32.

        A frame of zeros one pixel wide lies around them, for interpolation at the border.
        """
        if not self._sheet:
            weight = () if self.alpha is None else (self.alpha,)
            layers = np.stack([self.mask, *weight, *self.pixels, *self.parts], dtype=np.float32)
            self._sheet.append(np.pad(layers, ((0, 0), (1, 1), (1, 1))))
        return self._sheet[0]


@dataclass(slots=True, eq=False)
class Source:
    """A labelled image whose cells are cut out when they are asked for.

    Parameters
    ----------
    name
        Of the image.
    image
        Kept for its axes, type, pixel size, channels and tags.
    cells
        All its instances.
    pool
        Indices of the cells that may be pasted.
    departure
        (plane, row, column) float32, image minus its background level and halo.
    ground
        Its background.
    parts_of
        Carried cells by cell.
    edge
        Standard deviation of the soft edge in pixels; 0 for none.
    """

    name: str
    image: Image
    cells: Instances
    pool: np.ndarray
    departure: np.ndarray
    ground: Ground
    parts_of: dict[int, list[int]]
    edge: float
    cover: np.ndarray
    _cut: dict[int, Cutout] = field(default_factory=dict)

    @classmethod
    def of(
        cls,
        name: str,
        image: Image,
        cells: Instances,
        *,
        diameter: float,
        edge: float = 0.0,
        only: int | None = None,
        carried: Sequence[str] = ("nucleus",),
        halos: bool = False,
    ) -> Source:
        """Prepare an image.

        Parameters
        ----------
        diameter
            Typical diameter of its cells in pixels.
        edge
            As above.
        only
            Class of the cells that may be pasted; None for all but the carried ones.
        carried
            Classes whose cells go along with the cell they lie in.
        halos
            Take the halo of phase contrast off before cells are cut out.
        """
        pasted = pastable(cells, only=only, carried=carried)
        cover = np.zeros(cells.shape, np.uint8)
        for (r, c, r1, c1), mask in _boxed(cells, pasted | ~is_carried(cells, carried)):
            np.add(cover[r:r1, c:c1], mask, out=cover[r:r1, c:c1])
        stack = image.stack().astype(np.float32)
        ground = ground_of(stack, cover > 0, diameter, halos=halos)
        if ground.halo is not None:
            stack /= ground.halo.around(cover > 0)
        candidates = np.flatnonzero(pasted & whole(cells))
        shared = np.array([_shared(cells, i, cover) for i in candidates])
        pool = candidates[shared <= SHARED] if (shared <= SHARED).any() else candidates
        return cls(
            name, image, cells, pool, stack - ground.level, ground,
            _parts(cells, pasted, is_carried(cells, carried)), edge, cover,
        )  # fmt: skip

    @property
    def nbytes(self) -> int:
        """About how much memory it takes."""
        cut = sum(2 * c.pixels.nbytes + 9 * c.mask.nbytes for c in self._cut.values())
        return self.departure.nbytes * 2 + self.cover.nbytes + cut

    def cutout(self, cell: int) -> Cutout:
        """The cell of this index."""
        if cell not in self._cut:
            self._cut[cell] = self._cutout(cell)
        return self._cut[cell]

    def _cutout(self, cell: int) -> Cutout:
        reach = int(np.ceil(EDGE_REACH * self.edge)) + 1
        row, col, row1, col1 = self.cells.boxes[cell].tolist()
        rows = slice(max(row - reach, 0), min(row1 + reach, self.cells.shape[0]))
        cols = slice(max(col - reach, 0), min(col1 + reach, self.cells.shape[1]))
        mask = self._placed(cell, rows, cols)
        pixels = self.departure[:, rows, cols]
        alpha = None
        if self.edge > 0:
            others = (self.cover[rows, cols] > 0) & ~mask
            alpha = soft(mask, others, self.edge)
            pixels = pixels * alpha
        numbers = self.parts_of.get(cell, [])
        parts = tuple(self._placed(i, rows, cols) for i in numbers)
        return Cutout(pixels, mask, alpha, cell, parts, tuple(numbers))

    def _placed(self, cell: int, rows: slice, cols: slice) -> np.ndarray:
        """Mask of a cell in a window of the image; what lies outside of the window is cut."""
        out = np.zeros((rows.stop - rows.start, cols.stop - cols.start), bool)
        row, col, row1, col1 = self.cells.boxes[cell].tolist()
        r, r1 = max(row, rows.start), min(row1, rows.stop)
        c, c1 = max(col, cols.start), min(col1, cols.stop)
        if r < r1 and c < c1:
            out[r - rows.start : r1 - rows.start, c - cols.start : c1 - cols.start] = (
                self.cells.masks[cell][r - row : r1 - row, c - col : c1 - col]
            )
        return out


def is_carried(cells: Instances, carried: Sequence[str]) -> np.ndarray:
    """(N,) bool: cells that go along with others; none if there is no other class."""
    names = np.array([n in carried for n in cells.class_names])
    return names[cells.classes] if not names.all() else np.zeros(len(cells), bool)


def pastable(cells: Instances, *, only: int | None, carried: Sequence[str]) -> np.ndarray:
    """(N,) bool: cells of the wanted class that are no parts of others and no crowds."""
    chosen = ~is_carried(cells, carried) if only is None else cells.classes == only
    if cells.tags:
        chosen = chosen & ~np.array([bool(t.get("iscrowd", False)) for t in cells.tags])
    return chosen


def whole(cells: Instances) -> np.ndarray:
    """(N,) bool: cells that the border of the image does not cut, and of some pixels."""
    boxes = cells.boxes
    inside = (boxes[:, :2] > 0).all(axis=1) & (boxes[:, 2:] < cells.shape).all(axis=1)
    return inside & (cells.areas >= SMALLEST)


def soft(mask: np.ndarray, others: np.ndarray, sigma: float) -> np.ndarray:
    """Weight of a cell's pixels: 1 on it, half a Gaussian around it, 0 on `others`.

    Twice the mask blurred by `sigma`, at most 1, is 1 along a straight edge and falls outside
    of it (P4, 4.4.1, blurs edges by 20 pixels). Neighbours in the image are left out.
    """
    weight = np.minimum(2.0 * _blurred(mask, sigma), 1.0)
    if others.any():
        weight *= 1.0 - np.minimum(2.0 * _blurred(others, sigma / 2), 1.0)
        weight[others] = 0
    weight[mask] = 1
    return weight


def _blurred(mask: np.ndarray, sigma: float) -> np.ndarray:
    """Gaussian of a mask, zeros around it; float32."""
    return blurred(mask, sigma, mode="constant", truncate=EDGE_REACH)


def _boxed(cells: Instances, chosen: np.ndarray):  # type: ignore[no-untyped-def]
    """Boxes and masks of the chosen cells."""
    for i in np.flatnonzero(chosen):
        yield cells.boxes[i].tolist(), cells.masks[i]


def _shared(cells: Instances, cell: int, cover: np.ndarray) -> float:
    """Share of a cell that lies under or over others."""
    row, col, row1, col1 = cells.boxes[cell].tolist()
    mask = cells.masks[cell]
    return np.count_nonzero(mask & (cover[row:row1, col:col1] > 1)) / np.count_nonzero(mask)


def _parts(cells: Instances, pasted: np.ndarray, carried: np.ndarray) -> dict[int, list[int]]:
    """Carried cells by the cell that holds most of each, if it holds half of it."""
    from cellwright.overlap import intersections

    if not carried.any() or not pasted.any():
        return {}
    hosts, parts = np.flatnonzero(pasted), np.flatnonzero(carried)
    i, j, pixels = intersections(cells[parts], cells[hosts])
    areas = cells.areas[parts]
    best: dict[int, tuple[int, int]] = {}
    for part, host, shared in zip(i.tolist(), j.tolist(), pixels.tolist(), strict=True):
        if shared >= INSIDE * areas[part] and shared > best.get(part, (0, 0))[0]:
            best[part] = (shared, host)
    found: dict[int, list[int]] = {}
    for part, (_, host) in sorted(best.items()):
        found.setdefault(int(hosts[host]), []).append(int(parts[part]))
    return found
