"""Crops, shifts, flips, turns and resizing of Instances; overlaps are kept.

Every function returns new Instances. Masks may share memory with those of the input, which are
never changed. Axis order is (row, column), boxes are half-open.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from cellwright.geometry.labels import mask_box
from cellwright.types import InputError, Instances


def _rebuilt(
    instances: Instances,
    shape: tuple[int, int],
    boxes: np.ndarray | Sequence[Sequence[int]],
    masks: Sequence[np.ndarray],
    keep: np.ndarray | Sequence[int] | None = None,
) -> Instances:
    """Instances with other boxes and masks; `keep` says which of `instances` they were."""
    scores, classes, tags = instances.scores, instances.classes, instances.tags
    if keep is not None and len(keep) != len(instances):
        index = np.asarray(keep, dtype=np.int64)
        scores, classes = scores[index], classes[index]
        tags = tuple(tags[i] for i in index) if tags else ()
    return Instances(
        shape,
        np.asarray(boxes, dtype=np.int64).reshape(-1, 4),
        tuple(masks),
        scores,
        classes,
        instances.class_names,
        tags,
    )


def tighten(instances: Instances) -> Instances:
    """The same cells with the smallest boxes; cells without a pixel are dropped."""
    boxes, masks, keep = [], [], []
    for i, ((row0, col0, _, _), mask) in enumerate(
        zip(instances.boxes.tolist(), instances.masks, strict=True)
    ):
        box = mask_box(mask)
        if box is not None:
            top, left, bottom, right = box
            boxes.append((row0 + top, col0 + left, row0 + bottom, col0 + right))
            masks.append(mask[top:bottom, left:right])
            keep.append(i)
    return _rebuilt(instances, instances.shape, boxes, masks, keep)


def crop(instances: Instances, window: Sequence[int]) -> Instances:
    """Cells in a window, in its coordinates; what falls outside is cut off.

    Parameters
    ----------
    window
        Half-open ``(row0, col0, row1, col1)``. It may reach beyond the image (padding).

    Returns
    -------
    Instances
        Of shape ``(row1 - row0, col1 - col0)``. Cells without a pixel in the window are dropped,
        boxes of cells that are cut are tightened.

    Raises
    ------
    InputError
        For an empty window.
    """
    top, left, bottom, right = (int(v) for v in window)
    if bottom <= top or right <= left:
        raise InputError(
            f"the window {(top, left, bottom, right)} is empty: (row0, col0, row1, col1) with "
            "row0 < row1 and col0 < col1 is wanted"
        )
    old = instances.boxes
    low = np.maximum(old[:, :2], (top, left))
    high = np.minimum(old[:, 2:], (bottom, right))
    index = np.flatnonzero((low < high).all(axis=1))
    cut = (low != old[:, :2]).any(axis=1) | (high != old[:, 2:]).any(axis=1)
    inner = np.concatenate([low - old[:, :2], high - old[:, :2]], axis=1)[index].tolist()
    placed = np.concatenate([low, high], axis=1)[index] - (top, left, top, left)
    boxes, masks, keep = [], [], []
    for i, (row0, col0, row1, col1), box, is_cut in zip(
        index.tolist(), inner, placed.tolist(), cut[index].tolist(), strict=True
    ):
        mask = instances.masks[i]
        if is_cut:
            mask = mask[row0:row1, col0:col1]
            tight = mask_box(mask)
            if tight is None:
                continue
            a, b, c, d = tight
            mask = mask[a:c, b:d]
            box = (box[0] + a, box[1] + b, box[0] + c, box[1] + d)
        boxes.append(box)
        masks.append(mask)
        keep.append(i)
    return _rebuilt(instances, (bottom - top, right - left), boxes, masks, keep)


def shift(instances: Instances, offset: Sequence[int], shape: tuple[int, int]) -> Instances:
    """Cells moved by `offset` (row, column) on a frame of `shape`; what leaves it is cut off."""
    row, column = -int(offset[0]), -int(offset[1])
    return crop(instances, (row, column, row + int(shape[0]), column + int(shape[1])))


def flip(instances: Instances, axis: int) -> Instances:
    """Cells mirrored as ``np.flip(image, axis)`` mirrors the image; `axis` 0 is row, 1 column.

    Raises
    ------
    InputError
        For an `axis` other than 0, 1, -1, -2.
    """
    if axis not in (0, 1, -1, -2):
        raise InputError(f"axis {axis} came: 0 (rows) or 1 (columns) is wanted")
    axis %= 2
    boxes = instances.boxes.copy()
    boxes[:, axis] = instances.shape[axis] - instances.boxes[:, axis + 2]
    boxes[:, axis + 2] = instances.shape[axis] - instances.boxes[:, axis]
    masks = [np.ascontiguousarray(m[::-1] if axis == 0 else m[:, ::-1]) for m in instances.masks]
    return _rebuilt(instances, instances.shape, boxes, masks)


def rot90(instances: Instances, k: int = 1) -> Instances:
    """Cells turned counter-clockwise by `k` quarter turns, as ``np.rot90(image, k)`` does."""
    k = int(k) % 4
    height, width = instances.shape
    row0, col0, row1, col1 = instances.boxes.T
    boxes = (
        (row0, col0, row1, col1),
        (width - col1, row0, width - col0, row1),
        (height - row1, width - col1, height - row0, width - col0),
        (col0, height - row1, col1, height - row0),
    )[k]
    masks = [np.ascontiguousarray(np.rot90(m, k)) for m in instances.masks]
    shape = (width, height) if k % 2 else (height, width)
    return _rebuilt(instances, shape, np.stack(boxes, axis=1), masks)


def _nearest(size: int, new_size: int) -> np.ndarray:
    """Old pixel under the centre of each new pixel."""
    return (2 * np.arange(new_size) + 1) * size // (2 * new_size)


def resize(instances: Instances, shape: tuple[int, int]) -> Instances:
    """Cells on a frame of `shape`, nearest neighbour (pixel centres); vanished ones are dropped.

    Raises
    ------
    InputError
        For a `shape` without pixels.
    """
    height, width = int(shape[0]), int(shape[1])
    if height < 1 or width < 1:
        raise InputError(f"the new shape {(height, width)} is empty: at least (1, 1) is wanted")
    rows, columns = _nearest(instances.shape[0], height), _nearest(instances.shape[1], width)
    placed = np.stack(
        [
            np.searchsorted(grid, instances.boxes[:, axis])
            for axis, grid in enumerate((rows, columns, rows, columns))
        ],
        axis=1,
    )
    boxes, masks, keep = [], [], []
    for i, ((row0, col0, _, _), (top, left, bottom, right)) in enumerate(
        zip(instances.boxes.tolist(), placed.tolist(), strict=True)
    ):
        if top == bottom or left == right:
            continue
        mask = instances.masks[i][rows[top:bottom, None] - row0, columns[left:right] - col0]
        tight = mask_box(mask)
        if tight is None:
            continue
        a, b, c, d = tight
        boxes.append((top + a, left + b, top + c, left + d))
        masks.append(mask[a:c, b:d])
        keep.append(i)
    return _rebuilt(instances, (height, width), boxes, masks, keep)
