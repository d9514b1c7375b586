"""Coarse cells, prompts from them, masks of a promptable segmenter (P5, sections 3.1 to 3.3)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from cellwright.label.cell_prompts import cell_prompts
from cellwright.label.coarse import seen
from cellwright.label.prompting import prompt_segmenter
from cellwright.types import Image, Instances, PromptSegmenter, Segmenter


@dataclass(frozen=True, slots=True, kw_only=True)
class CoarsePromptedSegmenter:
    """One mask for each coarse cell; masks may overlap.

    Parameters
    ----------
    coarse
        Finds the coarse cells.
    prompts
        Draws the masks.
    foreground, channel
        As in `CoarseSegmenter`; the plane in which the darkest pixel is looked for.
    nms
        Of two masks with a larger IoU the one of the lower score is left out.
    shown
        Arguments of `cell_prompts`.
    """

    coarse: Segmenter
    prompts: PromptSegmenter
    foreground: str = "auto"
    channel: int | str | None = None
    nms: float = 0.5
    shown: Mapping[str, Any]

    def segment(self, image: Image) -> Instances:
        """Cells of `image`; those whose prompt found nothing are left out."""
        cells = self.coarse.segment(image)
        if not len(cells):
            return cells
        from cellwright.codecs.instances import kept

        plane, kind = seen(image, foreground=self.foreground, channel=self.channel)
        if kind == "dark":
            plane = float(plane.max()) - plane
        asked = cell_prompts(plane, cells, **self.shown)
        one = Image(plane, "YX", image.pixel_size)
        masks = self.prompts.masks(self.prompts.embed(one), asked)
        return kept(masks[masks.scores > 0], score=0.0, nms=self.nms, min_area=2)


def coarse_prompted(
    *,
    coarse: str = "watershed",
    prompts: str = "region",
    foreground: str = "auto",
    channel: int | str | None = None,
    nms: float = 0.5,
    boxes: bool = True,
    darkest: bool = True,
    neighbours: int = 0,
    around: int | None = None,
    options: Mapping[str, Any] | None = None,
    **more: Any,
) -> CoarsePromptedSegmenter:
    """A labeller of the segmenter `coarse` and the promptable segmenter `prompts`.

    Parameters
    ----------
    coarse
        Name of a coarse segmenter.
    prompts
        Name, file or folder; see `prompt_segmenter`.
    foreground, channel, options
        Of the coarse segmenter.
    nms
        As in `CoarsePromptedSegmenter`.
    boxes, darkest, neighbours, around
        See `cell_prompts`.
    more
        Arguments of the promptable segmenter.
    """
    from cellwright.label.segmenters import segmenter

    common = {"foreground": foreground, "channel": channel}
    return CoarsePromptedSegmenter(
        coarse=segmenter(coarse, **common, options=dict(options or {})),
        prompts=prompt_segmenter(prompts, **more),
        nms=nms,
        shown={"boxes": boxes, "darkest": darkest, "neighbours": neighbours, "around": around},
        **common,
    )
