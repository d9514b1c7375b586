"""Labelling without a hand by a promptable segmenter: every point of a grid is a prompt."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from cellwright.label.automatic import AutomaticSegmenter, Thresholds
from cellwright.label.plane import pick_plane
from cellwright.label.prompting import prompt_segmenter
from cellwright.types import Image, Instances


@dataclass(frozen=True, slots=True)
class PromptedSegmenter:
    """Automatic masks of one plane of any image; see `AutomaticSegmenter`.

    Parameters
    ----------
    automatic
        Who finds the cells of a plane.
    channel
        Index or name of the channel; None picks a stain by its name, else the first.
    """

    automatic: AutomaticSegmenter
    channel: int | str | None = None

    def segment(self, image: Image) -> Instances:
        """Cells of `image`; if there are none, a warning says which threshold took them."""
        plane = pick_plane(image, channel=self.channel)
        return self.automatic.segment(Image(plane, "YX", image.pixel_size))


def prompted(
    *,
    prompts: str = "sam-vit-b",
    channel: int | str | None = None,
    predicted_iou: float = 0.88,
    stability: float = 0.95,
    box_nms: float = 0.7,
    min_size: int = 15,
    max_size: int | None = None,
    points_per_side: int = 32,
    crop_layers: int = 0,
    **options: Any,
) -> PromptedSegmenter:
    """A labeller made of the promptable segmenter called `prompts`.

    Parameters
    ----------
    prompts
        Name, file or folder; see `prompt_segmenter`.
    channel
        As in `PromptedSegmenter`.
    predicted_iou, stability, box_nms, min_size, max_size
        See `automatic.Thresholds`.
    points_per_side, crop_layers
        See `candidates.find_candidates`.
    options
        Arguments of the promptable segmenter.
    """
    thresholds = Thresholds(
        predicted_iou=predicted_iou,
        stability=stability,
        box_nms=box_nms,
        min_size=min_size,
        max_size=max_size,
    )
    grid = {"points_per_side": points_per_side, "crop_layers": crop_layers}
    found = prompt_segmenter(prompts, **options)
    return PromptedSegmenter(
        AutomaticSegmenter(segmenter=found, thresholds=thresholds, options=grid), channel
    )
