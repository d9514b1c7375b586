"""Intensities of cells per channel, read window by window so that lazy images stay lazy."""

from __future__ import annotations

import numpy as np

from cellwright.types import Image, Instances

STATISTICS = ("mean", "median", "min", "max", "std", "sum")

# Cells whose boxes begin in one square of this side are read from the image together.
_BLOCK = 1024


def intensities(image: Image, instances: Instances) -> np.ndarray:
    """Statistics of the pixels under each mask.

    Parameters
    ----------
    image
        Image of any axes; the pixels of all planes (T and Z) of a channel count together.
    instances
        Cells on a frame of the image's shape. A pixel under two masks counts for both.

    Returns
    -------
    ndarray
        (N, channel, statistic) float64 in the order of `STATISTICS`; NaN for a mask without a
        pixel. ``std`` is that of the pixels (divided by their number).
    """
    channels = image.size("C")
    result = np.full((len(instances), channels, len(STATISTICS)), np.nan)
    boxes = instances.boxes
    corner = boxes[:, :2] // _BLOCK
    order = np.lexsort((corner[:, 1], corner[:, 0]))
    new = np.any(np.diff(corner[order], axis=0) != 0, axis=1)
    for group in np.split(order, np.flatnonzero(new) + 1) if len(order) else []:
        row0, column0 = boxes[group, :2].min(axis=0).tolist()
        row1, column1 = boxes[group, 2:].max(axis=0).tolist()
        block = _by_channel(image, (slice(row0, row1), slice(column0, column1)))
        places = (boxes[group] - (row0, column0, row0, column0)).tolist()
        for i, (top, left, bottom, right) in zip(group.tolist(), places, strict=True):
            if instances.masks[i].any():
                pixels = block[..., top:bottom, left:right][..., instances.masks[i]]
                result[i] = _statistics(pixels.reshape(channels, -1))
    return result


def _by_channel(image: Image, window: tuple[slice, slice]) -> np.ndarray:
    """A window of the image as (channel, plane, row, column)."""
    part = np.asarray(image.data[(..., *window)])
    if "C" in image.axes:
        part = np.moveaxis(part, image.axes.index("C"), 0)
    return part.reshape((image.size("C"), -1, *part.shape[-2:]))


def _statistics(pixels: np.ndarray) -> np.ndarray:
    """(channel, statistic) of (channel, pixel) values."""
    values = pixels.astype(np.float64)
    return np.stack(
        [
            values.mean(axis=1),
            np.median(values, axis=1),
            values.min(axis=1),
            values.max(axis=1),
            values.std(axis=1),
            values.sum(axis=1),
        ],
        axis=1,
    )
