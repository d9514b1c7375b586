"""Instances from and to semantic masks: one mask per class, cells not told apart.

Semantic masks let a method that finds cells be scored on pixels per class, and a method that
finds pixels on cells: J. Kim, S. Song, S. Zheng (2022) compare networks of both kinds so.
Axis order is (class, row, column).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy import ndimage

from cellwright.types import InputError, Instances


def to_semantic(instances: Instances) -> np.ndarray:
    """Union of the masks of each class. Lossy: cells that touch are one region afterwards.

    Returns
    -------
    ndarray
        (class, row, column) boolean, one plane per class name; a pixel may be of several
        classes where masks overlap.

    Examples
    --------
    >>> cells = Instances((1, 3), [[0, 0, 1, 2], [0, 1, 1, 3]], [np.ones((1, 2))] * 2,
    ...                   classes=[0, 1], class_names=("alive", "dead"))
    >>> to_semantic(cells).astype(int).tolist()
    [[[1, 1, 0]], [[0, 1, 1]]]
    """
    planes = np.zeros((len(instances.class_names), *instances.shape), dtype=bool)
    for k, (row0, col0, row1, col1), mask in zip(
        instances.classes.tolist(), instances.boxes.tolist(), instances.masks, strict=True
    ):
        planes[k, row0:row1, col0:col1] |= mask
    return planes


def from_semantic(
    masks: np.ndarray, *, class_names: Sequence[str] = ("cell",), diagonal: bool = True
) -> Instances:
    """Cells as the connected regions of each class.

    Parameters
    ----------
    masks
        (class, row, column) boolean, or (row, column) for a single class. Planes may overlap.
    class_names
        One name per plane.
    diagonal
        Pixels that touch at a corner are of one region (8-connected); False for 4-connected.

    Returns
    -------
    Instances
        Class by class, in reading order of the first pixel of each region.

    Raises
    ------
    InputError
        For an array of other axes, values other than 0 and 1, or another number of names.

    Examples
    --------
    >>> mask = np.array([[1, 0, 0], [0, 1, 0]])
    >>> len(from_semantic(mask)), len(from_semantic(mask, diagonal=False))
    (1, 2)
    """
    planes = np.asarray(masks)
    if planes.ndim == 2:
        planes = planes[None]
    if planes.ndim != 3 or len(planes) != len(class_names):
        raise InputError(
            f"masks of shape {np.shape(masks)} came with {len(class_names)} class names: "
            "(class, row, column) with one plane per name is wanted"
        )
    if planes.dtype != bool and not np.isin(planes, (0, 1)).all():
        raise InputError(
            "semantic masks with values other than 0 and 1 came: boolean masks are wanted; "
            "compare a probability with a threshold, or a class map with each class number"
        )
    structure = np.ones((3, 3)) if diagonal else None
    boxes: list[tuple[int, int, int, int]] = []
    crops: list[np.ndarray] = []
    classes: list[int] = []
    for k, plane in enumerate(planes):
        labels, _ = ndimage.label(plane, structure)
        for value, (rows, columns) in enumerate(ndimage.find_objects(labels), start=1):
            boxes.append((rows.start, columns.start, rows.stop, columns.stop))
            crops.append(labels[rows, columns] == value)
            classes.append(k)
    return Instances(
        planes.shape[1:],
        np.array(boxes, dtype=np.int64).reshape(-1, 4),
        tuple(crops),
        classes=np.array(classes, dtype=np.int64),
        class_names=tuple(class_names),
    )
