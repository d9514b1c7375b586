"""Seeds for random walks made of prompts: pixels that are the cell, and pixels that are not."""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from cellwright.label.outline import Window
from cellwright.label.region import RegionEmbedding
from cellwright.label.region_cell import in_box
from cellwright.types import Prompts

#: seeds of a box by the distance from its centre, 1 in the middle of its sides: below it is the
#: cell, above it (its corners) is not; radius of the seed of a click on that scale; a click without
#: a box has one of `REACH` usual radii
CORE, CORNER, CLICK, REACH = 0.6, 1.2, 0.25, 2.0
#: pixels of a window beyond its box
ROOM = 3


def box_seeds(
    embedding: RegionEmbedding, prompt: Prompts
) -> tuple[Window, tuple[np.ndarray, np.ndarray]]:
    """The window of a prompt without a mask, and seeds of the cell and of what is not."""
    box, shape = prompt.box, np.array(embedding.shape)
    if box is None:
        about = prompt.points[prompt.signs]
        reach = REACH * embedding.radius
        box = (*(about.min(axis=0) + 0.5 - reach), *(about.max(axis=0) + 0.5 + reach))
    low, high = np.array(box[:2]), np.array(box[2:])
    ends = np.concatenate([prompt.points, [low, high - 1]])
    start = np.clip(np.floor(ends.min(axis=0)) - ROOM, 0, shape).astype(int)
    stop = np.clip(np.ceil(ends.max(axis=0)) + 1 + ROOM, 0, shape).astype(int)
    window = (int(start[0]), int(start[1]), int(stop[0]), int(stop[1]))
    grid = np.indices(stop - start).transpose(1, 2, 0) + start + 0.5
    half = np.maximum((high - low) / 2, 0.5)
    from_centre = np.linalg.norm((grid - (low + high) / 2) / half, axis=-1)
    off = ~in_box(box, window) | (from_centre > CORNER)
    size = float(np.sqrt(np.prod(np.maximum(high - low, 1))))
    if prompt.box is None:
        near, on = size / (2 * REACH), np.zeros(off.shape, bool)
    else:
        near, on = size / 2, from_centre < CORE
    at = places(prompt, window)
    if not prompt.signs.all():  # what is nearer to a negative point than to the cell is open
        middle = np.argwhere(from_centre == from_centre.min())[:1]
        yes = at[prompt.signs] if prompt.signs.any() else middle
        on &= away(_marked(off.shape, yes)) < away(_marked(off.shape, at[~prompt.signs]))
    return window, _clicked(on, off, at, prompt.signs, np.full(len(at), CLICK * near))


def mask_seeds(
    mask: np.ndarray, at: np.ndarray, signs: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Seeds well inside and well outside a mask; around a contradiction it is open up to it."""
    inside, outside = away(~mask), away(mask)
    sure = 0.4 * float(inside.max(initial=0))
    on, off = inside > sure, outside > sure
    depth = np.where(signs, outside[at[:, 0], at[:, 1]], inside[at[:, 0], at[:, 1]])
    wrong = mask[at[:, 0], at[:, 1]] != signs
    reach = np.where(wrong, depth, 1.0)
    for place, open_to in zip(at[wrong], reach[wrong], strict=True):
        around = _disc(mask.shape, place, 2 * open_to + 1)
        on, off = on & ~around, off & ~around
    return _clicked(on, off, at, signs, np.maximum(reach / 2, 1))


def _clicked(
    on: np.ndarray, off: np.ndarray, at: np.ndarray, signs: np.ndarray, reach: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Seeds with discs of `reach` pixels around the points; points of two signs share the way."""
    for place, sign, most in zip(at, signs, reach, strict=True):
        apart = np.linalg.norm(at[signs != sign] - place, axis=1).min(initial=np.inf)
        around = _disc(on.shape, place, min(most, apart / 3))
        on, off = (on | around, off & ~around) if sign else (on & ~around, off | around)
    return on, off


def _marked(shape: tuple[int, ...], at: np.ndarray) -> np.ndarray:
    found = np.zeros(shape, bool)
    found[at[:, 0], at[:, 1]] = True
    return found


def away(seeds: np.ndarray) -> np.ndarray:
    """Distance of each pixel to the nearest of `seeds`; beyond all bounds where there are none."""
    if not seeds.any():
        return np.full(seeds.shape, float(sum(seeds.shape)))
    return ndimage.distance_transform_edt(~seeds)


def _disc(shape: tuple[int, ...], place: np.ndarray, radius: float) -> np.ndarray:
    rows, cols = (np.arange(n) - p for n, p in zip(shape, place, strict=True))
    return rows[:, None] ** 2 + cols**2 <= max(radius, 0.0) ** 2


def places(prompt: Prompts, window: Window) -> np.ndarray:
    """(P, 2) int: the points in their window."""
    return np.rint(prompt.points).astype(int) - np.array(window[:2])
