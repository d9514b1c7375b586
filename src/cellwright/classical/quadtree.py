"""Split and merge: squares that are even, joined with the neighbours they look like.

Source: S. Horowitz and T. Pavlidis, "Picture segmentation by a tree traversal algorithm", JACM
23(2), 1976; P5, section 3.2, names it for coarse cells. All squares of one size are judged at once.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import sparse
from scipy.sparse.csgraph import connected_components

from cellwright.classical.coarse import SMALLEST, lifted, split_pieces
from cellwright.classical.otsu import otsu_threshold
from cellwright.classical.refine import fill_holes, one_piece, own_threshold


def split_merge_cells(
    relief: np.ndarray,
    mask: np.ndarray,
    *,
    largest: int = 32,
    even: float = 0.15,
    alike: float = 0.1,
    height: float = 0.7,
    **split: Any,
) -> np.ndarray:
    """Cells from regions of an even level, the bright ones, touching cells parted.

    Parameters
    ----------
    relief, mask
        (row, column) float, cells bright, and bool foreground.
    largest
        Side in pixels of the largest square, a power of two.
    even
        Largest range of values in a square, and
    alike
        largest difference of the means of neighbours that are joined; both of the square root
        of the relief above the background, as shares of its range in the foreground.
    height
        A region is of a cell from this share of Otsu's threshold between the regions' means.
    **split
        Of `split_touching`.
    """
    if not mask.any():
        return np.zeros(mask.shape, np.int32)
    image = lifted(relief, mask)
    # Noise of photons is even after the root, and dim cells are nearer to bright ones.
    root = np.sqrt(image)
    span = max(float(np.quantile(root[mask], 0.99)), 1e-9)
    squares = even_squares(root, largest=largest, tolerance=even * span)
    regions, mean = join_alike(root, squares, tolerance=alike * span)
    level = mean[regions]
    bright = level > height * otsu_threshold(level)
    labels = split_pieces(bright, image, **split)
    # Squares are coarse, so outlines are drawn anew at each cell's own level.
    labels = own_threshold(image, np.zeros_like(image), labels, height=0.44)
    return one_piece(fill_holes(labels), smallest=SMALLEST)


def even_squares(image: np.ndarray, *, largest: int, tolerance: float) -> np.ndarray:
    """Number of the largest square of side 1, 2, 4 ... around each pixel that is even.

    Returns
    -------
    ndarray
        int64 (row, column), values 0..N-1.
    """
    rows, cols = image.shape
    padded = np.pad(image, ((0, -rows % largest), (0, -cols % largest)), mode="edge")
    low = high = padded
    name = np.arange(padded.size).reshape(padded.shape)
    side, whole = 1, np.ones(padded.shape, bool)
    while side < largest:
        fours = (low.shape[0] // 2, 2, low.shape[1] // 2, 2)
        low = low.reshape(fours).min(axis=(1, 3))
        high = high.reshape(fours).max(axis=(1, 3))
        # A square is even only if its four parts are, which a smaller range implies.
        whole = high - low <= tolerance
        side *= 2
        corner = np.arange(padded.size).reshape(padded.shape)[::side, ::side]
        spread = np.ones((side, side), np.int64)
        name = np.where(np.kron(whole, spread) > 0, np.kron(corner, spread), name)
    _, number = np.unique(name[:rows, :cols], return_inverse=True)
    return number.reshape(rows, cols)


def join_alike(
    image: np.ndarray, regions: np.ndarray, *, tolerance: float, rounds: int = 50
) -> tuple[np.ndarray, np.ndarray]:
    """Join neighbours whose means are near: per round, each pair that prefers one another.

    Parameters
    ----------
    image
        (row, column) float.
    regions
        (row, column) int, values 0..N-1.
    tolerance
        Largest difference of two means.
    rounds
        Most rounds.

    Returns
    -------
    regions : ndarray
        int64 (row, column), values 0..M-1.
    mean : ndarray
        (M,) float64.
    """
    size = np.bincount(regions.ravel()).astype(np.float64)
    total = np.bincount(regions.ravel(), image.ravel(), len(size))
    sides = (regions[:-1], regions[1:]), (regions[:, :-1], regions[:, 1:])
    a, b = (np.concatenate([s[i].ravel() for s in sides]) for i in (0, 1))
    number = np.arange(len(size))
    for _ in range(rounds):
        apart = a != b
        key = np.unique(np.minimum(a, b)[apart] * len(size) + np.maximum(a, b)[apart])
        a, b = np.divmod(key, len(size))
        mean = total / size
        gap = np.abs(mean[a] - mean[b])
        near = gap <= tolerance
        if not near.any():
            break
        best = np.full(len(size), np.inf)
        np.minimum.at(best, a, gap)
        np.minimum.at(best, b, gap)
        mutual = near & (gap <= best[a]) & (gap <= best[b])
        graph = sparse.coo_array((mutual[mutual], (a[mutual], b[mutual])), (len(size),) * 2)
        count, joined = connected_components(graph, directed=False)
        size, total = np.bincount(joined, size, count), np.bincount(joined, total, count)
        # The graph numbers in 32 bits, which the pairs of a large image overflow.
        joined = joined.astype(np.int64)
        a, b, number = joined[a], joined[b], joined[number]
    return number[regions], total / size
