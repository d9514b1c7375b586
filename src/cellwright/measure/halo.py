"""Background and bleeding light of one window: what a pixel would show without its own cell.

The light between cells is fitted as a smooth background plus halos,

    I(p) = sum_k b_k P_k(p) + sum_s w_s (G_s * A)(p),    A = sum_j a_j M_j,    w_s >= 0,

with polynomials P_k, Gaussians G_s of three widths, the masks M_j and the brightness a_j of each
cell, by iteratively reweighted least squares (bisquare weights, so that specks and cells that
nobody outlined do not pull). The brightness then follows from the mean of the cell's own pixels
minus background, halos of the others and what covers it, and both are repeated until they agree.
All this is done on a grid of some eight bins per cell diameter.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from cellwright.measure.cores import covered_shares, own_pixels
from cellwright.types import Instances

_BINS_PER_DIAMETER = 8
# Widths of the halos in radii of a cell.
_WIDTHS = (0.5, 1.0, 2.0)
_ROUNDS = 5
_REWEIGHTED = 6
# No more than this share of a cell's light can lie around it.
_MOST_BLEED = 0.8
# Pixels that tell the noise, and bins that the background is fitted to.
_SAMPLES = 200_000
_FITTED = 6_000
_LEAST_BINS = 4


@dataclass(frozen=True, slots=True, eq=False)
class Light:
    """Light of the cells of a window, in grey values.

    Parameters
    ----------
    own
        (N,) light of each cell above everything else that falls on its pixels.
    around
        (N,) light that would be there without it: background, halos, cells that cover it.
    pixels
        (N,) number of pixels it was measured on.
    noise
        Standard deviation of the pixels between cells (1.4826 MAD).
    bleed
        Weights of the halos.
    """

    own: np.ndarray
    around: np.ndarray
    pixels: np.ndarray
    noise: float
    bleed: np.ndarray


def cell_light(
    plane: np.ndarray, instances: Instances, *, part: str = "core", gap: int = 2, halos: bool = True
) -> Light | None:
    """Light of every cell above background and bleeding.

    Parameters
    ----------
    plane
        (row, column) float.
    instances
        Cells on it.
    part
        See `cellwright.measure.cores.own_pixels`.
    gap
        Pixels around the cells that do not count as background.
    halos
        Whether light that bleeds from other cells is taken off.

    Returns
    -------
    Light or None
        None if there is too little background between the cells.
    """
    areas = np.maximum(instances.areas, 1)
    diameter = float(np.sqrt(4 * np.median(areas) / np.pi)) if len(areas) else 32.0
    grid = _Grid(plane.shape, max(1, round(diameter / _BINS_PER_DIAMETER)))
    outside = _outside(instances, gap)
    free = grid.total(outside)
    used = free >= 0.5 * grid.sizes
    if np.count_nonzero(used) < _LEAST_BINS:
        return None
    used = _thinned(used, _FITTED)
    values = grid.total(np.where(outside, plane, 0))[used] / free[used]

    own = own_pixels(instances, part)
    mean = np.array([
        plane[row0:row1, col0:col1][pixels].mean(dtype=np.float64)
        for (row0, col0, row1, col1), pixels in zip(instances.boxes.tolist(), own, strict=True)
    ])  # fmt: skip
    masks = _on_grid(grid, instances.boxes, instances.masks)
    places = _on_grid(grid, instances.boxes, own)
    widths = [0.5 * w * diameter / grid.step for w in _WIDTHS] if halos else []
    itself = np.array([
        [_itself(mask, place, w) for w in widths]
        for mask, place in zip(masks, places, strict=True)
    ]).reshape(len(own), len(widths))  # fmt: skip
    cover, over, share = covered_shares(instances, own)

    smooth = _polynomials(grid.bins, degree=_degree(plane.shape, diameter, int(used.sum())))
    light = np.maximum(mean - np.median(values), 0)
    for _ in range(_ROUNDS if widths and len(own) else 1):
        spread = _halos(grid.bins, masks, light, widths)
        fit, bleed = _fit(smooth[:, used].T, spread[:, used].T, values, free[used])
        fitted = np.tensordot(fit, smooth, axes=1) + np.tensordot(bleed, spread, axes=1)
        around = np.array([_mean_at(fitted, place) for place in places])
        around = around - light * (itself @ bleed)
        for _ in range(3):
            on_top = np.bincount(cover, share * light[over], minlength=len(own))
            light = np.maximum(mean - around - on_top, 0)
        around = around + on_top
    noise = _noise(plane, outside, fitted, grid)
    count = np.array([np.count_nonzero(pixels) for pixels in own], dtype=np.int64)
    return Light(mean - around, around, count, noise, bleed)


class _Grid:
    """Square bins of `step` pixels over a frame; those at the end may be smaller."""

    def __init__(self, shape: tuple[int, int], step: int) -> None:
        self.step = step
        self._edges = tuple(np.arange(0, n, step) for n in shape)
        self.bins = (len(self._edges[0]), len(self._edges[1]))
        lengths = [np.diff(np.append(e, n)) for e, n in zip(self._edges, shape, strict=True)]
        self.sizes = np.outer(*lengths).astype(np.float64)

    def total(self, values: np.ndarray) -> np.ndarray:
        """Sum of the pixels of each bin."""
        kind = np.float64 if values.dtype.kind == "f" else np.int64
        rows = np.add.reduceat(values, self._edges[0], axis=0, dtype=kind)
        return np.add.reduceat(rows, self._edges[1], axis=1)

    def spread(self, box: np.ndarray, mask: np.ndarray) -> tuple[tuple[slice, slice], np.ndarray]:
        """Bins under a box, and the share of each that the mask covers."""
        row0, col0, row1, col1 = (int(v) for v in box)
        first = row0 // self.step, col0 // self.step
        last = (row1 - 1) // self.step + 1, (col1 - 1) // self.step + 1
        sums = mask.astype(np.float64)
        for axis, start in enumerate((row0, col0)):
            edges = np.maximum(self._edges[axis][first[axis] : last[axis]], start) - start
            sums = np.add.reduceat(sums, edges, axis=axis)
        window = slice(first[0], last[0]), slice(first[1], last[1])
        return window, sums / self.sizes[window]


def _thinned(used: np.ndarray, most: int) -> np.ndarray:
    """At most `most` of the true elements, evenly spread and always the same."""
    places = np.flatnonzero(used)
    if len(places) <= most:
        return used
    thinned = np.zeros(used.size, dtype=bool)
    thinned[np.random.default_rng(0).choice(places, most, replace=False)] = True
    return thinned.reshape(used.shape)


_Place = tuple[tuple[slice, slice], np.ndarray]


def _on_grid(grid: _Grid, boxes: np.ndarray, masks: tuple[np.ndarray, ...]) -> list[_Place]:
    return [grid.spread(box, mask) for box, mask in zip(boxes, masks, strict=True)]


def _outside(instances: Instances, gap: int) -> np.ndarray:
    covered = np.zeros(instances.shape, dtype=bool)
    for (row0, col0, row1, col1), mask in zip(
        instances.boxes.tolist(), instances.masks, strict=True
    ):
        covered[row0:row1, col0:col1] |= mask
    return ~ndimage.binary_dilation(covered, iterations=gap) if gap else ~covered


def _mean_at(values: np.ndarray, place: _Place) -> float:
    window, share = place
    return float((values[window] * share).sum() / share.sum())


def _itself(mask: _Place, place: _Place, width: float) -> float:
    """What a cell of brightness 1 adds to its own pixels by a halo of `width` bins."""
    return _mean_at(
        ndimage.gaussian_filter(mask[1], width, mode="constant"), ((slice(None),) * 2, place[1])
    )


def _halos(
    bins: tuple[int, int], masks: list[_Place], light: np.ndarray, widths: list[float]
) -> np.ndarray:
    """(width, row, column) halos of all cells together."""
    source = np.zeros(bins)
    for (window, share), amount in zip(masks, light.tolist(), strict=True):
        source[window] += amount * share
    made = [ndimage.gaussian_filter(source, w, mode="constant") for w in widths]
    return np.array(made).reshape(len(widths), *bins)


def _degree(shape: tuple[int, int], diameter: float, samples: int) -> int:
    """Degree of the background: low where the frame is small or little of it is free."""
    across = min(shape) / diameter
    wanted = 4 if across >= 12 else 2 if across >= 4 else 1
    while wanted and samples < 8 * (wanted + 1) * (wanted + 2) / 2:
        wanted -= 1
    return wanted


def _polynomials(bins: tuple[int, int], degree: int) -> np.ndarray:
    """(term, row, column) products of Legendre polynomials up to `degree` in all."""
    rows, columns = (np.linspace(-1, 1, n) if n > 1 else np.zeros(1) for n in bins)
    down = np.polynomial.legendre.legvander(rows, degree)
    across = np.polynomial.legendre.legvander(columns, degree)
    return np.array([
        np.outer(down[:, i], across[:, j]) for i in range(degree + 1) for j in range(degree + 1 - i)
    ])  # fmt: skip


def _fit(
    smooth: np.ndarray, spread: np.ndarray, values: np.ndarray, weights: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Weights of the background and, not negative, of the halos; robust against outliers."""
    middle = float(np.median(values))
    scale = _deviation(values - middle)
    trust = weights * _bisquare((values - middle) / max(4 * scale, 1e-12))
    design = np.concatenate([smooth, spread], axis=1)
    terms = smooth.shape[1]
    found = np.zeros(design.shape[1])
    for _ in range(_REWEIGHTED):
        found = _least_squares(design, values - middle, trust, terms)
        rest = values - middle - design @ found
        trust = weights * _bisquare(rest / max(4.685 * _deviation(rest), 1e-12))
    found[0] += middle
    bleed = found[terms:]
    return found[:terms], bleed * min(1.0, _MOST_BLEED / max(bleed.sum(), 1e-12))


def _least_squares(
    design: np.ndarray, values: np.ndarray, weights: np.ndarray, terms: int
) -> np.ndarray:
    """Weighted least squares in which the columns from `terms` on get no negative weight."""
    active = np.ones(design.shape[1], dtype=bool)
    active[terms:] = design[:, terms:].any(axis=0)
    weighted = design * weights[:, None]
    normal, target = design.T @ weighted, values @ weighted
    # Just enough that terms which the free bins do not tell apart stay small.
    normal[np.diag_indices(terms)] += 1e-3 * weights.sum() * (np.arange(terms) > 0)
    while True:
        found = np.zeros(design.shape[1])
        kept = np.flatnonzero(active)
        found[kept] = np.linalg.lstsq(normal[np.ix_(kept, kept)], target[kept], rcond=None)[0]
        if not (found[terms:] < 0).any():
            return found
        active[terms + int(np.argmin(found[terms:]))] = False


def _bisquare(residuals: np.ndarray) -> np.ndarray:
    return np.clip(1 - residuals**2, 0, None) ** 2


def _deviation(values: np.ndarray) -> float:
    """1.4826 times the median absolute deviation."""
    return 1.4826 * float(np.median(np.abs(values - np.median(values))))


def _noise(plane: np.ndarray, outside: np.ndarray, fitted: np.ndarray, grid: _Grid) -> float:
    """Deviation of the pixels between cells from what was fitted."""
    rows, columns = np.nonzero(outside)
    every = max(1, len(rows) // _SAMPLES)
    rows, columns = rows[::every], columns[::every]
    rest = plane[rows, columns] - fitted[rows // grid.step, columns // grid.step]
    return _deviation(rest)
