"""A promptable segmenter that asks, for each pixel, whose seed a random walk reaches first.

Source: Grady 2006, "Random walks for image segmentation" (IEEE TPAMI 28, 1768), by scikit-image's
`random_walker`. Seeds are made of the prompts: the middle of a box and discs around positive points
are the cell, what lies outside the box and discs around negative points are not. Steps are unlikely
where it changes whether intensity and texture look like the cell: that is learnt from the seeds,
then once more from the first answer, as GrabCut does (`cellwright.classical.likelihood`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from cellwright.classical.likelihood import log_ratio
from cellwright.label.outline_tables import prompt_planes
from cellwright.label.plane import pick_plane
from cellwright.label.prompt_check import checked
from cellwright.label.region import RegionEmbedding
from cellwright.label.region_cell import Cell, cell_of_mask, instances_of
from cellwright.label.region_edit import insist
from cellwright.label.walker_seeds import away, box_seeds, mask_seeds, places
from cellwright.types import Image, InputError, Instances, Prompts

#: answers, each from what the one before says of intensity and texture
ROUNDS = 2
#: pixels of a window at most before it is thinned
MOST = 40_000


@dataclass(frozen=True, slots=True, kw_only=True)
class WalkerSegmenter:
    """Cells by random walks from seeds; nothing is downloaded, nothing is fitted.

    Parameters
    ----------
    channel
        Index or name of the channel; None picks a stain by its name, else the first.
    radius
        Usual radius of a cell in pixels; None estimates it for each image. It only says how far a
        click without a box reaches.
    beta
        How unlikely steps across a change are; more makes sharper borders.
    """

    channel: int | str | None = None
    radius: float | None = None
    beta: float = 130.0

    def __post_init__(self) -> None:
        for name in ("radius", "beta"):
            value = getattr(self, name)
            if value is not None and not value > 0:
                raise InputError(f"{name} {value} came: more than 0 is wanted")

    def embed(self, image: Image) -> RegionEmbedding:
        """Smoothed intensity and texture of `image`; InputError if a pixel is not finite."""
        plane = pick_plane(image, channel=self.channel)
        if not np.isfinite(plane).all():
            raise InputError(
                "the image has pixels that are NaN or infinite: fill or crop them before prompting"
            )
        return RegionEmbedding(image.shape, prompt_planes(plane), self.radius)

    def masks(self, embedding: RegionEmbedding, prompts: Sequence[Prompts]) -> Instances:
        """One cell per prompt, in the order of `prompts`; masks may overlap.

        Positive points are always on the cell, negative ones never. An earlier mask stays as it
        is where no point contradicts it; else its outline is walked anew.
        """
        wanted = [checked(prompt, embedding.shape) for prompt in prompts]
        cells = [self._cell(embedding, prompt) for prompt in wanted]
        return instances_of(embedding.shape, wanted, cells)

    def _cell(self, embedding: RegionEmbedding, prompt: Prompts) -> Cell:
        if prompt.mask is not None:
            cell = cell_of_mask(embedding.shape, prompt)
            at = places(prompt, cell.window)
            if (cell.mask[at[:, 0], at[:, 1]] == prompt.signs).all():
                return cell
            window, (on, off) = cell.window, mask_seeds(cell.mask, at, prompt.signs)
        else:
            window, (on, off) = box_seeds(embedding, prompt)
        row0, col0, row1, col1 = window
        planes = np.stack([embedding.planes[i][row0:row1, col0:col1] for i in (0, 3)])
        likely = walked(planes, on, off, beta=self.beta)
        at = places(prompt, window)
        mask = likely > 0.5
        pieces, _ = ndimage.label(mask)
        mask = np.isin(pieces, np.unique(pieces[on & mask]))
        inside = float(likely[mask].sum())
        score = inside / max(float(mask.sum() + likely[~mask].sum()), 1e-9)
        return Cell(window, insist(mask, at, prompt.signs), min(score, 1.0))


def walked(planes: np.ndarray, on: np.ndarray, off: np.ndarray, *, beta: float) -> np.ndarray:
    """(row, column) float: chance that a walk from a pixel meets a seed of the cell first.

    Parameters
    ----------
    planes
        (plane, row, column) float.
    on, off
        (row, column) bool, seeds of the cell and of what is not; `off` gives way.
    beta
        As of `WalkerSegmenter`.
    """
    from skimage.transform import resize

    off = off & ~on
    if not on.any() or not off.any():
        return np.full(on.shape, float(on.any()))
    step = int(np.ceil(np.sqrt(on.size / MOST)))
    if step > 1:
        few = walked(planes[:, ::step, ::step], on[::step, ::step], off[::step, ::step], beta=beta)
        return np.where(on, 1.0, np.where(off, 0.0, resize(few, on.shape, order=1)))
    cell, rest = on, off
    for _ in range(ROUNDS):
        alike = log_ratio(planes, cell[None], rest[None]).sum(axis=0)
        found = _walk(np.tanh(alike / 2), on, off, beta)
        cell, rest = found > 0.5, found <= 0.5
    return found


def _walk(plane: np.ndarray, on: np.ndarray, off: np.ndarray, beta: float) -> np.ndarray:
    """`walked` on one plane; where it is flat, the nearer seed."""
    from skimage.segmentation import random_walker

    seeds = np.where(on, 1, np.where(off, 2, 0))
    if seeds.all() or not plane.std() > 0:
        return (away(on) < away(off)).astype(float)
    # Solved exactly: here as quick as iterating, which may not get there.
    return random_walker(plane, seeds, beta=beta, mode="bf", return_full_prob=True)[0]
