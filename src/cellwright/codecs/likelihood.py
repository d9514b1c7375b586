"""Maps of how likely an overlap of cells is at each pixel: P4's probability maps v0 to v4.

Source: Prytula 2023 (P4) 4.3, 5.4, Eqs 4.3-4.4, Figs 4.6, 4.7, 5.2. Its text is short, so each
function says what it takes from the paper and what it had to choose. All maps are high where an
overlap is likely, low where it is not.

Choices common to all:

- The paper's maps are distances merged by the maximum (Eqs 4.3, 4.4). The largest distance
  to any cell is high where no cell is near, so what is merged is a closeness in [0, 1].
- Low is 0.1, which the paper states for the background of v4 alone; high is an argument.
- Lengths are in units of the cells themselves: a magnified image has the same map, magnified.
- "cell" is every class but "nucleus". Where a cell has no nucleus its deepest pixel stands for
  the centre of the nucleus.

Each cell is looked at in a window of its own; what is kept is one running maximum.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
from scipy import ndimage

from cellwright.codecs.centres import cell_centres, cells_and_nuclei
from cellwright.overlap import overlap_map
from cellwright.types import InputError, Instances

#: reach of the relaxation around annotated overlaps, in radii of the median cell
RELAXED = 0.5
#: reach of a cell on its neighbours in v4, in radii of the median cell
REACH = 2.0
#: closeness in v4 is 1 - log(1 + STEEPNESS * t) / log(1 + STEEPNESS), t the share of the reach
STEEPNESS = 9.0


def overlap_likelihood(
    instances: Instances, version: str, *, low: float = 0.1, high: float = 1.0
) -> np.ndarray:
    """Map `version` of the likelihood of an overlap, (row, column) float32 in [low, high].

    Parameters
    ----------
    instances
        Cells and, where they are known, nuclei (class "nucleus").
    version
        A key of `MAPS`.
    low, high
        Value where an overlap is as unlikely, as likely as can be.

    Raises
    ------
    InputError
        Unknown version, or not 0 <= low < high <= 1.
    """
    if version not in MAPS:
        raise InputError(f"map {version!r} is not known; choose one of {', '.join(MAPS)}")
    if not 0 <= low < high <= 1:
        raise InputError(f"low {low} and high {high} came; 0 <= low < high <= 1 is wanted")
    return (low + (high - low) * MAPS[version](instances)).astype(np.float32)


def inside_distance(instances: Instances) -> np.ndarray:
    """v0 (P4 5.4, Fig. 5.2a): distance from the nucleus within the cell, (row, column) in [0, 1].

    Paper: the distance from the nucleus' centre within the bounds of one cell; very low on
    nuclei and background. Chosen: each cell's distances are divided by its largest; cells over
    one another give the larger value. It knows nothing of the neighbours.
    """
    cells, nuclei = cells_and_nuclei(instances)
    out = np.zeros(instances.shape, np.float32)
    for (r0, c0, r1, c1), mask, centre in zip(
        cells.boxes.tolist(), cells.masks, cell_centres(cells, nuclei), strict=True
    ):
        distance = _distance(centre, (r0, c0, r1, c1)) * mask
        view = out[r0:r1, c0:c1]
        np.maximum(view, distance / max(float(distance.max()), 1e-6), out=view)
    return _cleared(out, nuclei)


def unbounded_distance(instances: Instances) -> np.ndarray:
    """v1 (P4 5.4, Fig. 5.2b): as v0 without its bounds, (row, column) in [0, 1].

    Paper: no limit at the cell's border, so that cells have influence on one another; the
    maps of all nuclei are merged by the maximum. Chosen: with R the distance from the nucleus'
    centre to the cell's farthest pixel, the value rises from 0 at the centre to 1 at R and
    falls to 0 again at 2 R. (Rising on beyond R, the maximum would be high everywhere far
    from any one nucleus.) Nuclei and background stay low as in v0: the influence is on the
    pixels of other cells. Nowhere below v0, and the same where no cell is near.
    """
    cells, nuclei = cells_and_nuclei(instances)
    out = np.zeros(instances.shape, np.float32)
    union = np.zeros(instances.shape, bool)
    for box, mask, centre in zip(
        cells.boxes.tolist(), cells.masks, cell_centres(cells, nuclei), strict=True
    ):
        union[box[0] : box[2], box[1] : box[3]] |= mask
        reach = max(float((_distance(centre, box) * mask).max()), 0.5)
        low = np.maximum(np.floor(centre - 2 * reach).astype(int), 0)
        high = np.minimum(np.ceil(centre + 2 * reach).astype(int) + 1, instances.shape)
        view = out[low[0] : high[0], low[1] : high[1]]
        tent = 1 - np.abs(1 - _distance(centre, (*low, *high)) / reach)
        np.maximum(view, tent, out=view)
    return _cleared(out * union, nuclei)


def relaxed_inside_distance(instances: Instances) -> np.ndarray:
    """v2 (P4 5.4, Fig. 5.2c): v0, raised near annotated overlaps, (row, column) in [0, 1].

    Paper: probabilities are extended near the annotated overlaps, because these are weak.
    Chosen: the larger of v0 and `near_overlaps`, nuclei and background included.
    """
    return np.maximum(inside_distance(instances), near_overlaps(instances))


def relaxed_unbounded_distance(instances: Instances) -> np.ndarray:
    """v3 (P4 5.4, Fig. 5.2d): v1 and v2 merged by the maximum, (row, column) in [0, 1]."""
    return np.maximum(unbounded_distance(instances), relaxed_inside_distance(instances))


def border_closeness(instances: Instances) -> np.ndarray:
    """v4 (P4 4.3, 5.4, Fig. 5.2e): closeness to the borders of other cells, in [0, 1].

    Paper: the distance of every *other* pixel to the border of each cell, merged by the
    maximum, log-scaled for a steeper descent towards the cells' centres, high where cells
    are close, background fixed. Chosen: a cell does not count for its own pixels, so that a
    cell alone is low all over; the closeness is 1 where two cells overlap and ends two radii
    of the median cell away. (The author's later public code too takes the distance outside of
    each cell and sets annotated overlaps to 1: SlavkoPrytula/IAUNet at 836185a,
    dataset/datasets/backup/brightfiled_backup_v2.py.) Overlap awareness needs no term of its
    own: nothing inside a cell is nearer to an overlap than to the other cells of it, so this
    map is nowhere below `near_overlaps` inside the cells.

    Returns
    -------
    np.ndarray
        (row, column) float32; 0 on the background and on cells without a neighbour in reach.
    """
    cells, _ = cells_and_nuclei(instances)
    out = np.zeros(instances.shape, np.float32)
    union = np.zeros(instances.shape, bool)
    reach = REACH * _radius(cells)
    for box, mask in zip(cells.boxes.tolist(), cells.masks, strict=True):
        union[box[0] : box[2], box[1] : box[3]] |= mask
        (r0, c0, r1, c1), outside = _outside(mask, box, reach, instances.shape)
        share = np.minimum(ndimage.distance_transform_edt(outside) / reach, 1)
        closeness = 1 - np.log1p(STEEPNESS * share) / np.log1p(STEEPNESS)
        view = out[r0:r1, c0:c1]
        np.maximum(view, closeness * outside, out=view)
    out[overlap_map(cells)] = 1
    return out * union


def near_overlaps(instances: Instances) -> np.ndarray:
    """1 on annotated overlaps, falling evenly to 0 at half a radius of the median cell.

    Returns
    -------
    np.ndarray
        (row, column) float32 in [0, 1].
    """
    cells, _ = cells_and_nuclei(instances)
    out = np.zeros(instances.shape, np.float32)
    regions, _ = ndimage.label(overlap_map(cells), structure=np.ones((3, 3)))
    reach = RELAXED * _radius(cells)
    for number, (rows, cols) in enumerate(ndimage.find_objects(regions), start=1):
        box, mask = (rows.start, cols.start, rows.stop, cols.stop), regions[rows, cols] == number
        (r0, c0, r1, c1), outside = _outside(mask, box, reach, instances.shape)
        closeness = 1 - ndimage.distance_transform_edt(outside) / reach
        view = out[r0:r1, c0:c1]
        np.maximum(view, closeness, out=view)
    return out


#: the maps by the paper's names of them (Table 5.3)
MAPS: Mapping[str, Callable[[Instances], np.ndarray]] = {
    "v0": inside_distance,
    "v1": unbounded_distance,
    "v2": relaxed_inside_distance,
    "v3": relaxed_unbounded_distance,
    "v4": border_closeness,
}


def _radius(cells: Instances) -> float:
    """Radius in pixels of a disc as large as the median cell, at least 1."""
    return max(float(np.sqrt(np.median(cells.areas) / np.pi)), 1.0) if len(cells) else 1.0


def _distance(centre: np.ndarray, box: tuple[int, int, int, int]) -> np.ndarray:
    """Distance in pixels of every pixel of `box` from `centre` (P4 Eq. 4.3), float32."""
    rows = np.arange(box[0], box[2], dtype=np.float32) - np.float32(centre[0])
    cols = np.arange(box[1], box[3], dtype=np.float32) - np.float32(centre[1])
    return np.sqrt(rows[:, None] ** 2 + cols**2)


def _outside(
    mask: np.ndarray, box: tuple[int, int, int, int], reach: float, shape: tuple[int, int]
) -> tuple[tuple[int, int, int, int], np.ndarray]:
    """The window of `box` and `reach` pixels around it; where in it `mask` is not."""
    add = int(np.ceil(reach))
    r0, c0 = max(box[0] - add, 0), max(box[1] - add, 0)
    r1, c1 = min(box[2] + add, shape[0]), min(box[3] + add, shape[1])
    outside = np.ones((r1 - r0, c1 - c0), bool)
    outside[box[0] - r0 : box[2] - r0, box[1] - c0 : box[3] - c0] = ~mask
    return (r0, c0, r1, c1), outside


def _cleared(values: np.ndarray, nuclei: Instances) -> np.ndarray:
    """`values` with 0 on the nuclei."""
    for (r0, c0, r1, c1), mask in zip(nuclei.boxes.tolist(), nuclei.masks, strict=True):
        values[r0:r1, c0:c1][mask] = 0
    return values
