"""Where the middle of a cell is: at its nucleus, or at its deepest pixel."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from scipy import ndimage

from cellwright.overlap import intersections
from cellwright.types import Instances, Tag

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


def numbered_from(instances: Instances, first: int) -> Instances:
    """`instances` with their tags ``cell`` raised by `first`; those without one stay."""
    tags = [t | {"cell": t["cell"] + first} if "cell" in t else t for t in instances.tags]
    return _with_tags(instances, tags)


def renumbered(instances: Instances) -> Instances:
    """`instances` in which ``cell`` is again a cell's number in what is returned.

    Of a frame that was put together from parts. A nucleus keeps its cell if that is there,
    else it gets the cell that shares most pixels with it, or no such tag.

    Parameters
    ----------
    instances
        Cells and nuclei with tags ``cell`` that are unique in the frame.
    """
    nuclear = np.array([name == NUCLEUS for name in instances.class_names])[instances.classes]
    where = np.flatnonzero(~nuclear)
    owners = nucleus_owners(instances[where], instances[np.flatnonzero(nuclear)])
    cell = np.arange(len(instances))
    cell[nuclear] = np.where(owners >= 0, where[owners], -1) if len(where) else -1
    tags = [dict(t) for t in instances.tags] or [{} for _ in cell]
    for own, number in zip(tags, cell.tolist(), strict=True):
        own.pop("cell", None)
        own.update({"cell": number} if number >= 0 else {})
    return _with_tags(instances, tags)


def _with_tags(instances: Instances, tags: Sequence[Mapping[str, Tag]]) -> Instances:
    return Instances(
        instances.shape,
        instances.boxes,
        instances.masks,
        instances.scores,
        instances.classes,
        instances.class_names,
        tags,
    )


def deepest(mask: np.ndarray) -> np.ndarray:
    """(row, column) of the pixel farthest from the border; the mean of equally deep ones.

    Examples
    --------
    >>> deepest(np.ones((3, 5), dtype=bool)).tolist()
    [1.0, 2.0]
    """
    depth = ndimage.distance_transform_edt(np.pad(mask, 1))[1:-1, 1:-1]
    return np.argwhere(depth == depth.max()).mean(axis=0)
