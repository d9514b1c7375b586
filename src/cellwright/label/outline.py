"""The best closed outline of each frame, with what was clicked taken into account."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from cellwright.classical.polar import closed_paths, paint_radii, stretch_to_frame
from cellwright.label.outline_net import radius_cost
from cellwright.label.outline_tables import (
    ANGLES,
    EDGE,
    FORBIDDEN,
    RADII,
    REACH,
    SQUARE,
    STEP,
    Frames,
    click_tables,
    image_tables,
    plain_cost,
)

Window = tuple[int, int, int, int]
#: how far the radius may change from one direction to the next, and what that costs: by cost
SMOOTH = {True: (6, 0.01), False: (2, 0.05)}
#: gap in pixels between outline and box that is nothing but the width of a pixel
PIXEL = 1.25
#: frames around boxes drawn by hand, and how far their sides may be off, relative to half sizes
ROOM = 1.08
SLIP = 0.25
#: frames that go through together; bounds the memory to some 50 MB
TOGETHER = 64


@dataclass(frozen=True, slots=True, eq=False)
class Clicks:
    """What was clicked on one cell, and the outline that was there before.

    Parameters
    ----------
    points, signs
        As in `cellwright.types.Prompts`.
    before
        (ANGLES,) radii of the outline that is corrected.
    """

    points: np.ndarray
    signs: np.ndarray
    before: np.ndarray


@dataclass(frozen=True, slots=True, eq=False)
class Outlines:
    """Outlines of N frames.

    Parameters
    ----------
    frames
        The frames.
    radii
        (N, ANGLES) radius per direction, relative to the half sizes.
    doubt
        (N,) mean cost along the outline: negative log probability per direction.
    """

    frames: Frames
    radii: np.ndarray
    doubt: np.ndarray

    def paint(self, index: int, window: Window) -> np.ndarray:
        """Pixels of `window` inside outline number `index`."""
        row, col = self.frames.centres[index].tolist()
        high, wide = self.frames.halves[index].tolist()
        return paint_radii(self.radii[index], (row, col), (high, wide), window)


def find_outlines(
    planes: tuple[np.ndarray, ...],
    frames: Frames,
    clicks: Sequence[Clicks | None] | None = None,
    *,
    learned: bool = True,
) -> Outlines:
    """The cheapest closed outline of each frame.

    Parameters
    ----------
    planes
        Of `cellwright.label.outline_tables.prompt_planes`.
    frames
        N frames.
    clicks
        N corrections; None for none.
    learned
        Whether the cost is the fitted one; else the one set by hand.
    """
    every: list[Clicks | None] = [None] * len(frames) if clicks is None else list(clicks)
    radii, doubt = [np.zeros((0, ANGLES))], [np.zeros(0)]
    for low in range(0, len(frames), TOGETHER):
        part = frames[low : low + TOGETHER]
        some = every[low : low + TOGETHER]
        cost = _cost(image_tables(planes, part), part, some, learned=learned)
        limits = FORBIDDEN * ((SQUARE > EDGE) & part.tight[:, None, None])
        for i, click in enumerate(some):
            if click is not None:
                limits[i] += _barriers(part.centres[i], part.halves[i], click)
        jump, bend = SMOOTH[learned]
        path = closed_paths(cost + limits, jump=jump, bend=bend)
        best = _between(cost, path) if learned else RADII[path] + STEP / 2
        fits = part.tight & np.array([click is None for click in some])
        best[fits] = stretch_to_frame(best[fits], PIXEL / part.halves[fits])
        radii.append(best)
        doubt.append(np.take_along_axis(cost, path[..., None], axis=2)[..., 0].mean(axis=1))
    return Outlines(frames, np.concatenate(radii), np.concatenate(doubt))


def _between(cost: np.ndarray, path: np.ndarray) -> np.ndarray:
    """Radii along the paths, finer than the table: means over three neighbours by probability."""
    near = np.clip(path[..., None] + np.arange(-1, 2), 0, len(RADII) - 1)
    weight = np.exp(-np.take_along_axis(cost, near, axis=2))
    return (weight * RADII[near]).sum(axis=2) / weight.sum(axis=2) + STEP / 2


def _cost(
    tables: np.ndarray, frames: Frames, clicks: list[Clicks | None], *, learned: bool
) -> np.ndarray:
    none = np.zeros((0, 2)), np.zeros(0, bool)
    if learned:
        extra = click_tables(
            frames,
            [none[0] if c is None else c.points for c in clicks],
            [none[1] if c is None else c.signs for c in clicks],
            [None if c is None else c.before for c in clicks],
        )
        return radius_cost(np.concatenate([tables, extra], axis=1))
    cost = plain_cost(tables[:, 5] + tables[:, 6], tables[:, 1], np.zeros((len(frames), 1, 1)))
    for i, click in enumerate(clicks):
        if click is not None:
            cost[i] += ((RADII - click.before[:, None]) / 0.15) ** 2 * _far(frames, i, click)
    top = (-cost).max(axis=2, keepdims=True)
    return cost + top + np.log(np.exp(-cost - top).sum(axis=2, keepdims=True))


def _far(frames: Frames, index: int, click: Clicks) -> np.ndarray:
    """(ANGLES, 1) in [0, 1]: 0 towards the last click, 1 away from it."""
    place = (click.points[-1] - frames.centres[index]) / frames.halves[index]
    towards = np.arctan2(place[0], place[1])
    away = np.abs(np.angle(np.exp(1j * (2 * np.pi * np.arange(ANGLES) / ANGLES - towards))))
    return np.clip(away / 0.6, 0, 1)[:, None]


def _barriers(centre: np.ndarray, half: np.ndarray, click: Clicks) -> np.ndarray:
    """(ANGLES, COUNT) cost that keeps positive clicks inside and negative ones outside."""
    wall = np.zeros((ANGLES, len(RADII)))
    for place, sign in zip((click.points - centre) / half, click.signs, strict=True):
        far = float(np.hypot(*place))
        if far > REACH - 2 * STEP or far < 3 * STEP:
            continue
        towards = np.arctan2(place[0], place[1]) / (2 * np.pi) * ANGLES
        at = np.array([np.floor(towards), np.ceil(towards)]).astype(int) % ANGLES
        wall[at] += FORBIDDEN * ((far > RADII) if sign else (far - STEP < RADII))
    return wall


def find_near_boxes(
    planes: tuple[np.ndarray, ...], frames: Frames, *, learned: bool = True
) -> Outlines:
    """Outlines for boxes drawn by hand, which may cut a cell or leave room around it.

    Beside the outline that fits the box the best one near it is looked for, and taken where it is
    the more certain one and no side is further from the box than `SLIP`.

    Parameters
    ----------
    planes, learned
        See `find_outlines`.
    frames
        Of the boxes.
    """
    none = np.zeros(len(frames), bool)
    wide = Frames(frames.centres, frames.halves * ROOM + 0.5, none)
    fits = find_outlines(planes, frames, learned=learned)
    near = find_outlines(planes, wide, learned=learned)
    turn = 2 * np.pi * np.arange(ANGLES) / ANGLES
    down, along = near.radii * np.sin(turn), near.radii * np.cos(turn)
    sides = np.stack([down.max(axis=1), -down.min(axis=1), along.max(axis=1), -along.min(axis=1)])
    slip = np.abs(sides * ROOM - 1).max(axis=0)
    other = (near.doubt < fits.doubt) & (slip < SLIP)
    both = other[:, None]
    return Outlines(
        Frames(
            frames.centres,
            np.where(both, wide.halves, frames.halves),
            np.where(other, wide.tight, frames.tight),
        ),
        np.where(both, near.radii, fits.radii),
        np.where(other, near.doubt, fits.doubt),
    )
