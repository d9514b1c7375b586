"""How many cells lie at each pixel: the picture of the labels that networks are shown."""

from __future__ import annotations

import numpy as np

from cellwright.types import Instances


def depth(instances: Instances) -> np.ndarray:
    """Number of cells of each class at each pixel; overlaps count twice and more.

    Returns
    -------
    ndarray
        (class, row, column) uint8, 255 at most, one plane per class name.

    Examples
    --------
    >>> cells = Instances((1, 3), [[0, 0, 1, 2], [0, 1, 1, 3]], [np.ones((1, 2))] * 2)
    >>> depth(cells).tolist()
    [[[1, 2, 1]]]
    """
    planes = np.zeros((len(instances.class_names), *instances.shape), dtype=np.uint8)
    for k, (row0, col0, row1, col1), mask in zip(
        instances.classes.tolist(), instances.boxes.tolist(), instances.masks, strict=True
    ):
        part = planes[k, row0:row1, col0:col1]
        part += mask & (part < 255)
    return planes
