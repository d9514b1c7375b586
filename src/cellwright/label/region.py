"""A promptable segmenter without a download: closed outlines around what is pointed at.

A box gives the best closed outline in it; a click, the best outline of any size around it. Every
further click that the mask contradicts moves the outline there and leaves the rest alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from cellwright.label.outline import Outlines, find_near_boxes, find_outlines
from cellwright.label.outline_size import sized_outlines, usual_radius
from cellwright.label.outline_tables import box_frames, prompt_planes
from cellwright.label.plane import pick_plane
from cellwright.label.prompt_check import checked
from cellwright.label.region_cell import (
    Cell,
    cell_iou,
    cell_of_mask,
    in_box,
    instances_of,
    window_of,
)
from cellwright.label.region_edit import correct, insist
from cellwright.types import Image, InputError, Instances, Prompts

#: score of an outline from its doubt: the expected IoU, a straight line fitted on train parts
SCORE = (1.12, 0.14)


@dataclass(frozen=True, eq=False)
class RegionEmbedding:
    """What `RegionSegmenter.masks` needs of an image.

    Parameters
    ----------
    shape
        Rows and columns.
    planes
        Of `cellwright.label.outline_tables.prompt_planes`.
    given
        Usual radius of a cell in pixels as the user knows it, or None.
    learned
        As in `RegionSegmenter`.
    """

    shape: tuple[int, int]
    planes: tuple[np.ndarray, ...]
    given: float | None = None
    learned: bool = True

    @cached_property
    def radius(self) -> float:
        """Usual radius of a cell in pixels; only clicks without a box ask for it."""
        return self.given or usual_radius(self.planes, learned=self.learned)


@dataclass(frozen=True, slots=True, kw_only=True)
class RegionSegmenter:
    """Closed outlines from intensity, texture and edges; nothing is downloaded.

    Parameters
    ----------
    channel
        Index or name of the channel; None picks a stain by its name, else the first.
    learned
        Whether the cost of an outline is the fitted one that comes with the package; else
        the one set by hand, which has no fitted coefficients at all.
    exact_boxes
        Whether boxes fit their cells, as those of another segmenter or of masks do; switch it
        off for boxes drawn by hand, whose sides may be some per cent off.
    radius
        Usual radius of a cell in pixels; None estimates it for each image. It only guides clicks
        without a box.
    """

    channel: int | str | None = None
    learned: bool = True
    exact_boxes: bool = True
    radius: float | None = None

    def __post_init__(self) -> None:
        if self.radius is not None and not self.radius > 0:
            raise InputError(f"a usual radius of {self.radius} pixels came: more than 0 is wanted")

    def embed(self, image: Image) -> RegionEmbedding:
        """Smoothed intensity and texture of `image`.

        Raises
        ------
        InputError
            If a pixel is not finite.
        """
        plane = pick_plane(image, channel=self.channel)
        if not np.isfinite(plane).all():
            raise InputError(
                "the image has pixels that are NaN or infinite: fill or crop them before prompting"
            )
        return RegionEmbedding(image.shape, prompt_planes(plane), self.radius, self.learned)

    def masks(self, embedding: RegionEmbedding, prompts: Sequence[Prompts]) -> Instances:
        """One cell per prompt, in the order of `prompts`; masks may overlap.

        Positive points are always on the cell, negative ones never. Where nothing is left, the
        cell is one pixel at the prompt with score 0.

        Raises
        ------
        InputError
            For prompts that make no sense on the image, see `checked`.
        """
        wanted = [checked(prompt, embedding.shape) for prompt in prompts]
        boxed = [i for i, p in enumerate(wanted) if p.mask is None and p.box is not None]
        frames = box_frames(np.array([wanted[i].box for i in boxed], float).reshape(-1, 4))
        find = find_outlines if self.exact_boxes else find_near_boxes
        found = find(embedding.planes, frames, learned=self.learned)
        begun = {i: self._painted(embedding, wanted[i], found, n) for n, i in enumerate(boxed)}
        cells = []
        for i, prompt in enumerate(wanted):
            if i in begun:
                cell = begun[i]
            elif prompt.mask is not None:
                cell = cell_of_mask(embedding.shape, prompt)
            else:
                cell = self._around(embedding, prompt)
            cells.append(self._corrected(embedding, prompt, cell))
        return instances_of(embedding.shape, wanted, cells)

    def candidates(self, embedding: RegionEmbedding, prompt: Prompts) -> Instances:
        """Up to three different masks for one prompt, the most certain first.

        For a click they differ in size; for a box in the cost of the outline.
        """
        prompt = checked(prompt, embedding.shape)
        cells: Iterable[Cell]
        if prompt.mask is not None:
            cells = [cell_of_mask(embedding.shape, prompt)]
        elif prompt.box is None:
            cells = self._sizes(embedding, prompt)
        else:
            frames = box_frames(np.array([prompt.box]))
            both = [find_outlines(embedding.planes, frames, learned=k) for k in (True, False)]
            cells = [self._painted(embedding, prompt, found, 0) for found in both]
        chosen: list[Cell] = []
        for cell in cells:
            cell = self._corrected(embedding, prompt, cell)
            if all(cell_iou(cell, other) < 0.8 for other in chosen):
                chosen.append(cell)
            if len(chosen) == 3:
                break
        return instances_of(embedding.shape, [prompt] * len(chosen), chosen)

    def _around(self, embedding: RegionEmbedding, prompt: Prompts) -> Cell:
        """The most certain cell of any size about the first positive point."""
        return next(self._sizes(embedding, prompt))

    def _sizes(self, embedding: RegionEmbedding, prompt: Prompts) -> Iterator[Cell]:
        """Cells about the first positive point, the most certain first."""
        point = prompt.points[prompt.signs][0]
        found, merits, _ = sized_outlines(
            embedding.planes, point[None], usual=embedding.radius, learned=self.learned
        )
        best = np.argsort(-merits[0], kind="stable").tolist()
        for index in best:
            yield self._painted(embedding, prompt, found, index)

    def _painted(
        self, embedding: RegionEmbedding, prompt: Prompts, found: Outlines, index: int
    ) -> Cell:
        frames = found.frames[index : index + 1]
        window = window_of(embedding.shape, frames, prompt)
        mask = found.paint(index, window)
        if frames.tight[0] and prompt.box is not None:
            mask &= in_box(prompt.box, window)
        score = float(np.clip(SCORE[0] - SCORE[1] * found.doubt[index], 0.01, 1))
        return Cell(window, mask, score)

    def _corrected(self, embedding: RegionEmbedding, prompt: Prompts, cell: Cell) -> Cell:
        """The cell with the points that its mask contradicts put right, one after the other."""
        mask = cell.mask
        origin = np.array(cell.window[:2])
        at = np.rint(prompt.points).astype(int) - origin
        for last in range(len(at)):
            if mask[tuple(at[last])] == prompt.signs[last]:
                continue
            mask = correct(
                embedding.planes,
                mask,
                cell.window,
                Prompts(prompt.points[: last + 1], prompt.signs[: last + 1], prompt.box),
                learned=self.learned,
            )
        return Cell(cell.window, insist(mask, at, prompt.signs), cell.score)
