"""Every cell without a prompt: candidates of a grid, chosen by thresholds that can be moved.

Source: Kirillov et al. 2023, "Segment Anything", section 5 and appendix B. Works with any
`PromptSegmenter`. When nothing comes out it says which threshold took how many away.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from cellwright.label.candidates import Candidates, find_candidates
from cellwright.types import Image, InputError, Instances, PromptSegmenter

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Thresholds:
    """What a candidate must have.

    Parameters
    ----------
    predicted_iou
        Least score of the model.
    stability
        Least IoU of the mask at two thresholds around its own.
    box_nms, crop_nms
        Of two masks whose boxes overlap more (IoU), the one with the better score stays; in
        one crop, and between crops, where the one of the smaller crop stays.
    min_size, max_size
        Pixels; None sets no upper limit.
    """

    predicted_iou: float = 0.88
    stability: float = 0.95
    box_nms: float = 0.7
    crop_nms: float = 0.7
    min_size: int = 15
    max_size: int | None = None

    def __post_init__(self) -> None:
        for name in ("predicted_iou", "stability", "box_nms", "crop_nms"):
            value = getattr(self, name)
            if not 0 <= value <= 1:
                raise InputError(f"{name}={value} came; it lies between 0 and 1")


@dataclass(frozen=True, slots=True, eq=False)
class Outcome:
    """The chosen masks, and what became of the others.

    Parameters
    ----------
    instances
        Chosen masks, best first.
    dropped
        Reason to number of candidates it took away, in the order in which they are asked.
    message
        One line that says so.
    """

    instances: Instances
    dropped: dict[str, int]
    message: str


def choose(candidates: Candidates, thresholds: Thresholds) -> Outcome:
    """The candidates that pass `thresholds`; cheap enough to follow a slider."""
    found = candidates.instances
    scores, areas = found.scores, found.areas
    asked = (
        ("predicted_iou", f"predicted IoU below {thresholds.predicted_iou:g}",
         scores >= thresholds.predicted_iou),
        ("stability", f"stability below {thresholds.stability:g}",
         candidates.stability >= thresholds.stability),
        ("cut", "cut by the edge of a crop", ~candidates.cut),
        ("min_size", f"smaller than {thresholds.min_size} px", areas >= thresholds.min_size),
        ("max_size", f"larger than {thresholds.max_size} px",
         areas <= (np.inf if thresholds.max_size is None else thresholds.max_size)),
    )  # fmt: skip
    alive = np.ones(len(found), dtype=bool)
    dropped, words = {}, {}
    for name, text, good in asked:
        dropped[name] = int((alive & ~good).sum())
        words[name] = text
        alive &= good
    kept = np.flatnonzero(alive)
    crops = candidates.crops
    for number in range(len(crops)):
        here = kept[candidates.crop[kept] == number]
        stay = here[suppress(found.boxes[here], scores[here], thresholds.box_nms)]
        kept = np.concatenate([kept[candidates.crop[kept] != number], stay])
    if len(crops) > 1:
        sizes = (crops[:, 2] - crops[:, 0]) * (crops[:, 3] - crops[:, 1])
        order = 1.0 / sizes[candidates.crop[kept]] + 1e-9 * scores[kept]
        kept = kept[suppress(found.boxes[kept], order, thresholds.crop_nms)]
    dropped["duplicate"] = int(alive.sum()) - len(kept)
    words["duplicate"] = f"on another mask (box IoU above {thresholds.box_nms:g})"
    kept = kept[np.argsort(-scores[kept], kind="stable")]
    return Outcome(found[kept], dropped, _message(candidates, dropped, words, len(kept)))


def suppress(boxes: np.ndarray, order: np.ndarray, most: float) -> np.ndarray:
    """Indices of the boxes that stay when none may overlap a better one by more than `most`.

    Parameters
    ----------
    boxes
        (N, 4) half-open boxes.
    order
        (N,) the larger stays.
    most
        Largest box IoU.
    """
    left = np.argsort(-order, kind="stable")
    boxes = boxes.astype(np.float64)
    areas = (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])
    stay = []
    while len(left):
        best, left = left[0], left[1:]
        stay.append(best)
        low = np.maximum(boxes[best, :2], boxes[left, :2])
        high = np.minimum(boxes[best, 2:], boxes[left, 2:])
        shared = np.clip(high - low, 0, None).prod(axis=1)
        left = left[shared <= most * (areas[best] + areas[left] - shared)]
    return np.array(stay, dtype=np.int64)


def _message(
    candidates: Candidates, dropped: dict[str, int], words: dict[str, str], kept: int
) -> str:
    total = len(candidates.instances)
    if not total:
        return f"{candidates.points} points gave no mask at all: is the image empty?"
    taken = [f"{count} {words[name]}" for name, count in dropped.items() if count]
    text = f"{kept} of {total} masks from {candidates.points} points stay"
    text += f"; dropped: {', '.join(taken)}" if taken else ""
    if kept:
        return text
    scores, stability = candidates.instances.scores, candidates.stability
    hint = f"the best predicted IoU is {scores.max():.2f}"
    if candidates.has_stability:
        hint += f", the best stability {stability.max():.2f}"
    return f"{text}; {hint}: lower the threshold that dropped most"


@dataclass(frozen=True, slots=True, kw_only=True)
class AutomaticSegmenter:
    """A `Segmenter` made of a promptable one.

    Parameters
    ----------
    segmenter
        Who is asked.
    thresholds
        What a mask must have.
    options
        Arguments of `find_candidates`: grid, crops.
    """

    segmenter: PromptSegmenter
    thresholds: Thresholds = field(default_factory=Thresholds)
    options: dict[str, Any] = field(default_factory=dict)

    def segment(self, image: Image) -> Instances:
        """Cells of `image`; if there are none, a warning says why."""
        return self.generate(image).instances

    def generate(self, image: Image, *, embedding: Any = None) -> Outcome:
        """Cells of `image` with the account of what was dropped."""
        found = find_candidates(self.segmenter, image, embedding=embedding, **self.options)
        outcome = choose(found, self.thresholds)
        log.log(logging.INFO if len(outcome.instances) else logging.WARNING, outcome.message)
        return outcome
