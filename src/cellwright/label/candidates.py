"""Masks that a grid of points brings up, with what is needed to choose among them.

Source: Kirillov et al. 2023, "Segment Anything", section 5 and appendix B (automatic mask
generation). Here finding candidates, which costs time, and choosing, which costs none, are two
steps, so that a user can move the thresholds and see the outcome at once.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

import numpy as np

from cellwright.geometry import shift
from cellwright.label.prompt_check import checked
from cellwright.types import Image, InputError, Instances, Prompts, PromptSegmenter

#: points asked for at once
BATCH = 64
#: pixels within which a mask counts as cut by the edge of its crop
EDGE = 20


@runtime_checkable
class _Proposer(Protocol):
    """A promptable segmenter that gives all masks a point may mean."""

    def propose(self, embedding: Any, prompts: Any, *, offset: float) -> Any: ...


@dataclass(frozen=True, slots=True, eq=False)
class Candidates:
    """What the grid brought up.

    Parameters
    ----------
    instances
        Masks in coordinates of the image; scores are the predicted IoU.
    stability
        (N,) in [0, 1]; ones where the segmenter does not tell.
    crop
        (N,) index of the crop in `crops`.
    crops
        (C, 4) half-open boxes: the image, and its parts.
    cut
        (N,) bool: the mask ends at the edge of its crop where the image goes on.
    points
        Points asked.
    has_stability
        Whether the segmenter told stability.
    """

    instances: Instances
    stability: np.ndarray
    crop: np.ndarray
    crops: np.ndarray
    cut: np.ndarray
    points: int
    has_stability: bool


def point_grid(shape: tuple[int, int], per_side: int) -> np.ndarray:
    """(per_side squared, 2) points, row and column, in the middles of equal parts."""
    if per_side < 1:
        raise InputError(f"{per_side} points per side came; at least 1 is wanted")
    middle = (np.arange(per_side) + 0.5) / per_side
    rows, cols = np.meshgrid(middle * shape[0], middle * shape[1], indexing="ij")
    return np.stack([rows.ravel(), cols.ravel()], axis=1)


def crop_boxes(
    shape: tuple[int, int], layers: int, overlap: float
) -> tuple[np.ndarray, np.ndarray]:
    """The image and, for layer i of `layers`, 4 to the power of i parts that overlap.

    Parameters
    ----------
    shape
        Rows and columns of the image.
    layers
        Layers of parts; 0 is the image alone.
    overlap
        Part of the shorter side that neighbours in the first layer share; halved from
        layer to layer.

    Returns
    -------
    boxes
        (C, 4) half-open.
    layers
        (C,) layer of each; 0 is the image.
    """
    boxes, layer_of = [(0, 0, *shape)], [0]
    for layer in range(1, layers + 1):
        count = 2**layer
        shared = int(overlap * min(shape) * 2 / count)
        rows, cols = (-(-(shared * (count - 1) + s) // count) for s in shape)
        for i in range(count):
            for j in range(count):
                top, left = (rows - shared) * i, (cols - shared) * j
                box = (top, left, min(top + rows, shape[0]), min(left + cols, shape[1]))
                if box[0] < box[2] and box[1] < box[3]:
                    boxes.append(box)
                    layer_of.append(layer)
    return np.array(boxes, dtype=np.int64), np.array(layer_of)


def find_candidates(
    segmenter: PromptSegmenter,
    image: Image,
    *,
    embedding: Any = None,
    points_per_side: int = 32,
    crop_layers: int = 0,
    crop_overlap: float = 512 / 1500,
    crop_points_divisor: int = 1,
    offset: float = 1.0,
) -> Candidates:
    """Ask `segmenter` at every point of a grid.

    Parameters
    ----------
    segmenter
        Any promptable segmenter; SAM gives three masks per point, others one.
    image
        Axes ``"YX"`` or ``"CYX"``.
    embedding
        That of the whole image, if it is there already.
    points_per_side
        The grid has as many rows and columns of points.
    crop_layers, crop_overlap
        Parts of the image that are looked at again, larger; see `crop_boxes`.
    crop_points_divisor
        Points per side are divided by it from layer to layer.
    offset
        Of the stability, see `SamSegmenter.propose`.
    """
    shape = image.shape
    crops, layers = crop_boxes(shape, crop_layers, crop_overlap)
    parts: list[Instances] = []
    stability, crop, cut = [], [], []
    asked, told = 0, isinstance(segmenter, _Proposer)
    for number, box in enumerate(crops):
        r0, c0, r1, c1 = box.tolist()
        per_side = max(1, points_per_side // crop_points_divisor ** int(layers[number]))
        if number == 0:
            view, here = image, embedding if embedding is not None else segmenter.embed(image)
        else:
            view = _part(image, r0, c0, r1, c1)
            here = segmenter.embed(view)
        grid = point_grid((r1 - r0, c1 - c0), per_side)
        for found, stable in _asked(segmenter, here, grid, view.shape, offset):
            parts.append(shift(found, (r0, c0), shape) if number else found)
            stability.append(stable)
            crop.append(np.full(len(found), number))
            cut.append(_is_cut(found, (r0, c0, r1, c1), shape))
        asked += len(grid)
    return Candidates(
        Instances.concatenate(parts),
        np.concatenate(stability),
        np.concatenate(crop),
        crops,
        np.concatenate(cut),
        asked,
        told,
    )


def _asked(
    segmenter: PromptSegmenter,
    embedding: Any,
    grid: np.ndarray,
    shape: tuple[int, int],
    offset: float,
) -> Iterator[tuple[Instances, np.ndarray]]:
    """Non-empty masks of the points, some at a time, with their stability."""
    for start in range(0, len(grid), BATCH):
        points = np.minimum(grid[start : start + BATCH], np.array(shape) - 1)
        prompts = [checked(Prompts(p[None], np.ones(1, bool)), shape) for p in points]
        if isinstance(segmenter, _Proposer):
            proposals = segmenter.propose(embedding, prompts, offset=offset)
            yield proposals.instances, proposals.stability
        else:
            found = segmenter.masks(embedding, prompts)
            found = found[found.scores > 0]
            yield found, np.ones(len(found))


def _part(image: Image, r0: int, c0: int, r1: int, c1: int) -> Image:
    data = np.asarray(image.data[..., r0:r1, c0:c1])
    return Image(data, image.axes, image.pixel_size, image.channels, image.tags)


def _is_cut(found: Instances, box: tuple[int, int, int, int], shape: tuple[int, int]) -> np.ndarray:
    """Masks near an edge of their crop that is no edge of the image."""
    corner = np.array([box[0], box[1], box[0], box[1]])
    boxes = found.boxes + corner
    near_crop = np.abs(boxes - np.array(box)) <= EDGE
    near_image = np.abs(boxes - np.array([0, 0, *shape])) <= EDGE
    return (near_crop & ~near_image).any(axis=1)
