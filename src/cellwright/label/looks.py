"""A second look: the same image mirrored and shifted, its cells brought back and compared."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from cellwright.geometry import crop, flip
from cellwright.overlap import iou
from cellwright.types import Image, Instances

#: rows and columns of the shifted look; odd, so that pixel blocks and strides fall elsewhere
OFFSET = (5, 3)


def looks(segment: Callable[[Image], Instances], image: Image) -> list[Instances]:
    """Cells of `image` mirrored along rows, along columns, and shifted, on its own frame.

    Parameters
    ----------
    segment
        Finds the cells of an image.
    image
        Image of any axes; only rows and columns are moved.

    Returns
    -------
    list of Instances
        Three, in that order. The shifted look sees the image mirrored at its upper left edge.
    """
    data = np.asarray(image.data)
    found = []
    for axis in (0, 1):
        seen = segment(_with(image, np.ascontiguousarray(np.flip(data, axis - 2))))
        found.append(flip(seen, axis))
    rows, cols = image.shape
    pad = [(0, 0)] * (data.ndim - 2) + [(OFFSET[0], 0), (OFFSET[1], 0)]
    moved = segment(_with(image, np.pad(data, pad, mode="symmetric")))
    found.append(crop(moved, (OFFSET[0], OFFSET[1], OFFSET[0] + rows, OFFSET[1] + cols)))
    return found


def _with(image: Image, data: np.ndarray) -> Image:
    return Image(data, image.axes, image.pixel_size, image.channels, image.tags)


def agreement(cells: Instances, others: Instances) -> np.ndarray:
    """(N,) float: IoU of each cell with the cell of `others` that is most like it; 0 if none is.

    Examples
    --------
    >>> from cellwright.geometry import from_label_map
    >>> a = from_label_map(np.array([[1, 1, 0, 2]]))
    >>> agreement(a, from_label_map(np.array([[1, 0, 0, 0]]))).tolist()
    [0.5, 0.0]
    """
    if not len(cells) or not len(others):
        return np.zeros(len(cells))
    return np.asarray(iou(cells, others).max(axis=1).todense(), float).reshape(-1)


def mean_agreement(cells: Instances, found: Sequence[Instances]) -> np.ndarray:
    """(N,) float: mean of `agreement` over several looks."""
    return np.mean([agreement(cells, one) for one in found], axis=0).reshape(len(cells))
