"""Area, length, width and roundness of every object of a label map, from its moments."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from cellwright.classical.merging import moments


@dataclass(frozen=True, slots=True)
class Shapes:
    """Shape of the objects of a label map with values 1..N; every array is (N,).

    Parameters
    ----------
    area
        Pixels.
    length, width
        Axes of the ellipse with the same second moments, in pixels.
    roundness
        Area over the area of the disc whose diameter is the length; 1 for a disc.
    fill
        Area over the area of that ellipse; 1 for an ellipse, less for bays and chains.
    border
        Whether the object touches the image border.
    """

    area: np.ndarray
    length: np.ndarray
    width: np.ndarray
    roundness: np.ndarray
    fill: np.ndarray
    border: np.ndarray


def shapes(labels: np.ndarray) -> Shapes:
    """Shapes of the objects of `labels`, (row, column) int with values 1..N without gaps.

    Examples
    --------
    >>> import numpy as np
    >>> rows, cols = np.mgrid[:41, :61] - np.array([20, 30])[:, None, None]
    >>> found = shapes(((rows / 10) ** 2 + (cols / 20) ** 2 <= 1).astype(int))
    >>> round(float(found.length[0])), round(float(found.width[0]))
    (40, 20)
    >>> bool(0.47 < found.roundness[0] < 0.53), bool(found.border[0])
    (True, False)
    """
    sums = moments(labels)[1:]
    area = np.maximum(sums[:, 0], 1)
    row, col = sums[:, 1] / area, sums[:, 2] / area
    rows = np.maximum(sums[:, 3] / area - row**2, 0) + 1 / 12
    cols = np.maximum(sums[:, 4] / area - col**2, 0) + 1 / 12
    both = sums[:, 5] / area - row * col
    half, gap = (rows + cols) / 2, np.hypot((rows - cols) / 2, both)
    length = 4 * np.sqrt(half + gap)
    width = 4 * np.sqrt(np.maximum(half - gap, 1 / 12))
    border = np.zeros(len(area) + 1, bool)
    for edge in (labels[0], labels[-1], labels[:, 0], labels[:, -1]):
        border[np.unique(edge)] = True
    return Shapes(
        area=sums[:, 0],
        length=length,
        width=width,
        roundness=np.minimum(4 * area / (np.pi * length**2), 1.0),
        fill=np.minimum(4 * area / (np.pi * length * width), 1.0),
        border=border[1:],
    )


def robust_score(
    values: np.ndarray,
    weights: np.ndarray,
    *,
    least: float,
    among: np.ndarray | None = None,
) -> np.ndarray:
    """Distance of each value from the weighted median, in robust standard deviations.

    Weighted by area, the median is that of the cell in which a foreground pixel lies, so
    that much small debris does not make cells look unusual.

    Parameters
    ----------
    values, weights
        (N,) float; weights are positive.
    least
        The standard deviation (1.4826 times the weighted median absolute deviation) is
        not taken smaller than this, so that equal cells do not make small differences
        large.
    among
        (N,) bool: the values that make the median; all of them by default and where
        fewer than three are picked.

    Examples
    --------
    >>> robust_score([1.0, 1.0, 1.0, 9.0, 9.0], [1, 1, 1, 50, 50], least=2.0).tolist()
    [-4.0, -4.0, -4.0, 0.0, 0.0]
    """
    values, weights = np.asarray(values, float), np.asarray(weights, float)
    if not len(values):
        return np.zeros(0)
    basis = np.ones(len(values), bool) if among is None or among.sum() < 3 else among
    middle = weighted_median(values[basis], weights[basis])
    away = weighted_median(np.abs(values[basis] - middle), weights[basis])
    return (values - middle) / max(1.4826 * away, least)


def weighted_median(values: np.ndarray, weights: np.ndarray) -> float:
    """The smallest value that has half of the weight at or below it."""
    order = np.argsort(values, kind="stable")
    mass = np.cumsum(weights[order])
    return float(values[order][np.searchsorted(mass, mass[-1] / 2)])
