"""Spots of every channel: places that may be signals, with what all channels show there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from cellwright.measure.spot_response import coarse_response, response, response_noise, strips
from cellwright.types import InputError

#: responses below this many standard deviations of noise are not looked at
FLOOR = 2.5
_STRIP = 512
_LEAST_WIDTH = 0.8


@dataclass(frozen=True, slots=True, eq=False)
class Spots:
    """Places that may be signals, S of them, in C channels.

    Parameters
    ----------
    places
        (S, 2) float, row and column of the middle in pixels, finer than a pixel.
    channel
        (S,) index of the channel each was found in.
    light
        (S, C) response of every channel at the place, in grey values: about half the height of
        the spot above its surroundings.
    size
        (S,) coarse over fine response: a small spot has about 0.3, a blob more than 1.
    score
        (S,) what the detector says of it: response over noise, or a network's probability.
    noise
        (C,) standard deviation of the response without spots, in grey values.
    """

    places: np.ndarray
    channel: np.ndarray
    light: np.ndarray
    size: np.ndarray
    score: np.ndarray
    noise: np.ndarray

    def __len__(self) -> int:
        return len(self.places)

    def __getitem__(self, index: np.ndarray) -> Spots:
        """The spots picked by an index array or a boolean array."""
        return Spots(
            self.places[index],
            self.channel[index],
            self.light[index],
            self.size[index],
            self.score[index],
            self.noise,
        )

    @property
    def own(self) -> np.ndarray:
        """(S,) response in the channel each was found in."""
        return self.light[np.arange(len(self)), self.channel]


def find_spots(planes: Sequence[Any], *, width: float = 1.5, floor: float = FLOOR) -> Spots:
    """Local maxima of the scale-normalised LoG of every channel.

    Parameters
    ----------
    planes
        One (row, column) array per channel, all of one shape; lazy ones are read in strips.
    width
        Standard deviation of a signal in pixels, at least 0.8.
    floor
        Least response, in standard deviations of the noise. It only keeps the list short;
        `cellwright.measure.spot_threshold` says what is a signal.

    Returns
    -------
    Spots
        By channel, then by row.

    Raises
    ------
    InputError
        If there is no channel, their shapes differ, or `width` is too small.
    """
    if not len(planes):
        raise InputError("no channel came: at least one is wanted to look for signals")
    shape = tuple(planes[0].shape)
    for n, plane in enumerate(planes):
        if tuple(plane.shape) != shape:
            raise InputError(
                f"channel {n} has shape {tuple(plane.shape)}, the first has {shape}: channels of "
                "one frame must have the same rows and columns"
            )
    if not width >= _LEAST_WIDTH:
        raise InputError(f"a spot width of {width:g} px came: {_LEAST_WIDTH} or more is wanted")
    noise = np.array([response_noise(plane, width) for plane in planes])
    found: list[tuple[np.ndarray, ...]] = []
    for read, own in strips(shape[0], _STRIP, width):
        parts = [np.asarray(plane[read]) for plane in planes]
        maps = [response(part, width) for part in parts]
        for c, part in enumerate(parts):
            rows, cols = _maxima(maps[c], max(floor * noise[c], 1e-6), own)
            if not len(rows):
                continue
            places = np.stack([rows, cols], axis=1) + _finer(maps[c], rows, cols)
            places[:, 0] += read.start
            light = np.stack([_around(m, rows, cols) for m in maps], axis=1)
            light[:, c] = maps[c][rows, cols]
            size = coarse_response(part, width)[rows // 2, cols // 2] / light[:, c]
            found.append((places, np.full(len(rows), c), light, size))
    if not found:
        nothing = np.zeros(0)
        places, light = np.zeros((0, 2)), np.zeros((0, len(planes)))
        return Spots(places, np.zeros(0, int), light, nothing, nothing, noise)
    places, channel, light, size = (np.concatenate(parts) for parts in zip(*found, strict=True))
    order = np.lexsort((places[:, 1], places[:, 0], channel))
    own_light = light[np.arange(len(channel)), channel]
    score = own_light / np.maximum(noise[channel], 1e-9)
    return Spots(places, channel, light.astype(float), size, score, noise)[order]


def look_at(
    planes: Sequence[Any],
    places: np.ndarray,
    channel: np.ndarray,
    score: np.ndarray,
    *,
    width: float = 1.5,
) -> Spots:
    """Spots that another detector found, with what our channels show at their places.

    Parameters
    ----------
    planes
        As in `find_spots`.
    places, channel, score
        (S, 2), (S,) and (S,): where, in which channel, how sure.
    width
        Standard deviation of a signal in pixels.
    """
    noise = np.array([response_noise(plane, width) for plane in planes])
    places = np.asarray(places, float).reshape(-1, 2)
    light, size = np.zeros((len(places), len(planes))), np.zeros(len(places))
    shape = planes[0].shape
    row = np.clip(np.rint(places[:, 0]).astype(int), 0, shape[0] - 1)
    column = np.clip(np.rint(places[:, 1]).astype(int), 0, shape[1] - 1)
    for read, own in strips(shape[0], _STRIP, width):
        start = read.start + own.start
        here = np.flatnonzero((row >= start) & (row < read.start + own.stop))
        if not len(here):
            continue
        rows, cols = row[here] - read.start, column[here]
        for c, plane in enumerate(planes):
            part = np.asarray(plane[read])
            light[here, c] = _around(response(part, width), rows, cols)
            mine = channel[here] == c
            coarse = coarse_response(part, width)[rows[mine] // 2, cols[mine] // 2]
            size[here[mine]] = coarse / np.maximum(light[here[mine], c], 1e-9)
    return Spots(places, np.asarray(channel, int), light, size, np.asarray(score, float), noise)


def _maxima(found: np.ndarray, least: float, own: slice) -> tuple[np.ndarray, np.ndarray]:
    """Pixels of the strip's own rows above `least` that no neighbour exceeds."""
    rows, cols = np.nonzero(found[own] > least)
    rows = rows + own.start
    values = found[rows, cols]
    top = np.ones(len(rows), bool)
    for down in (-1, 0, 1):
        for across in (-1, 0, 1):
            if down or across:
                near = found[
                    np.clip(rows + down, 0, found.shape[0] - 1),
                    np.clip(cols + across, 0, found.shape[1] - 1),
                ]
                # Of equal neighbours the first one in reading order counts.
                same = (rows + down >= 0) & (cols + across >= 0)
                same &= (rows + down < found.shape[0]) & (cols + across < found.shape[1])
                later = (down, across) > (0, 0)
                top &= (values >= near if later else values > near) | ~same
    # At the edge of the frame it is not known whether the light still rises beyond it.
    top &= (rows > 0) & (cols > 0) & (rows < found.shape[0] - 1) & (cols < found.shape[1] - 1)
    return rows[top], cols[top]


def _finer(found: np.ndarray, rows: np.ndarray, cols: np.ndarray) -> np.ndarray:
    """(S, 2) shift from the middle of the pixel to that of the parabola through three pixels."""
    shift = np.zeros((len(rows), 2))
    middle = found[rows, cols]
    for axis, (place, step) in enumerate(((rows, (1, 0)), (cols, (0, 1)))):
        inside = (place > 0) & (place < found.shape[axis] - 1)
        r, c = rows[inside], cols[inside]
        before, after = found[r - step[0], c - step[1]], found[r + step[0], c + step[1]]
        bend = 2 * middle[inside] - before - after
        with np.errstate(divide="ignore", invalid="ignore"):
            move = np.where(bend > 0, 0.5 * (after - before) / bend, 0.0)
        shift[inside, axis] = np.clip(move, -0.5, 0.5)
    return shift


def _around(found: np.ndarray, rows: np.ndarray, cols: np.ndarray) -> np.ndarray:
    """Largest value within a pixel: channels may be shifted against each other by so much."""
    best = found[rows, cols].copy()
    for down in (-1, 0, 1):
        for across in (-1, 0, 1):
            r = np.clip(rows + down, 0, found.shape[0] - 1)
            c = np.clip(cols + across, 0, found.shape[1] - 1)
            np.maximum(best, found[r, c], out=best)
    return best
