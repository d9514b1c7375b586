"""The cost of an outline in polar tables, and the best closed outline of each frame."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from cellwright.classical.likelihood import log_ratio
from cellwright.classical.polar import closed_paths, sample_rays

ANGLES = 64
REACH = 1.5
RADII = np.arange(1, 49) * (REACH / 48)
STEP = REACH / 48
FORBIDDEN = 1e3


@dataclass(frozen=True, slots=True, eq=False)
class Frames:
    """Where outlines are looked for.

    Parameters
    ----------
    centres, halves
        (N, 2) float as in `cellwright.classical.polar.sample_rays`.
    tight
        Whether the frames are boxes that fit the cells; else only a guess of their size.
    """

    centres: np.ndarray
    halves: np.ndarray
    tight: bool = True


def box_frames(boxes: np.ndarray, *, tight: bool = True) -> Frames:
    """Frames of (N, 4) half-open boxes."""
    boxes = np.asarray(boxes, float)
    centres = (boxes[:, :2] + boxes[:, 2:] - 1) / 2
    return Frames(centres, np.maximum((boxes[:, 2:] - boxes[:, :2]) / 2, 0.5), tight)


def outline_cost(planes: tuple[np.ndarray, ...], frames: Frames) -> np.ndarray:
    """(N, ANGLES, R) cost of the outline passing direction a at radius index r."""
    turn = 2 * np.pi * np.arange(ANGLES) / ANGLES
    reach = np.maximum(np.abs(np.sin(turn)), np.abs(np.cos(turn)))[:, None] * RADII
    tables = [
        sample_rays(plane, frames.centres, frames.halves, angles=ANGLES, radii=RADII)
        for plane in planes
    ]
    inside = np.broadcast_to((RADII < 0.7) * RADII, tables[0].shape)
    outside = np.broadcast_to((reach > 1.02) * RADII, tables[0].shape)
    for again in (True, True, False):
        ratio = sum(log_ratio(table, inside, outside) for table in tables)
        cost = _cost(np.asarray(ratio), tables[0], reach, tight=frames.tight)
        if again:
            radii = RADII[closed_paths(cost, jump=2, bend=0.05)][..., None]
            inside = (RADII <= radii - 0.05) * RADII
            outside = (RADII > radii + 0.05) * RADII
    return cost


def _cost(ratio: np.ndarray, table: np.ndarray, reach: np.ndarray, *, tight: bool) -> np.ndarray:
    region = -np.cumsum(np.clip(ratio, -3, 3) * RADII, axis=2) * STEP
    fall = np.gradient(ndimage.gaussian_filter1d(ratio, 1.0, axis=2), axis=2)
    edge = np.abs(np.gradient(table, axis=2))
    strong = np.quantile(edge.reshape(len(edge), -1), 0.95, axis=1)[:, None, None]
    edge = np.minimum(edge / np.maximum(strong, 1e-6), 1)
    prior = ((RADII - 0.95) / 0.25) ** 2
    cost = 2 * region + fall - 0.3 * edge + 0.7 * prior
    return cost + FORBIDDEN * (reach > 1.02) if tight else cost


def best_radii(cost: np.ndarray) -> np.ndarray:
    """(N, ANGLES) radii of the cheapest closed outlines."""
    return RADII[closed_paths(cost, jump=2, bend=0.05)] + STEP / 2
