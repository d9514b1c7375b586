"""A promptable segmenter without weights: the best closed outline around what is pointed at."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from cellwright.classical.polar import paint_radii
from cellwright.geometry import mask_box
from cellwright.label.outline import best_radii, box_frames, outline_cost
from cellwright.label.plane import pick_plane
from cellwright.label.prompt_check import checked
from cellwright.types import Image, InputError, Instances, Prompts


@dataclass(frozen=True, slots=True, eq=False)
class RegionEmbedding:
    """What `RegionSegmenter.masks` needs of an image.

    Parameters
    ----------
    shape
        Rows and columns.
    planes
        float32 (row, column): smoothed intensity and texture, robustly scaled to about 0 ... 1.
    radius
        Usual radius of a cell in pixels, for prompts without a box.
    """

    shape: tuple[int, int]
    planes: tuple[np.ndarray, ...]
    radius: float


@dataclass(frozen=True, slots=True, kw_only=True)
class RegionSegmenter:
    """Closed outlines from intensity, texture and edges; needs no weights.

    Parameters
    ----------
    channel
        Index or name of the channel; None picks a stain by its name, else the first.
    radius
        Usual radius of a cell in pixels; None estimates it from the image.
    """

    channel: int | str | None = None
    radius: float | None = None

    def embed(self, image: Image) -> RegionEmbedding:
        """Smoothed intensity and texture of `image`."""
        plane = pick_plane(image, channel=self.channel)
        if not np.isfinite(plane).all():
            raise InputError("the image has pixels that are not finite; fill them before prompting")
        low, high = (float(q) for q in np.quantile(plane, (0.001, 0.999)))
        plane = (plane - low) / max(high - low, 1e-6)
        fine = plane - ndimage.gaussian_filter(plane, 2.0)
        spread = np.sqrt(ndimage.gaussian_filter(fine * fine, 2.0))
        planes = ndimage.gaussian_filter(plane, 1.0), np.log(spread + 0.003)
        return RegionEmbedding(image.shape, planes, self.radius or 20.0)

    def masks(self, embedding: RegionEmbedding, prompts: Sequence[Prompts]) -> Instances:
        """One cell per prompt, in the order of `prompts`."""
        boxes, crops = [], []
        for prompt in prompts:
            mask = self._one(embedding, checked(prompt, embedding.shape))
            box = mask_box(mask) or (0, 0, 1, 1)
            boxes.append(box)
            crops.append(mask[box[0] : box[2], box[1] : box[3]])
        return Instances(embedding.shape, np.array(boxes).reshape(-1, 4), tuple(crops))

    def _one(self, embedding: RegionEmbedding, prompt: Prompts) -> np.ndarray:
        mask = np.zeros(embedding.shape, bool)
        if prompt.mask is not None:
            mask |= prompt.mask
        else:
            box = prompt.box
            if box is None:
                row, col = prompt.points[prompt.signs][0]
                r = embedding.radius
                box = (row - r, col - r, row + r + 1, col + r + 1)
            frames = box_frames(np.array([box]), tight=prompt.box is not None)
            radii = best_radii(outline_cost(embedding.planes, frames))[0]
            rows = np.clip([np.floor(box[0]), np.ceil(box[2])], 0, embedding.shape[0]).astype(int)
            cols = np.clip([np.floor(box[1]), np.ceil(box[3])], 0, embedding.shape[1]).astype(int)
            window = int(rows[0]), int(cols[0]), int(rows[1]), int(cols[1])
            centre = float(frames.centres[0, 0]), float(frames.centres[0, 1])
            half = float(frames.halves[0, 0]), float(frames.halves[0, 1])
            mask[window[0] : window[2], window[1] : window[3]] = paint_radii(
                radii, centre, half, window
            )
        at = np.rint(prompt.points).astype(int)
        mask[at[:, 0], at[:, 1]] = prompt.signs
        return mask
