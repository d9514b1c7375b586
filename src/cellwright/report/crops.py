"""One cell and what lies around it: a crop of its image with switchable outlines."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from cellwright.geometry import crop
from cellwright.report.html import Html
from cellwright.report.layers import compressed, framed, layer, outline_layers
from cellwright.report.outlines import canvas_shape
from cellwright.report.overlay import visible
from cellwright.types import Image, Instances

_LEAST = 48
_SHARP = 288
_LIMIT = 12_000
_WHITE = (255, 255, 255)
_WHOLE_READ = 4096


def window(box: Sequence[int], shape: tuple[int, int]) -> tuple[int, int, int, int]:
    """A square about a box with as much room around it as the box is large, inside the image.

    It is 48 px wide at least, less only where the image is smaller.

    Examples
    --------
    >>> window((10, 10, 20, 30), (500, 500))
    (0, 0, 48, 48)
    >>> window((10, 10, 14, 14), (40, 500))
    (0, 0, 40, 48)
    """
    row0, col0, row1, col1 = (int(v) for v in box)
    side = max(_LEAST, 2 * max(row1 - row0, col1 - col0))
    starts, stops = [], []
    for low, high, size in ((row0, row1, shape[0]), (col0, col1, shape[1])):
        length = min(side, size)
        start = min(max((low + high - length) // 2, 0), size - length)
        starts.append(start)
        stops.append(start + length)
    return starts[0], starts[1], stops[0], stops[1]


def corners(
    box: Sequence[int], part: tuple[int, int, int, int], scale: float, *, gap: int = 6
) -> np.ndarray:
    """Corners about a box, `gap` canvas pixels outside of it, on the canvas of a crop.

    Returns
    -------
    ndarray
        Boolean (row, column): the crop `part` enlarged by `scale`.
    """
    canvas = np.zeros(canvas_shape((part[2] - part[0], part[3] - part[1]), scale), dtype=bool)
    ends = [
        [
            round((int(v) - part[axis]) * scale) + sign * gap
            for v, sign in zip(pair, (-1, 1), strict=True)
        ]
        for axis, pair in enumerate(((box[0], box[2]), (box[1], box[3])))
    ]
    (top, bottom), (left, right) = (
        (max(0, low), min(size - 1, high))
        for (low, high), size in zip(ends, canvas.shape, strict=True)
    )
    arm = max(4, min(bottom - top, right - left) // 4)
    for row, inwards in ((top, 1), (bottom, -1)):
        for column, side in ((left, 1), (right, -1)):
            _line(canvas, row, column, arm * inwards, axis=0)
            _line(canvas, row, column, arm * side, axis=1)
    return canvas


def _line(canvas: np.ndarray, row: int, column: int, length: int, *, axis: int) -> None:
    """Two pixels wide, from a corner along an axis, inwards."""
    start = (row, column)
    span = [slice(max(0, v - 1), v + 1) for v in start]
    low, high = sorted((start[axis], start[axis] + length))
    span[axis] = slice(max(0, low), high + 1)
    canvas[tuple(span)] = True


class Cropper:
    """Crops of one image; a frame of moderate size is read and stretched once as a whole.

    Parameters
    ----------
    image
        The image.
    prediction, truth
        Its cells, or None.
    """

    def __init__(
        self, image: Image, *, prediction: Instances | None, truth: Instances | None
    ) -> None:
        self.image, self.prediction, self.truth = image, prediction, truth
        self._whole = visible(image) if max(image.shape) <= _WHOLE_READ else None

    def figure(self, box: Sequence[int], caption: Html, name: str) -> Html:
        """The crop about a box with its caption.

        Parameters
        ----------
        box
            Half-open row0, col0, row1, col1.
        caption
            Markup below the picture.
        name
            What it shows, for readers who do not see it.
        """
        part = window(box, self.image.shape)
        prediction, truth = (
            None if cells is None else crop(cells, part) for cells in (self.prediction, self.truth)
        )
        picture = self._picture(part)
        sharp = max(1.0, _SHARP / max(picture.shape[:2]))
        stack = outline_layers(prediction, truth, scale=sharp, sharp=sharp)
        stack.append(("meant", layer(corners(box, part, sharp), _WHITE)))
        base = compressed(picture, limit=_LIMIT)
        return framed(base, stack, caption, name, shape=picture.shape[:2], near=True)

    def _picture(self, part: tuple[int, int, int, int]) -> np.ndarray:
        rows, cols = slice(part[0], part[2]), slice(part[1], part[3])
        if self._whole is not None:
            return self._whole[rows, cols]
        before = (slice(None),) * (len(self.image.axes) - 2)
        return visible(replace(self.image, data=np.asarray(self.image.data[(*before, rows, cols)])))
