"""Outlines and thickness of single cells: ellipses bent and perturbed by Fourier terms.

The outline in polar coordinates about the cell's own, bent axes is
``r(t) = exp(sum_k a_k cos(k t + p_k))``; the cell is where ``u = rho / r(t) < 1``
and its thickness falls from the middle to the edge as ``(1 - u**2) ** power``.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from cellwright.types import InputError

Range = tuple[float, float]
SMALLEST_DIAMETER = 4.0


#: standard deviation of the logarithm of a cell's diameter
SPREAD = 0.14


@dataclass(frozen=True, slots=True)
class CellKind:
    """Ranges from which the shape of one cell is drawn, all without units.

    Parameters
    ----------
    elongation
        Long axis over short axis.
    roughness
        Size of the Fourier terms of the outline; 0 is an ellipse.
    harmonics
        First and last Fourier order.
    bend
        How far the long axis is curved, in units of the short half axis.
    nucleus
        Mean diameter of the nucleus over that of the cell.
    flatness
        Power of the thickness profile: 0.5 is a ball, smaller is a flat plateau.
    waist
        How much narrower the middle of the long axis is, as a share: a cell that divides, with a
        nucleus in each half. None has no waist.
    arms
        How many protrusions, from and to; each is 0.4 to 1.2 radii long. None has none.
    """

    elongation: Range
    roughness: Range
    harmonics: tuple[int, int]
    bend: Range
    nucleus: Range
    flatness: float
    waist: Range | None = None
    arms: tuple[int, int] | None = None


#: kinds that "mixed" draws from; the others are asked for by name
MIXED = ("round", "oval", "spindle", "lobed")
KINDS: dict[str, CellKind] = {
    "round": CellKind((1.0, 1.25), (0.0, 0.05), (2, 5), (0.0, 0.1), (0.38, 0.52), 0.5),
    "oval": CellKind((1.2, 1.9), (0.03, 0.10), (2, 6), (0.0, 0.3), (0.40, 0.55), 0.55),
    "spindle": CellKind((2.2, 4.0), (0.04, 0.12), (2, 6), (0.1, 0.7), (0.34, 0.46), 0.7),
    "lobed": CellKind((1.0, 1.6), (0.10, 0.22), (2, 5), (0.0, 0.3), (0.32, 0.45), 0.6),
    "rod": CellKind((3.0, 5.0), (0.0, 0.03), (2, 4), (0.0, 0.25), (0.30, 0.40), 0.45),
    "dividing": CellKind(
        (1.7, 2.2), (0.0, 0.04), (2, 4), (0.0, 0.1), (0.34, 0.44), 0.5, waist=(0.4, 0.65)
    ),
    "flat": CellKind((1.0, 1.35), (0.0, 0.05), (2, 5), (0.0, 0.1), (0.12, 0.25), 0.15),
    "stellate": CellKind(
        (1.0, 2.0), (0.04, 0.10), (2, 5), (0.0, 0.3), (0.34, 0.44), 0.5, arms=(2, 4)
    ),
}


@dataclass(frozen=True, slots=True, eq=False)
class Body:
    """One cell in a window of its own, the window tight around `mask`.

    Parameters
    ----------
    mask, nucleus
        (row, column) bool; the nucleus lies inside the mask and is never empty.
    height, nucleus_height
        (row, column) float32 in [0, 1], thickness relative to the middle; 0 outside.
    """

    mask: np.ndarray
    height: np.ndarray
    nucleus: np.ndarray
    nucleus_height: np.ndarray

    @property
    def area(self) -> int:
        """Pixels of the cell."""
        return int(np.count_nonzero(self.mask))


def kind_named(name: str) -> CellKind:
    """The `CellKind` called `name`; an unknown name raises and lists the choices."""
    if name not in KINDS:
        raise InputError(f"unknown cell kind {name!r}; choose one of {', '.join(KINDS)}, mixed")
    return KINDS[name]


def draw_body(
    rng: np.random.Generator, kind: CellKind, diameter: float, *, spread: float = SPREAD
) -> Body:
    """Draw one cell of about `diameter` pixels.

    Parameters
    ----------
    rng
        Source of every random number.
    kind
        Ranges of the shape.
    diameter
        Diameter in pixels of the disc with the mean area of such cells; at least 4.
    spread
        Standard deviation of the logarithm of the diameter.
    """
    if not diameter >= SMALLEST_DIAMETER:
        raise InputError(
            f"a cell diameter of {diameter:g} pixels came, at least {SMALLEST_DIAMETER:g} is "
            "wanted: take larger cells or a smaller pixel size"
        )
    radius = 0.5 * diameter * rng.lognormal(-0.01, spread)
    elongation = rng.uniform(*kind.elongation)
    long, short = radius * elongation**0.5, radius / elongation**0.5
    bend = rng.uniform(*kind.bend) * rng.choice((-1.0, 1.0)) * short
    angle = rng.uniform(0.0, 2.0 * np.pi)
    reach = int(np.ceil((1.6 if kind.arms is None else 3.2) * long + abs(bend))) + 2
    rows, cols = np.ogrid[-reach : reach + 1, -reach : reach + 1]
    rows, cols = rows - rng.uniform(-0.5, 0.5), cols - rng.uniform(-0.5, 0.5)
    along = np.cos(angle) * cols + np.sin(angle) * rows
    across = np.cos(angle) * rows - np.sin(angle) * cols
    across = across - bend * ((along / long) ** 2 - 0.4)
    if kind.waist is not None:
        across = across / (1.0 - rng.uniform(*kind.waist) * np.exp(-((along / (0.35 * long)) ** 2)))
    cell = _polar_distance(rng, along / long, across / short, kind.roughness, kind.harmonics)
    if kind.arms is not None:
        cell = cell / _reached(rng, along / long, across / short, kind.arms)
    mask = _largest_piece(cell < 1.0)

    # The nucleus is rounder than the cell, off the middle and never at the membrane.
    ratio = rng.uniform(*kind.nucleus)
    wide = min(ratio * radius * elongation**0.2, 0.8 * long)
    tall = min(ratio * radius / elongation**0.2, 0.72 * short)
    shift = rng.uniform(-1.0, 1.0, 2) * (0.55 * (long - wide), 0.55 * (short - tall))
    position = along - shift[0]
    if kind.waist is not None:
        wide = min(wide, 0.3 * long)
        position = np.abs(along) - 0.5 * long
    core = _polar_distance(rng, position / wide, (across - shift[1]) / tall, (0.0, 0.06), (2, 4))
    nucleus = (core < 1.0) & (cell < 0.93) & mask
    if not nucleus.any():
        nucleus = mask & (core == core[mask].min())

    window = bounding_window(mask)
    height = np.where(mask, np.clip(1.0 - cell**2, 0.0, 1.0) ** kind.flatness, 0.0)
    core_height = np.where(nucleus, np.sqrt(np.clip(1.0 - core**2, 0.05, 1.0)), 0.0)
    return Body(
        mask[window],
        height[window].astype(np.float32),
        nucleus[window],
        core_height[window].astype(np.float32),
    )


def bounding_window(mask: np.ndarray) -> tuple[slice, slice]:
    """The smallest window that holds every True of `mask`, which has at least one."""
    rows, cols = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    return slice(int(rows[0]), int(rows[-1]) + 1), slice(int(cols[0]), int(cols[-1]) + 1)


def _polar_distance(
    rng: np.random.Generator,
    x: np.ndarray,
    y: np.ndarray,
    roughness: Range,
    harmonics: tuple[int, int],
) -> np.ndarray:
    """Distance from the middle as a share of the perturbed unit circle's radius."""
    orders = np.arange(harmonics[0], harmonics[1] + 1)
    size = rng.uniform(*roughness) * rng.normal(size=orders.size) * (orders[0] / orders)
    phase = rng.uniform(0.0, 2.0 * np.pi, orders.size)
    turn = np.linspace(-np.pi, np.pi, 181)
    waves = (size[:, None] * np.cos(orders[:, None] * turn + phase[:, None])).sum(axis=0)
    waves = np.clip(waves, -0.45, 0.35)
    return np.hypot(x, y) / np.interp(np.arctan2(y, x), turn, np.exp(waves))


def _reached(
    rng: np.random.Generator, x: np.ndarray, y: np.ndarray, arms: tuple[int, int]
) -> np.ndarray:
    """How far the outline reaches in each direction with narrow arms, of the same mean area."""
    count = int(rng.integers(arms[0], arms[1] + 1))
    places = (np.arange(count) + rng.uniform(-0.35, 0.35, count)) * 2.0 * np.pi / count
    places = places + rng.uniform(0.0, 2.0 * np.pi)
    length, width = rng.uniform(0.4, 1.2, count), rng.uniform(0.15, 0.4, count)
    turn = np.linspace(-np.pi, np.pi, 361)
    away = np.abs((turn[:, None] - places + np.pi) % (2.0 * np.pi) - np.pi)
    outline = 1.0 + (length * np.exp(-((away / width) ** 2))).sum(axis=1)
    outline = outline / np.sqrt((outline**2).mean())
    return np.interp(np.arctan2(y, x), turn, outline)


def _largest_piece(mask: np.ndarray) -> np.ndarray:
    labels, count = ndimage.label(mask)
    if count <= 1:
        return mask
    return labels == 1 + np.argmax(np.bincount(labels.ravel())[1:])
