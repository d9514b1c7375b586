"""Size and form of single masks, in pixels or in the unit of the pixel size."""

from __future__ import annotations

import numpy as np

# Length along the boundary that a border pixel stands for, by the sum of its border neighbours
# (itself 1, at an edge 2 each, at a corner 10 each): K. Benkrid, D. Crookes, "Design and FPGA
# implementation of a perimeter estimator", IMVIP 2000.
_STEP = np.zeros(64)
_STEP[[5, 7, 15, 17, 25, 27]] = 1
_STEP[[21, 33]] = np.sqrt(2)
_STEP[[13, 23]] = (1 + np.sqrt(2)) / 2


def perimeter(mask: np.ndarray) -> float:
    """Length of the boundary of a mask in pixels, holes included; 0 for a single pixel.

    Estimator of Benkrid and Crookes (IMVIP 2000), the same as scikit-image's ``perimeter`` with
    ``neighborhood=4``: straight steps count 1, diagonal ones the square root of 2. It is some 5 %
    too long on discs.

    Parameters
    ----------
    mask
        (row, column) boolean array; beyond it is background.

    Examples
    --------
    >>> perimeter(np.ones((3, 3), bool))
    8.0
    """
    rows, columns = mask.shape
    inside = np.zeros((rows + 2, columns + 2), dtype=bool)
    inside[1:-1, 1:-1] = mask
    core = inside[:-2, 1:-1] & inside[2:, 1:-1] & inside[1:-1, :-2] & inside[1:-1, 2:]
    border = np.zeros((rows + 2, columns + 2), dtype=np.uint8)
    border[1:-1, 1:-1] = mask & ~core
    beside = border[:, :-2] + border[:, 2:]
    code = (
        border[1:-1, 1:-1]
        + 2 * (border[:-2, 1:-1] + border[2:, 1:-1] + beside[1:-1])
        + 10 * (beside[:-2] + beside[2:])
    )
    return float(_STEP[code].sum())


def moments(mask: np.ndarray) -> tuple[float, float, float, float, float]:
    """Centroid and second central moments of the area of a mask, each pixel a unit square.

    Parameters
    ----------
    mask
        (row, column) boolean array with at least one pixel.

    Returns
    -------
    tuple of float
        ``row``, ``column`` (centres of pixels are whole numbers), and the variances ``row row``,
        ``column column`` and covariance ``row column``. A pixel adds 1/12 to the variances, as
        its area is spread over a square.
    """
    per_row, per_column = mask.sum(axis=1), mask.sum(axis=0)
    area = per_row.sum()
    rows, columns = np.arange(len(per_row)), np.arange(len(per_column))
    row, column = per_row @ rows / area, per_column @ columns / area
    rows, columns = rows - row, columns - column
    mixed = rows @ (mask @ columns) / area
    return (
        float(row),
        float(column),
        float(per_row @ rows**2 / area + 1 / 12),
        float(per_column @ columns**2 / area + 1 / 12),
        float(mixed),
    )


def axes_of_ellipse(
    rows: np.ndarray, columns: np.ndarray, mixed: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Axes of the ellipse with the given second central moments.

    Parameters
    ----------
    rows, columns, mixed
        (N,) variances and covariance.

    Returns
    -------
    major, minor
        (N,) full lengths of the axes.
    angle
        (N,) degrees from the column axis (to the right) to the major axis, counter-clockwise as
        seen on screen, in (-90, 90].
    """
    mean, half = (rows + columns) / 2, (columns - rows) / 2
    spread = np.hypot(half, mixed)
    major = 4 * np.sqrt(mean + spread)
    minor = 4 * np.sqrt(np.maximum(mean - spread, 0))
    angle = np.degrees(np.arctan2(-mixed, half) / 2)
    return major, minor, np.where(angle <= -90, angle + 180, angle)


def convex_area(mask: np.ndarray) -> int:
    """Pixels whose centre lies in the convex hull of the pixel centres of a mask.

    At least the area of the mask; equal to it for digitally convex masks such as discs and
    rectangles.

    Parameters
    ----------
    mask
        (row, column) boolean array with at least one pixel.
    """
    rows = np.flatnonzero(mask.any(axis=1))
    part = mask[rows]
    left = part.argmax(axis=1)
    right = part.shape[1] - 1 - part[:, ::-1].argmax(axis=1)
    row, low, high = rows.tolist(), left.tolist(), (-right).tolist()
    every = np.arange(rows[0], rows[-1] + 1)
    begin = [np.interp(every, *_lower_hull(row, column)) for column in (low, high)]
    # The margin keeps a centre exactly on the hull inside, whatever the rounding.
    first, last = (np.ceil(edge - 1e-7) for edge in begin)
    return int((-last - first + 1).clip(0).sum())


def _lower_hull(x: list[int], y: list[int]) -> tuple[list[int], list[int]]:
    """Vertices of the lower convex hull of points in ascending `x` (monotone chain)."""
    hull_x: list[int] = []
    hull_y: list[int] = []
    for a, b in zip(x, y, strict=True):
        while len(hull_x) > 1 and (hull_x[-1] - hull_x[-2]) * (b - hull_y[-2]) <= (
            hull_y[-1] - hull_y[-2]
        ) * (a - hull_x[-2]):
            hull_x.pop()
            hull_y.pop()
        hull_x.append(a)
        hull_y.append(b)
    return hull_x, hull_y
