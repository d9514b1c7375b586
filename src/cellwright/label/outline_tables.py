"""What is known of the neighbourhood of a cell, as tables of (direction, radius).

Intensity at three scales, texture, edges, how much each place looks like the inside, and what was
clicked. Everything is relative to the frame, so that one cost serves cells of every size.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from cellwright.classical.likelihood import log_ratio
from cellwright.classical.polar import closed_paths, sample_rays

ANGLES = 64
REACH = 1.5
COUNT = 48
STEP = REACH / COUNT
RADII = np.arange(1, COUNT + 1) * STEP
TURN = 2 * np.pi * np.arange(ANGLES) / ANGLES
#: largest of the two coordinates relative to the half sizes: 1 on the frame
SQUARE = np.maximum(np.abs(np.sin(TURN)), np.abs(np.cos(TURN)))[:, None] * RADII
#: beyond this no outline runs in a tight frame
EDGE = 1.02
FORBIDDEN = 1e3
#: standard deviation of a click, relative to the half sizes
CLICK = 0.12
#: log of the size of a frame whose size channel is 0
USUAL_LOG_SIZE = 2.7


@dataclass(frozen=True, slots=True, eq=False)
class Frames:
    """Where outlines are looked for; N frames.

    Parameters
    ----------
    centres, halves
        (N, 2) float as in `cellwright.classical.polar.sample_rays`.
    tight
        (N,) bool: whether the frame is a box that fits the cell; else a guess of its size.
    """

    centres: np.ndarray
    halves: np.ndarray
    tight: np.ndarray

    def __len__(self) -> int:
        return len(self.centres)

    def __getitem__(self, index: slice | np.ndarray) -> Frames:
        """The frames picked by a slice or an index array."""
        return Frames(self.centres[index], self.halves[index], self.tight[index])


def box_frames(boxes: np.ndarray, *, tight: bool = True) -> Frames:
    """Frames of (N, 4) half-open boxes."""
    boxes = np.asarray(boxes, float).reshape(-1, 4)
    centres = (boxes[:, :2] + boxes[:, 2:] - 1) / 2
    halves = np.maximum((boxes[:, 2:] - boxes[:, :2]) / 2, 0.5)
    return Frames(centres, halves, np.full(len(boxes), tight))


def prompt_planes(plane: np.ndarray) -> tuple[np.ndarray, ...]:
    """Intensity smoothed by 0.5, 1 and 2 pixels, and texture, of a (row, column) float plane.

    The intensity is scaled by its 0.1 and 99.9 % quantiles; the texture is the log of the local
    standard deviation of what the widest smoothing takes away. All float32.
    """
    low, high = (float(q) for q in np.quantile(_thinned(plane), (0.001, 0.999)))
    plane = ((plane - low) / max(high - low, 1e-6)).astype(np.float32)
    smooth = [ndimage.gaussian_filter(plane, sigma) for sigma in (0.5, 1.0, 2.0)]
    fine = plane - smooth[2]
    np.square(fine, out=fine)
    spread = np.sqrt(ndimage.gaussian_filter(fine, 2.0))
    return (*smooth, np.log(spread + 0.003))


def _thinned(plane: np.ndarray, most: int = 4_000_000) -> np.ndarray:
    step = max(1, int(np.sqrt(plane.size / most)))
    return plane[::step, ::step]


def image_tables(planes: tuple[np.ndarray, ...], frames: Frames) -> np.ndarray:
    """(N, 12, ANGLES, COUNT) float32: what the image says around each frame's centre.

    Parameters
    ----------
    planes
        Of `prompt_planes`.
    frames
        Where to look.
    """
    rays = [
        sample_rays(plane, frames.centres, frames.halves, angles=ANGLES, radii=RADII)
        for plane in planes
    ]
    tight = frames.tight.astype(float)[:, None, None]
    ratios = _ratios(rays, tight)
    core = RADII < 0.6
    tables = []
    for table in rays:
        middle = table[:, :, core].mean(axis=(1, 2), keepdims=True)
        tables.append((table - middle) / (table.std(axis=(1, 2), keepdims=True) + 1e-4))
    size = np.log(np.sqrt(frames.halves.prod(axis=1))) - USUAL_LOG_SIZE
    shape = rays[0].shape
    tables += [
        _edges(rays[0]),
        *ratios,
        -2 * STEP * np.cumsum(np.clip(ratios[0] + ratios[1], -3, 3) * RADII, axis=2),
        np.broadcast_to(RADII - 0.8, shape),
        np.clip(SQUARE - 1, -1, 0.3) * 2 * tight,
        np.broadcast_to(tight, shape),
        np.broadcast_to(size[:, None, None], shape),
    ]
    return np.clip(np.stack(tables, axis=1), -4, 4).astype(np.float32)


def plain_cost(ratio: np.ndarray, table: np.ndarray, tight: np.ndarray) -> np.ndarray:
    """Cost of an outline set by hand: likelihood inside, its fall, edges, a usual radius.

    Parameters
    ----------
    ratio, table
        (N, ANGLES, COUNT): log likelihood ratio of inside to outside, and intensity.
    tight
        (N, 1, 1) float: 1 where the outline must stay within the frame.
    """
    ratio = np.clip(ratio, -3, 3)
    region = -np.cumsum(ratio * RADII, axis=2) * STEP
    fall = np.gradient(ndimage.gaussian_filter1d(ratio, 1.0, axis=2), axis=2)
    usual = ((RADII - 0.95) / 0.25) ** 2
    cost = 2 * region + fall - 0.3 * np.minimum(_edges(table), 1) + 0.7 * usual
    return cost + FORBIDDEN * (SQUARE > EDGE) * tight


def _ratios(rays: list[np.ndarray], tight: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Log likelihood ratios of intensity and texture, the models refitted to the outline twice."""
    inside = np.broadcast_to((RADII < 0.7) * RADII, rays[0].shape)
    outside = np.broadcast_to((SQUARE > EDGE) * RADII, rays[0].shape)
    for again in (True, True, False):
        bright = log_ratio(rays[1], inside, outside)
        rough = log_ratio(rays[3], inside, outside)
        if again:
            cost = plain_cost(bright + rough, rays[1], tight)
            radii = RADII[closed_paths(cost, jump=2, bend=0.05)][..., None]
            inside = np.less_equal(RADII, radii - 0.05) * RADII
            outside = np.greater(RADII, radii + 0.05) * RADII
    return bright, rough


def _edges(table: np.ndarray) -> np.ndarray:
    """Change of `table` along the radius, relative to the 95 % quantile."""
    edge = np.abs(np.gradient(table, axis=2))
    strong = np.quantile(edge.reshape(len(edge), -1), 0.95, axis=1)[:, None, None]
    return edge / np.maximum(strong, 1e-6)


def click_tables(
    frames: Frames,
    points: list[np.ndarray],
    signs: list[np.ndarray],
    before: list[np.ndarray | None],
) -> np.ndarray:
    """(N, 4, ANGLES, COUNT) float32: positive clicks, negative clicks, the outline before.

    Parameters
    ----------
    frames
        N frames.
    points, signs
        N arrays of clicks as in `cellwright.types.Prompts`.
    before
        N arrays (ANGLES,) of radii of the outline that is corrected; where None, the four
        tables are 0.
    """
    tables = np.zeros((len(frames), 4, ANGLES, COUNT), np.float32)
    down, along = np.sin(TURN)[:, None] * RADII, np.cos(TURN)[:, None] * RADII
    for i, radii in enumerate(before):
        if radii is None:
            continue
        places = (points[i] - frames.centres[i]) / frames.halves[i]
        for (row, col), sign in zip(places, signs[i], strict=True):
            away = (down - row) ** 2 + (along - col) ** 2
            table = tables[i, 0 if sign else 1]
            np.maximum(table, np.exp(-away / (2 * CLICK**2)), out=table)
        tables[i, 2] = np.clip((radii[:, None] - RADII) / 0.3, -1, 1)
        tables[i, 3] = 1
    return tables
