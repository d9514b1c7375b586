"""What SAM gives back: one mask per prompt, or all that a prompt may mean."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from cellwright.label.sam.embedding import middle
from cellwright.types import Instances, Prompts

#: score of a mask that the model thinks nothing of; 0 is kept for prompts that gave nothing
LEAST_SCORE = 1e-6

#: box and mask of one cell
Drawn = tuple[tuple[int, int, int, int], np.ndarray]


@dataclass(frozen=True, slots=True, eq=False)
class Prediction:
    """Masks with the low-resolution logits that a next round may start from.

    Parameters
    ----------
    instances
        One per prompt.
    logits
        For each prompt its (row, column) float32 logits, in the frame of its tile.
    """

    instances: Instances
    logits: tuple[np.ndarray, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Proposals:
    """All masks that the prompts may mean.

    Parameters
    ----------
    instances
        Non-empty masks; scores are the predicted IoU.
    prompt
        (N,) index of the prompt of each.
    stability
        (N,) IoU of the mask at two thresholds, see `SamSegmenter.propose`.
    """

    instances: Instances
    prompt: np.ndarray
    stability: np.ndarray


class Found:
    """Masks put in the order of their prompts."""

    def __init__(self, shape: tuple[int, int], count: int) -> None:
        self.shape = shape
        self.boxes = np.zeros((count, 4), dtype=np.int64)
        self.masks: list[np.ndarray] = [np.ones((1, 1), bool)] * count
        self.scores = np.zeros(count, dtype=np.float32)

    def put(self, index: int, drawn: Drawn | None, score: float, prompt: Prompts) -> None:
        """Set the mask of one prompt; None is a pixel in its middle with score 0."""
        if drawn is None:
            row, col = middle(prompt)
            r = int(np.clip(round(row), 0, self.shape[0] - 1))
            c = int(np.clip(round(col), 0, self.shape[1] - 1))
            self.boxes[index] = r, c, r + 1, c + 1
            return
        self.boxes[index], self.masks[index] = drawn
        self.scores[index] = np.clip(score, LEAST_SCORE, 1)

    def instances(self) -> Instances:
        """All of them."""
        return Instances(self.shape, self.boxes, tuple(self.masks), self.scores)
