"""Cells that another one crosses, put together again from their two ends.

P4 is silent on how cells come from its overlap map. Where a long cell is crossed, taking out the
overlap leaves its two ends on opposite sides of the overlap, with another cell between them.
"""

from __future__ import annotations

from itertools import combinations

import numpy as np
from scipy import ndimage

EVERY_NEIGHBOUR = np.ones((3, 3), dtype=int)
#: pixels beyond an overlap in which a piece counts as its neighbour
RING = 2
#: cosine of the angle, seen from the overlap, from which on two pieces may be ends of one cell
OPPOSITE = -0.3
#: least share of its convex hull that a cell fills which is put together
SOLID = 0.87


def joined_ends(labels: np.ndarray, shared: np.ndarray, *, contact: float) -> np.ndarray:
    """`labels` with the two ends of each crossed cell under one number.

    Two pieces beside one overlap are ends of a cell if a third piece is beside it too, they lie
    on different sides of it with their middles and with what faces it, and what they make
    together with it is nearly convex: two round cells in a row are not.

    Parameters
    ----------
    labels
        (row, column) int, pieces numbered from 1, 0 elsewhere.
    shared
        (row, column) bool: pixels under two cells or more.
    contact
        Share of an overlap's surroundings that a piece must have to be beside it, in [0, 0.5].
    """
    regions, count = ndimage.label(shared, structure=EVERY_NEIGHBOUR)
    if count == 0 or labels.max() < 3:
        return labels
    number = np.arange(int(labels.max()) + 1)
    boxes = ndimage.find_objects(labels)
    for region, (rows, cols) in enumerate(ndimage.find_objects(regions), start=1):
        window = (
            slice(max(rows.start - RING, 0), rows.stop + RING),
            slice(max(cols.start - RING, 0), cols.stop + RING),
        )
        corner = np.array([w.start for w in window])
        inside = regions[window] == region
        ring = ndimage.binary_dilation(inside, EVERY_NEIGHBOUR, RING) & ~shared[window]
        seen = labels[window][ring]
        pixels = np.bincount(seen, minlength=len(number))
        pixels[0] = 0
        beside = np.flatnonzero(pixels >= max(contact * pixels.sum(), 1))
        if len(beside) < 3:
            continue
        middle = np.argwhere(inside).mean(axis=0) + corner
        places = np.argwhere(ring) + corner
        ways = {}
        for piece in beside.tolist():
            box = boxes[piece - 1]
            centre = np.argwhere((labels[box] == piece) & ~shared[box]).mean(axis=0)
            centre += [box[0].start, box[1].start]
            ways[piece] = (places[seen == piece].mean(axis=0) - middle, centre - middle)
        pairs = [
            (_solidity(labels, (a, b), boxes, inside, corner), a, b)
            for a, b in combinations(ways, 2)
            if max(_cosine(*w) for w in zip(ways[a], ways[b], strict=True)) <= OPPOSITE
        ]
        taken: set[int] = set()
        for solidity, a, b in sorted(pairs, reverse=True):
            if solidity >= SOLID and not taken & {a, b}:
                taken |= {a, b}
                low, high = sorted((number[a], number[b]))
                number[number == high] = low
    return number[labels]


def _cosine(one: np.ndarray, other: np.ndarray) -> float:
    """Of the angle between two vectors; 1 if one of them is nothing."""
    length = float(np.linalg.norm(one) * np.linalg.norm(other))
    return float(one @ other) / length if length else 1.0


def _solidity(
    labels: np.ndarray,
    ends: tuple[int, int],
    boxes: list[tuple[slice, slice]],
    region: np.ndarray,
    corner: np.ndarray,
) -> float:
    """Share of their convex hull that two pieces and the overlap between them fill."""
    from skimage.morphology import convex_hull_image

    points = [np.argwhere(region) + corner]
    for end in ends:
        box = boxes[end - 1]
        points.append(np.argwhere(labels[box] == end) + np.array([b.start for b in box]))
    where = np.concatenate(points)
    where -= where.min(axis=0)
    whole = np.zeros(where.max(axis=0) + 1, dtype=bool)
    whole[tuple(where.T)] = True
    return float(whole.sum() / convex_hull_image(whole).sum())
