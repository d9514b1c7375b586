"""Instances from and to label maps and full-frame masks.

A label map holds one number per pixel, so it cannot hold overlaps: reading one loses nothing,
writing one does. Axis order is (row, column).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

import numpy as np
from scipy import ndimage

from cellwright.types import InputError, Instances, Tag

# Above this largest label the ids are renumbered before objects are looked up, so that sparse
# huge ids do not cost memory in proportion to their value.
_DIRECT_LABELS = 1 << 22


def mask_box(mask: np.ndarray) -> tuple[int, int, int, int] | None:
    """Half-open box ``(row0, col0, row1, col1)`` of the set pixels; None if there are none.

    Parameters
    ----------
    mask
        (row, column) boolean array.
    """
    rows: np.ndarray = np.asarray(mask.any(axis=1))
    row0 = int(rows.argmax())
    if not rows.size or not rows[row0]:
        return None
    row1 = len(rows) - int(rows[::-1].argmax())
    columns: np.ndarray = np.asarray(mask[row0:row1].any(axis=0))
    return row0, int(columns.argmax()), row1, len(columns) - int(columns[::-1].argmax())


def from_label_map(
    labels: np.ndarray,
    *,
    scores: Sequence[float] | np.ndarray | None = None,
    classes: Sequence[int] | np.ndarray | None = None,
    class_names: Sequence[str] = ("cell",),
) -> Instances:
    """Instances of a label map, in the order of ascending label.

    Parameters
    ----------
    labels
        (row, column) array of any integer (or boolean) dtype; 0 is background. A label in
        several pieces stays one instance. Labels need not be consecutive.
    scores, classes
        One value per label, in ascending order of the labels.
    class_names
        Names of the classes.

    Raises
    ------
    InputError
        For an array that is not 2-D, not of integers, or has negative labels.

    Examples
    --------
    >>> cells = from_label_map(np.array([[0, 7, 7], [3, 3, 0]]))
    >>> cells.boxes.tolist()
    [[1, 0, 2, 2], [0, 1, 1, 3]]
    """
    labels = np.asarray(labels)
    if labels.ndim != 2:
        raise InputError(
            f"a label map of shape {labels.shape} came: two axes (row, column) are wanted; "
            "pick one plane"
        )
    if labels.dtype == bool:
        labels = labels.view(np.uint8)
    if labels.dtype.kind not in "iu":
        raise InputError(
            f"a label map of {labels.dtype} came: whole numbers are wanted; convert it to uint16 "
            "or uint32 after checking that its values are labels"
        )
    largest = int(labels.max(initial=0))
    if labels.dtype.kind == "i" and int(labels.min(initial=0)) < 0:
        raise InputError(
            f"the label map has the negative label {int(labels.min())}: background is 0 and "
            "cells are positive; set negative pixels to 0"
        )
    if largest > _DIRECT_LABELS:
        labels, largest = _renumbered(labels)
    if not labels.dtype.isnative:
        labels = labels.astype(labels.dtype.newbyteorder("="))
    found = [
        (value, window)
        for value, window in enumerate(ndimage.find_objects(labels, largest or 1), start=1)
        if window is not None
    ]
    boxes = [(r.start, c.start, r.stop, c.stop) for _, (r, c) in found]
    return Instances(
        labels.shape,
        np.array(boxes, dtype=np.int64).reshape(-1, 4),
        tuple(labels[window] == value for value, window in found),
        scores,  # type: ignore[arg-type]
        classes,  # type: ignore[arg-type]
        tuple(class_names),
    )


def _renumbered(labels: np.ndarray) -> tuple[np.ndarray, int]:
    """Labels as 1 ... N in the same order, and N."""
    inside = labels != 0
    values, index = np.unique(labels[inside], return_inverse=True)
    compact = np.zeros(labels.shape, dtype=np.int32)
    compact[inside] = index.reshape(-1) + 1
    return compact, len(values)


def to_label_map(instances: Instances) -> np.ndarray:
    """Label map in which instance ``i`` has the value ``i + 1``. Lossy where masks overlap.

    A pixel under several masks goes to the one of the highest score; of equal scores to the
    smallest mask, so that a cell on top of a larger one is not hidden; of equal sizes to the
    first. An instance hidden completely is missing from the map.

    Returns
    -------
    ndarray
        (row, column) uint16; uint32 for more than 65,535 instances.

    Examples
    --------
    >>> to_label_map(from_label_map(np.array([[0, 7, 7], [3, 3, 0]]))).tolist()
    [[0, 2, 2], [1, 1, 0]]
    """
    return next(label_bands(instances, rows=max(instances.shape[0], 1)))


def label_bands(instances: Instances, *, rows: int) -> Iterator[np.ndarray]:
    """The label map of `to_label_map` in bands of `rows` rows, from the top; the last may be less.

    The memory is that of one band, whatever the size of the frame.
    """
    count = len(instances)
    dtype = np.uint16 if count <= 65535 else np.uint32
    order = np.lexsort((-np.arange(count), -instances.areas, instances.scores))
    boxes = instances.boxes[order]
    height, width = instances.shape
    for top in range(0, height, rows):
        bottom = min(top + rows, height)
        band = np.zeros((bottom - top, width), dtype=dtype)
        inside = np.flatnonzero((boxes[:, 0] < bottom) & (boxes[:, 2] > top))
        for i, (row0, col0, row1, col1) in zip(
            order[inside].tolist(), boxes[inside].tolist(), strict=True
        ):
            first, last = max(row0, top), min(row1, bottom)
            mask = instances.masks[i][first - row0 : last - row0]
            band[first - top : last - top, col0:col1][mask] = i + 1
        yield band


def from_masks(
    masks: Iterable[np.ndarray],
    shape: tuple[int, int] | None = None,
    *,
    scores: Sequence[float] | np.ndarray | None = None,
    classes: Sequence[int] | np.ndarray | None = None,
    class_names: Sequence[str] = ("cell",),
    tags: Sequence[Mapping[str, Tag]] = (),
) -> Instances:
    """Instances from full-frame masks, which may overlap; empty masks are dropped.

    Parameters
    ----------
    masks
        (row, column) boolean arrays of one shape; a generator holds one in memory at a time.
    shape
        Rows and columns; taken from the first mask when not given.
    scores, classes, tags
        One value per mask, empty masks included.
    class_names
        Names of the classes.

    Raises
    ------
    InputError
        For masks of different shapes, or none at all without a `shape`.
    """
    boxes: list[tuple[int, int, int, int]] = []
    crops: list[np.ndarray] = []
    keep: list[int] = []
    total = 0
    for i, mask in enumerate(masks):
        mask = np.asarray(mask, dtype=bool)
        shape = mask.shape if shape is None else tuple(shape)  # type: ignore[assignment]
        if mask.ndim != 2 or mask.shape != shape:
            raise InputError(
                f"mask {i} has shape {mask.shape}: wanted (row, column) {shape} for every mask"
            )
        total = i + 1
        box = mask_box(mask)
        if box is not None:
            boxes.append(box)
            crops.append(mask[box[0] : box[2], box[1] : box[3]].copy())
            keep.append(i)
    if shape is None:
        raise InputError("no mask came and no shape: give the rows and columns of the image")
    for name, values in (("scores", scores), ("classes", classes), ("tags", tags or None)):
        if values is not None and len(values) != total:
            raise InputError(f"{len(values)} {name} came for {total} masks: one each is wanted")
    return Instances(
        shape,
        np.array(boxes, dtype=np.int64).reshape(-1, 4),
        tuple(crops),
        None if scores is None else np.asarray(scores)[keep],  # type: ignore[arg-type]
        None if classes is None else np.asarray(classes)[keep],  # type: ignore[arg-type]
        tuple(class_names),
        tuple(tags[i] for i in keep) if tags else (),
    )
