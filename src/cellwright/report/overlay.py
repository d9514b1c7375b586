"""An image made visible, and cells outlined on it.

Intensities are stretched between the percentiles 1 and 99.8. Colours are told apart
with every common colour vision: prediction amber, truth sky blue, overlap magenta.
"""

from __future__ import annotations

import numpy as np

from cellwright.report.outlines import canvas_shape, draw_outlines, draw_overlaps
from cellwright.types import Image, InputError, Instances

PREDICTION = (255, 176, 0)
TRUTH = (86, 200, 255)
OVERLAP = (255, 79, 163)
PERCENTILES = (1.0, 99.8)
_HUES = ((1.0, 1.0, 1.0), (0.2, 0.9, 0.4), (0.9, 0.3, 0.9))
_RGB = ("red", "green", "blue")
_WHOLE_READ = 4096


def overlay(
    image: Image,
    instances: Instances | None,
    *,
    truth: Instances | None = None,
    max_side: int = 1024,
) -> np.ndarray:
    """Cells outlined on their image.

    Predicted cells are outlined on their edge in amber, true cells just around it in
    blue, so that both stay visible where they agree. Pixels shared by two or more
    predicted cells (true cells, if nothing is predicted) are tinted magenta.

    Parameters
    ----------
    image
        Any image; a z-stack shows its middle plane, a time series its first frame,
        several channels are mixed.
    instances
        Predicted cells, or None.
    truth
        True cells, or None.
    max_side
        Longest side of the result in pixels; smaller images keep their size.

    Returns
    -------
    ndarray
        uint8 (row, column, RGB).

    Raises
    ------
    InputError
        If the cells belong to an image of another shape.
    """
    for cells in (instances, truth):
        if cells is not None and cells.shape != image.shape:
            raise InputError(
                f"cells of an image of {cells.shape} came for an image of {image.shape}: "
                "give the image they were found on"
            )
    scale = fit_scale(image.shape, max_side)
    canvas = visible(image, scale=scale)
    first = instances if instances is not None else truth
    if first is not None:
        shared = draw_overlaps(first, scale=scale)
        canvas[shared] = (0.6 * canvas[shared] + 0.4 * np.array(OVERLAP)).astype(np.uint8)
    if truth is not None:
        canvas[draw_outlines(truth, scale=scale, outside=True)] = TRUTH
    if instances is not None:
        canvas[draw_outlines(instances, scale=scale)] = PREDICTION
    return canvas


def fit_scale(shape: tuple[int, int], max_side: int) -> float:
    """Scale, 1 at most, that brings the longest side of `shape` to `max_side` or less."""
    return min(1.0, max_side / max(shape))


def visible(image: Image, *, scale: float = 1.0) -> np.ndarray:
    """`image` as a picture: uint8 (row, column, RGB), scaled by `scale` (1 at most).

    Frames with more than 4096 pixels on a side are read with a stride first, so that a
    lazy image larger than memory can be shown.
    """
    from PIL import Image as Pillow

    rows, cols = canvas_shape(image.shape, scale)
    planes = [stretch(plane) for plane in shown_planes(image)]
    small = [
        np.asarray(Pillow.fromarray(plane).resize((cols, rows), Pillow.Resampling.BOX), np.float32)
        if plane.shape != (rows, cols)
        else plane
        for plane in planes
    ]
    if len(small) == 3 and tuple(c.lower() for c in image.channels) == _RGB:
        mixed = np.stack(small, axis=-1)
    elif len(small) == 1:
        mixed = np.repeat(small[0][..., None], 3, axis=-1)
    else:
        hues = np.array(_HUES[: len(small)], np.float32)
        mixed = np.tensordot(np.stack(small, axis=-1), hues, axes=1)
    return (np.clip(mixed, 0, 1) * 255 + 0.5).astype(np.uint8)


def shown_planes(image: Image) -> list[np.ndarray]:
    """Up to three channels of the first frame and the middle plane, float32 (row, column)."""
    step = max(1, -(-max(image.shape) // _WHOLE_READ))
    grid = (slice(None, None, step), slice(None, None, step))
    at = {"T": 0, "Z": image.size("Z") // 2}
    planes = []
    for channel in range(min(3, image.size("C"))):
        index = tuple({**at, "C": channel}[axis] for axis in image.axes[:-2])
        plane = np.asarray(image.data[(*index, *grid)])
        planes.append(plane.astype(np.float32, copy=False))
    return planes


def stretch(plane: np.ndarray) -> np.ndarray:
    """`plane` brought to [0, 1] between its percentiles 1 and 99.8; a flat plane is grey.

    Examples
    --------
    >>> stretch(np.array([[0.0, 5.0, 10.0]])).round(1).tolist()
    [[0.0, 0.5, 1.0]]
    >>> stretch(np.ones((1, 2))).tolist()
    [[0.5, 0.5]]
    """
    plane = np.asarray(plane, np.float32)
    low, high = np.percentile(plane, PERCENTILES)
    if high <= low:
        low, high = float(plane.min()), float(plane.max())
    if high <= low:
        return np.full(plane.shape, 0.5, np.float32)
    return np.clip((plane - low) / (high - low), 0, 1)
