"""What the dense codecs share: maps from instances, instances from labelled regions."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from cellwright.geometry import from_label_map
from cellwright.types import Instances


def paint(instances: Instances, value: Callable[[np.ndarray], np.ndarray]) -> np.ndarray:
    """One map per class, (class, row, column) float32; overlaps take the larger value.

    Parameters
    ----------
    instances
        The cells.
    value
        Gives the values of a cell from its boolean mask (row, column), same shape,
        zero outside the cell.
    """
    maps = np.zeros((len(instances.class_names), *instances.shape), dtype=np.float32)
    for (r0, c0, r1, c1), mask, kind in zip(
        instances.boxes, instances.masks, instances.classes, strict=True
    ):
        view = maps[kind, r0:r1, c0:c1]
        np.maximum(view, value(mask), out=view)
    return maps


def scored(
    labels: np.ndarray,
    probability: np.ndarray,
    *,
    min_area: int,
    kind: int,
    class_names: tuple[str, ...],
) -> Instances:
    """Labelled regions as instances; the score is the mean probability inside.

    Parameters
    ----------
    labels, probability
        (row, column), label 0 is background.
    min_area
        Regions of fewer pixels are left out.
    kind
        Class index of all of them.
    """
    inside = np.flatnonzero(labels)
    owners = labels.ravel()[inside]
    count = int(owners.max(initial=0))
    areas = np.bincount(owners, minlength=count + 1)
    sums = np.bincount(owners, weights=probability.ravel()[inside], minlength=count + 1)
    found = from_label_map(labels, class_names=class_names)
    present = np.flatnonzero(areas[1:]) + 1
    found = Instances(
        found.shape,
        found.boxes,
        found.masks,
        np.clip(sums[present] / areas[present], 0, 1),
        np.full(len(present), kind),
        class_names,
    )
    return found[areas[present] >= max(min_area, 1)]
