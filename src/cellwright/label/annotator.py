"""A simulated person who corrects a promptable segmenter click by click.

The convention of interactive segmentation: the next click goes to the middle of the error, the
pixel deepest inside what is wrongly missing or wrongly there (largest distance to the edge of its
error region; Sofiiuk, Petrov and Konushin, "Reviving iterative training with mask guidance for
interactive segmentation", 2021, section 5; Kirillov et al., "Segment Anything", 2023, appendix D).
The figures are those of that field: clicks to a wanted IoU, cells that never reach it counted with
all the clicks that were allowed.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import ndimage

from cellwright.types import InputError, Instances, Prompts, PromptSegmenter

STARTS = ("point", "box")


@dataclass(frozen=True, slots=True, eq=False)
class Annotation:
    """What came of one cell.

    Parameters
    ----------
    ious
        IoU after each answer. Of a start by a point, ``ious[0]`` is after one click; of a start
        by a box, ``ious[0]`` is after the box and no click.
    first
        Clicks before ``ious[0]``: 1 for a point, 0 for a box.
    seconds
        Time of each answer.
    prompts
        All prompts of the last answer.
    """

    ious: tuple[float, ...]
    first: int
    seconds: tuple[float, ...]
    prompts: Prompts

    def clicks_to(self, iou: float, *, otherwise: int) -> int:
        """Clicks until `iou` was reached; `otherwise` where it was not."""
        for clicks, value in enumerate(self.ious, start=self.first):
            if value >= iou:
                return clicks
        return otherwise

    def reached(self, iou: float) -> bool:
        """Whether `iou` was reached."""
        return max(self.ious) >= iou


def annotate(
    segmenter: PromptSegmenter,
    embedding: Any,
    truth: Instances,
    index: int,
    *,
    start: str = "point",
    jitter: float = 0.0,
    clicks: int = 10,
    enough: float = 0.9,
    keep_mask: bool = True,
    seed: int = 0,
) -> Annotation:
    """Correct one cell until it is right or the clicks are used up.

    Parameters
    ----------
    segmenter, embedding
        A promptable segmenter and its embedding of the image.
    truth
        The cells of the image.
    index
        Which of them is wanted.
    start
        ``"point"``: a first click in the middle of the cell. ``"box"``: its box, no click.
    jitter
        Standard deviation of each side of the box, as a share of the box's height or width.
    clicks
        Most clicks, the first one included.
    enough
        IoU at which the person is content.
    keep_mask
        Whether each answer is handed to the segmenter with the next click.
    seed
        Of the jitter.

    Raises
    ------
    InputError
        For an unknown `start`.
    """
    if start not in STARTS:
        raise InputError(f"start {start!r} is unknown; there are {', '.join(STARTS)}")
    cell = truth[[index]]
    points: list[tuple[int, int]] = []
    signs: list[bool] = []
    box = _jittered(cell, jitter, seed) if start == "box" else None
    if start == "point":
        points.append(_first_click(cell))
        signs.append(True)
    prompts = Prompts(np.array(points), np.array(signs), box)
    ious: list[float] = []
    seconds: list[float] = []
    while True:
        began = time.perf_counter()
        answer = segmenter.masks(embedding, [prompts])
        seconds.append(time.perf_counter() - began)
        window, found, wanted = _same_window(answer, cell)
        ious.append(float((found & wanted).sum() / max((found | wanted).sum(), 1)))
        if ious[-1] >= enough or len(points) >= clicks:
            break
        click = next_click(found, wanted, [(r - window[0], c - window[1]) for r, c in points])
        if click is None:
            break
        row, col, sign = click
        points.append((row + window[0], col + window[1]))
        signs.append(sign)
        mask = None
        if keep_mask:
            mask = np.zeros(truth.shape, bool)
            mask[window[0] : window[2], window[1] : window[3]] = found
        prompts = Prompts(np.array(points), np.array(signs), box, mask)
    return Annotation(tuple(ious), int(start == "point"), tuple(seconds), prompts)


def next_click(
    found: np.ndarray, wanted: np.ndarray, before: Sequence[tuple[int, int]] = ()
) -> tuple[int, int, bool] | None:
    """The pixel deepest inside an error, and whether it belongs to the cell.

    Parameters
    ----------
    found, wanted
        (row, column) bool: the answer and the truth.
    before
        Pixels clicked already, which are not clicked again.

    Returns
    -------
    (row, column, sign) or None
        None where nothing is wrong, or nothing that was not clicked already.
    """
    best: tuple[float, int, int, bool] = (0.0, 0, 0, True)
    for error, sign in ((wanted & ~found, True), (found & ~wanted, False)):
        depth = ndimage.distance_transform_edt(np.pad(error, 1))[1:-1, 1:-1]
        for row, col in before:
            if 0 <= row < depth.shape[0] and 0 <= col < depth.shape[1]:
                depth[row, col] = 0
        deepest = int(depth.argmax())
        if depth.flat[deepest] > best[0]:
            row, col = divmod(deepest, depth.shape[1])
            best = float(depth.flat[deepest]), row, col, sign
    return best[1:] if best[0] > 0 else None


def _first_click(cell: Instances) -> tuple[int, int]:
    row, col, _ = next_click(np.zeros_like(cell.masks[0]), cell.masks[0]) or (0, 0, True)
    return row + int(cell.boxes[0, 0]), col + int(cell.boxes[0, 1])


def _jittered(cell: Instances, jitter: float, seed: int) -> tuple[float, float, float, float]:
    box = cell.boxes[0].astype(float)
    if jitter:
        size = np.tile(box[2:] - box[:2], 2)
        box = box + np.random.default_rng(seed).normal(0, jitter, 4) * size
        top = np.clip(np.minimum(box[:2], box[2:] - 1), 0, np.array(cell.shape) - 1)
        bottom = np.clip(np.maximum(box[2:], top + 1), 1, np.array(cell.shape))
        box = np.concatenate([top, bottom])
    return float(box[0]), float(box[1]), float(box[2]), float(box[3])


def _same_window(
    answer: Instances, cell: Instances
) -> tuple[tuple[int, int, int, int], np.ndarray, np.ndarray]:
    """A window that holds both masks, and both in it."""
    low = np.minimum(answer.boxes[0, :2], cell.boxes[0, :2])
    high = np.maximum(answer.boxes[0, 2:], cell.boxes[0, 2:])
    both = []
    for part in (answer, cell):
        row0, col0, row1, col1 = (part.boxes[0] - np.tile(low, 2)).tolist()
        mask = np.zeros(high - low, bool)
        mask[row0:row1, col0:col1] = part.masks[0]
        both.append(mask)
    window = int(low[0]), int(low[1]), int(high[0]), int(high[1])
    return window, both[0], both[1]
