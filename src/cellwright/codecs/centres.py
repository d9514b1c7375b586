"""Where the middle of a cell is: at its nucleus, or at its deepest pixel."""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from cellwright.overlap import intersections
from cellwright.types import Instances

NUCLEUS = "nucleus"


def cells_and_nuclei(instances: Instances) -> tuple[Instances, Instances]:
    """Cells (every class but "nucleus") and nuclei; empty masks are left out."""
    names = np.array([name == NUCLEUS for name in instances.class_names], dtype=bool)
    nuclear, some = names[instances.classes], instances.areas > 0
    return instances[~nuclear & some], instances[nuclear & some]


def cell_centres(cells: Instances, nuclei: Instances) -> np.ndarray:
    """(N, 2) float centre of each cell's largest nucleus; where it has none, `deepest`."""
    centres = np.array(
        [deepest(m) + b[:2] for m, b in zip(cells.masks, cells.boxes, strict=True)]
    ).reshape(-1, 2)
    owner = nucleus_owners(cells, nuclei)
    for number in np.argsort(nuclei.areas, kind="stable"):
        if owner[number] >= 0:
            middle = np.argwhere(nuclei.masks[number]).mean(axis=0)
            centres[owner[number]] = middle + nuclei.boxes[number, :2]
    return centres


def nucleus_owners(cells: Instances, nuclei: Instances) -> np.ndarray:
    """(M,) number of each nucleus' cell: of the same tag ``cell``, else that which shares most
    pixels with it; -1 for none."""
    owner = np.full(len(nuclei), -1)
    i, j, pixels = intersections(cells, nuclei)
    order = np.argsort(pixels, kind="stable")
    owner[j[order]] = i[order]
    if cells.tags and nuclei.tags:
        known = {t["cell"]: n for n, t in enumerate(cells.tags) if "cell" in t}
        for number, tags in enumerate(nuclei.tags):
            if "cell" in tags and tags["cell"] in known:
                owner[number] = known[tags["cell"]]
    return owner


def deepest(mask: np.ndarray) -> np.ndarray:
    """(row, column) of the pixel farthest from the border; the mean of equally deep ones.

    Examples
    --------
    >>> deepest(np.ones((3, 5), dtype=bool)).tolist()
    [1.0, 2.0]
    """
    depth = ndimage.distance_transform_edt(np.pad(mask, 1))[1:-1, 1:-1]
    return np.argwhere(depth == depth.max()).mean(axis=0)
