"""Regions under two cells, given to the cells they lie between."""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from cellwright.codecs.centres import NUCLEUS
from cellwright.types import Instances

EVERY_NEIGHBOUR = np.ones((3, 3), dtype=int)
#: pixels beyond a region in which a cell counts as its neighbour
RING = 2


def share(cells: Instances, shared: np.ndarray, *, contact: float) -> Instances:
    """`cells` with each connected region of `shared` given to all the cells it lies between.

    A cell is beside a region if it covers at least the share `contact` of those pixels of a
    cell that are within two pixels of the region. A region beside one cell only, or none,
    changes nothing. One beside two goes to both. Of one beside more, which is several overlaps
    that run together, each pixel goes to the two cells nearest to it.

    Parameters
    ----------
    cells
        May hold nuclei, which stay as they are.
    shared
        (row, column) bool.
    contact
        In [0, 0.5].
    """
    regions, count = ndimage.label(shared, structure=EVERY_NEIGHBOUR)
    if count == 0 or len(cells) < 2:
        return cells
    whole = np.array([name != NUCLEUS for name in cells.class_names])[cells.classes]
    boxes, masks = cells.boxes.copy(), list(cells.masks)
    for number, (rows, cols) in enumerate(ndimage.find_objects(regions), start=1):
        low = np.maximum([rows.start - RING, cols.start - RING], 0)
        high = np.minimum([rows.stop + RING, cols.stop + RING], cells.shape)
        window = (*low.tolist(), *high.tolist())
        region = regions[low[0] : high[0], low[1] : high[1]] == number
        ring = ndimage.binary_dilation(region, EVERY_NEIGHBOUR, RING)
        ring &= ~shared[low[0] : high[0], low[1] : high[1]]
        near = whole & (boxes[:, :2] < high).all(axis=1) & (boxes[:, 2:] > low).all(axis=1)
        seen = {k: _cut(masks[k], boxes[k], window) & ring for k in np.flatnonzero(near).tolist()}
        beside = np.array([np.count_nonzero(part) for part in seen.values()])
        least = max(contact * beside.sum(), 1)
        owners = [k for k, pixels in zip(seen, beside, strict=True) if pixels >= least]
        if len(owners) < 2:
            continue
        given = _divided(region, [seen[k] for k in owners])
        for k, part in zip(owners, given, strict=True):
            boxes[k], masks[k] = _with_region(masks[k], boxes[k], region, part, window)
    return Instances(
        cells.shape, boxes, tuple(masks), cells.scores, cells.classes, cells.class_names, cells.tags
    )


def _divided(region: np.ndarray, beside: list[np.ndarray]) -> list[np.ndarray]:
    """What of `region` each owner gets: all of it, or of three or more the two nearest."""
    if len(beside) == 2:
        return [region, region]
    distance = np.stack([ndimage.distance_transform_edt(~part) for part in beside])
    second = np.partition(distance, 1, axis=0)[1]
    return [region & (d <= second) for d in distance]


def _cut(mask: np.ndarray, box: np.ndarray, window: tuple[int, int, int, int]) -> np.ndarray:
    """What of a cell lies in the window, as large as the window."""
    out = np.zeros((window[2] - window[0], window[3] - window[1]), dtype=bool)
    low = np.maximum(box[:2], window[:2])
    high = np.maximum(np.minimum(box[2:], window[2:]), low)
    (a, b), (c, d) = low - window[:2], high - window[:2]
    (e, f), (g, h) = low - box[:2], high - box[:2]
    out[a:c, b:d] = mask[e:g, f:h]
    return out


def _with_region(
    mask: np.ndarray,
    box: np.ndarray,
    region: np.ndarray,
    part: np.ndarray,
    window: tuple[int, int, int, int],
) -> tuple[np.ndarray, np.ndarray]:
    """The cell with `part` in the place of what it had of `region`; box and mask are new."""
    low, high = np.minimum(box[:2], window[:2]), np.maximum(box[2:], window[2:])
    frame = (*low.tolist(), *high.tolist())
    large = _cut(mask, box, frame)
    (a, b), (c, d) = np.array(window[:2]) - low, np.array(window[2:]) - low
    view = large[a:c, b:d]
    view[region] = part[region]
    rows, cols = np.flatnonzero(large.any(axis=1)), np.flatnonzero(large.any(axis=0))
    box = np.array(
        [low[0] + rows[0], low[1] + cols[0], low[0] + rows[-1] + 1, low[1] + cols[-1] + 1]
    )
    return box, large[rows[0] : rows[-1] + 1, cols[0] : cols[-1] + 1]
