"""A cell while it is prompted: a mask in a window of the image, and what becomes of it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from cellwright.geometry import mask_box
from cellwright.label.outline import Window
from cellwright.label.outline_tables import REACH, Frames, box_frames
from cellwright.types import InputError, Instances, Prompts


@dataclass(frozen=True, slots=True, eq=False)
class Cell:
    """One cell while it is worked on: a mask in a window that has room for it."""

    window: Window
    mask: np.ndarray
    score: float


def window_of(shape: tuple[int, int], frames: Frames, prompt: Prompts) -> Window:
    """A window of the image with room for the outline, the points and their corrections."""
    low = frames.centres[0] - REACH * frames.halves[0]
    high = frames.centres[0] + REACH * frames.halves[0]
    if len(prompt.points):
        low = np.minimum(low, prompt.points.min(axis=0))
        high = np.maximum(high, prompt.points.max(axis=0))
    low = np.clip(np.floor(low) - 8, 0, shape).astype(int)
    high = np.clip(np.ceil(high) + 9, 0, shape).astype(int)
    return int(low[0]), int(low[1]), int(high[0]), int(high[1])


def in_box(box: tuple[float, float, float, float], window: Window) -> np.ndarray:
    """Pixels of `window` whose centre lies in `box` (pixel i covers i to i + 1)."""
    rows = np.arange(window[0], window[2]) + 0.5
    cols = np.arange(window[1], window[3]) + 0.5
    down = (rows > box[0]) & (rows < box[2])
    along = (cols > box[1]) & (cols < box[3])
    return down[:, None] & along


def cell_of_mask(shape: tuple[int, int], prompt: Prompts) -> Cell:
    """The earlier mask of `prompt`, which has one, as a cell of an image of `shape`."""
    assert prompt.mask is not None
    box = mask_box(prompt.mask)
    assert box is not None
    frames = box_frames(np.array([box]))
    window = window_of(shape, frames, prompt)
    return Cell(window, prompt.mask[window[0] : window[2], window[1] : window[3]].copy(), 1.0)


def cell_iou(a: Cell, b: Cell) -> float:
    """Intersection over union of two cells."""
    low = np.minimum(a.window[:2], b.window[:2])
    high = np.maximum(a.window[2:], b.window[2:])
    both = np.zeros((2, *(high - low)), bool)
    for frame, cell in zip(both, (a, b), strict=True):
        row0, col0, row1, col1 = (np.array(cell.window) - np.tile(low, 2)).tolist()
        frame[row0:row1, col0:col1] = cell.mask
    return float((both[0] & both[1]).sum() / max((both[0] | both[1]).sum(), 1))


def instances_of(shape: tuple[int, int], prompts: list[Prompts], cells: list[Cell]) -> Instances:
    """One instance per cell; a cell without pixels is one pixel at its prompt with score 0."""
    boxes, masks, scores = [], [], []
    for prompt, cell in zip(prompts, cells, strict=True):
        tight = mask_box(cell.mask)
        if tight is None:
            row, col = _place(prompt, shape)
            boxes.append((row, col, row + 1, col + 1))
            masks.append(np.ones((1, 1), bool))
            scores.append(0.0)
            continue
        row, col = cell.window[:2]
        boxes.append((tight[0] + row, tight[1] + col, tight[2] + row, tight[3] + col))
        masks.append(cell.mask[tight[0] : tight[2], tight[1] : tight[3]].copy())
        scores.append(cell.score)
    return Instances(shape, np.array(boxes).reshape(-1, 4), tuple(masks), np.array(scores))


def _place(prompt: Prompts, shape: tuple[int, int]) -> tuple[int, int]:
    """A pixel of the prompt that is not marked as off the cell."""
    box = prompt.box or (mask_box(prompt.mask) if prompt.mask is not None else None)
    off = {tuple(p) for p in np.rint(prompt.points[~prompt.signs]).astype(int).tolist()}
    row0, col0, row1, col1 = box or (0, 0, *shape)
    middle = int((row0 + row1) / 2), int((col0 + col1) / 2)
    if middle not in off:
        return min(middle[0], shape[0] - 1), min(middle[1], shape[1] - 1)
    for row in range(shape[0]):
        for col in range(shape[1]):
            if (row, col) not in off:
                return row, col
    raise InputError("every pixel of the image is marked as off the cell: remove some points")
