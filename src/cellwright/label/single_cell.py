"""Which masks are single cells, how consistent each is, and why the others are left out.

Source: P5, section 3.3 (contours whose area, length, width and roundness are not those of a
single cell are left out). The paper gives no limits. Ours are relative to the sizes in the image;
solidity, edge contrast and agreement between several ways of seeing a cell are our additions.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from scipy.spatial import ConvexHull

from cellwright.geometry import to_label_map
from cellwright.label.shape import Shapes, robust_score, shapes
from cellwright.label.zero_shot import rim_contrast
from cellwright.types import Instances


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What a single cell is; sizes in robust standard deviations of their logarithm.

    Parameters
    ----------
    smallest, largest, longest, thinnest
        How far area may lie below and above, length above and width below the image's median.
    roundness, solidity
        Least roundness (1 is a disc) and share of the convex hull (1 is convex).
    contrast
        Least difference of the cell and its rim, in units of the image's noise.
    consistency
        Least consistency.
    """

    smallest: float = 4.0
    largest: float = 5.0
    longest: float = 6.0
    thinnest: float = 5.0
    roundness: float = 0.05
    solidity: float = 0.8
    contrast: float = 2.0
    consistency: float = 0.6


@dataclass(frozen=True, slots=True)
class Judged:
    """Outcome of the filter; both have one entry per cell.

    Parameters
    ----------
    consistency
        (N,) float in [0, 1].
    reasons
        Why a cell is left out; "" for one that is kept.
    """

    consistency: np.ndarray
    reasons: tuple[str, ...]

    @property
    def kept(self) -> np.ndarray:
        """(N,) bool."""
        return np.array([not reason for reason in self.reasons], bool)


def judge(
    plane: np.ndarray,
    cells: Instances,
    agreements: Mapping[str, np.ndarray],
    *,
    limits: Limits | None = None,
) -> Judged:
    """Judge every cell by its shape, its edge and how far others agree on it.

    Parameters
    ----------
    plane
        (row, column) array in which cells are bright.
    cells
        Masks on the frame of `plane`; they may overlap.
    agreements
        By name (N,) IoU of each cell with what another way of seeing it found. The consistency
        is their geometric mean; the name of the lowest is the reason of a cell below the limit.
    limits
        What a single cell is.

    Returns
    -------
    Judged
        The first reason that holds. Cells at the border are cut: small and thin ones are kept.
    """
    limits = limits or Limits()
    if not len(cells):
        return Judged(np.zeros(0), ())
    found = shapes_of(cells)
    weight, whole = np.maximum(found.area, 1), ~found.border
    area = robust_score(np.log(weight), weight, least=0.3, among=whole)
    length = robust_score(np.log(found.length), weight, least=0.2, among=whole)
    width = robust_score(np.log(found.width), weight, least=0.2, among=whole)
    contrast = np.nan_to_num(rim_contrast(to_label_map(cells), plane)[: len(cells)])
    contrast = np.pad(contrast, (0, len(cells) - len(contrast)))
    values = np.array([np.clip(v, 0, 1) for v in agreements.values()]).reshape(-1, len(cells))
    consistency = values.prod(axis=0) ** (1 / max(len(values), 1))
    tests = [
        ("too small", (area < -limits.smallest) & whole),
        ("too large", area > limits.largest),
        ("too long", length > limits.longest),
        ("too thin", (width < -limits.thinnest) & whole),
        ("not round", (found.roundness < limits.roundness) & whole),
        ("not solid", solidity(cells) < limits.solidity),
        ("weak edge", contrast < limits.contrast),
    ]
    low = consistency < limits.consistency
    for i, name in enumerate(agreements):
        tests.append((name, low & (values.argmin(axis=0) == i)))
    reasons = np.full(len(cells), "", object)
    for name, hit in reversed(tests):
        reasons[hit] = name
    return Judged(consistency, tuple(str(r) for r in reasons))


def shapes_of(cells: Instances) -> Shapes:
    """Shapes of masks that may overlap, each looked at by itself."""
    each = [shapes(np.pad(mask, 1).astype(np.int32)) for mask in cells.masks]
    low, high = cells.boxes[:, :2], cells.boxes[:, 2:]
    border = (low <= 0).any(axis=1) | (high >= np.array(cells.shape)).any(axis=1)
    names = ("area", "length", "width", "roundness", "fill")
    return Shapes(*(np.array([getattr(s, n)[0] for s in each]) for n in names), border=border)


def solidity(cells: Instances) -> np.ndarray:
    """(N,) float: area of each mask over that of the convex hull of its pixels' corners.

    Examples
    --------
    >>> from cellwright.geometry import from_label_map
    >>> solidity(from_label_map(np.array([[1, 1], [1, 1]]))).tolist()
    [1.0]
    """
    return np.array([_solid(mask) for mask in cells.masks]).reshape(len(cells))


def _solid(mask: np.ndarray) -> float:
    rows = np.flatnonzero(mask.any(axis=1))
    first = mask[rows].argmax(axis=1)
    last = mask.shape[1] - mask[rows][:, ::-1].argmax(axis=1)
    corners = [(rows + r, c) for r in (0, 1) for c in (first, last)]
    points = np.concatenate([np.stack(pair, axis=1) for pair in corners])
    return float(np.count_nonzero(mask) / ConvexHull(points).volume)
