"""Coarse segmenters: a foreground, a way to make cells of it, shape filter, confidence.

What the plane shows is found by one mechanism for all; only the way from foreground to cells
differs.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from scipy import ndimage

from cellwright.classical.cells import textured_mask
from cellwright.classical.modality import FOREGROUNDS, guess_foreground
from cellwright.classical.otsu import bright_foreground
from cellwright.geometry import from_label_map
from cellwright.label.plane import pick_plane
from cellwright.label.shape import shapes
from cellwright.label.zero_shot import confidence, shape_filter
from cellwright.types import Image, InputError, Instances

Way = Callable[..., np.ndarray]


@dataclass(frozen=True, slots=True, kw_only=True)
class CoarseSegmenter:
    """Cells of one plane, made by `way` of its foreground.

    Parameters
    ----------
    way
        Takes relief (cells bright) and foreground mask, both (row, column), and options, and
        returns an int32 label map with values 1..N.
    foreground
        What tells cells from background: ``"bright"`` (fluorescence), ``"dark"`` (stains
        that absorb), ``"texture"`` (phase contrast, bright field, DIC), or ``"auto"``.
    channel
        Index or name of the channel; None picks a stain by its name, else the first.
    filtered
        Whether objects whose shape is unusual for the image are left out.
    least_confidence
        Cells below it are left out.
    options
        Keyword arguments of `way`.
    """

    way: Way
    foreground: str = "auto"
    channel: int | str | None = None
    filtered: bool = True
    least_confidence: float = 0.0
    options: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        known_foreground(self.foreground)

    def segment(self, image: Image) -> Instances:
        """Cells of `image`, each with its confidence as score; none overlap."""
        plane, kind = seen(image, foreground=self.foreground, channel=self.channel)
        relief, mask = relief_of(plane, kind)
        # A texture cannot be thresholded again: what is cell is decided by the mask.
        shown = mask.astype(np.float32) if kind == "texture" else relief
        labels = self.way(shown, mask, **self.options)
        labels, scores = passed(
            labels, relief, filtered=self.filtered, least_confidence=self.least_confidence
        )
        return from_label_map(labels, scores=scores)


def known_foreground(name: str) -> None:
    """Raise InputError if `name` is not a foreground."""
    if name not in FOREGROUNDS:
        raise InputError(f"foreground {name!r} is unknown; there are {', '.join(FOREGROUNDS)}")


def seen(image: Image, *, foreground: str, channel: int | str | None) -> tuple[np.ndarray, str]:
    """The float32 (row, column) plane to segment, and what tells its cells from background."""
    if foreground == "auto":
        foreground = guess_foreground(pick_plane(image, channel=channel))
    return pick_plane(image, channel=channel, sharpest=foreground == "texture"), foreground


def relief_of(plane: np.ndarray, kind: str) -> tuple[np.ndarray, np.ndarray]:
    """What is high in cells, float32, and the foreground, bool; both (row, column)."""
    if kind == "texture":
        mask, structure = textured_mask(plane)
        return structure, mask
    relief = plane if kind == "bright" else float(plane.max()) - plane
    smooth = ndimage.gaussian_filter(relief, 1.0)
    return smooth, bright_foreground(smooth, block=32)


def passed(
    labels: np.ndarray, relief: np.ndarray, *, filtered: bool, least_confidence: float
) -> tuple[np.ndarray, np.ndarray]:
    """Labels 1..N without gaps of the cells that pass, int32, and their (N,) scores."""
    found = shapes(labels)
    scores = confidence(labels, relief, found)
    keep = scores >= least_confidence
    if filtered:
        keep &= shape_filter(found)
    number = np.concatenate([[0], np.cumsum(keep) * keep]).astype(np.int32)
    return number[labels], scores[keep]
