"""FISH signals of a frame: from spots of all channels to counts per nucleus and probe."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from cellwright.measure.bleed import bleed_shares, seen_everywhere, without_bleed
from cellwright.measure.spot_nuclei import joined, owners
from cellwright.measure.spot_threshold import Threshold, signal_threshold
from cellwright.measure.spots import Spots, find_spots
from cellwright.types import InputError, Instances

#: spots whose response grows with the scale to more than this are blobs, not signals
LARGEST = 1.3
#: a spot of which other channels explain more than this is their ghost
_GHOST = 0.6


@dataclass(frozen=True, slots=True, eq=False)
class Signals:
    """Signals of one frame, S of them in N nuclei and C probes.

    Parameters
    ----------
    places
        (S, 2) row and column in pixels.
    probe, nucleus
        (S,) index of the probe and of the nucleus.
    level
        (S,) response in standard deviations of the noise.
    halves
        (S,) spots that the signal was made of: more than 1 if it was split.
    shared
        (S,) whether two nuclei could have it.
    counts
        (N, C) signals of each nucleus.
    thresholds
        One per probe.
    bleed
        (C, C) share of each channel's light seen in each other one.
    left_out
        Spots above the threshold that are no signals: ``ghosts`` of other channels, ``dirt``
        seen in all of them, ``blobs`` larger than a signal.
    """

    places: np.ndarray
    probe: np.ndarray
    nucleus: np.ndarray
    level: np.ndarray
    halves: np.ndarray
    shared: np.ndarray
    counts: np.ndarray
    thresholds: tuple[Threshold, ...]
    bleed: np.ndarray
    left_out: Mapping[str, int]


def count_signals(
    planes: Sequence[Any],
    nuclei: Instances,
    *,
    merge: float,
    pixel_size: tuple[float, float] | None = None,
    width: float = 1.5,
    reach: float = 2.0,
    thresholds: Sequence[float | None] | None = None,
    spots: Spots | None = None,
    trusted: bool = False,
) -> Signals:
    """Find the signals of every probe and give each to a nucleus.

    Parameters
    ----------
    planes
        One (row, column) array per probe; lazy ones are read in strips.
    nuclei
        Nuclei of the frame; masks may overlap.
    merge
        Distance in micrometres up to which spots of one probe in one nucleus are halves of one
        signal; in pixels if `pixel_size` is None.
    pixel_size
        Micrometres, (row, column).
    width
        Standard deviation of a signal in pixels.
    reach
        Pixels beyond the edge of a nucleus in which a signal may still be its own.
    thresholds
        Responses set by hand, one per probe; None finds one (see `signal_threshold`).
    spots
        Spots of another detector; those of `find_spots` by default.
    trusted
        Take all `spots` for signals but ghosts, dirt and blobs: the detector has a threshold of
        its own.

    Raises
    ------
    InputError
        If shapes differ, or thresholds do not match the channels.
    """
    if tuple(planes[0].shape) != nuclei.shape:
        raise InputError(
            f"the nuclei are {nuclei.shape}, the channels are {tuple(planes[0].shape)}; both must "
            "have the same rows and columns"
        )
    given = list(thresholds) if thresholds is not None else [None] * len(planes)
    if len(given) != len(planes):
        raise InputError(f"{len(given)} thresholds came for {len(planes)} channels")
    spots = find_spots(planes, width=width) if spots is None else spots
    owner, shared = owners(spots.places, spots.channel, spots.own, nuclei, reach=reach)
    bleed = bleed_shares(spots)
    inside = owner >= 0
    spots, owner, shared = spots[inside], owner[inside], shared[inside]
    level = without_bleed(spots, bleed)
    own = level[np.arange(len(spots)), spots.channel]
    chosen = tuple(
        signal_threshold(own[spots.channel == c], given=given[c]) for c in range(len(planes))
    )
    least = np.array([t.value for t in chosen])
    raw = spots.own / np.maximum(spots.noise[spots.channel], 1e-9)
    bright = np.ones(len(spots), bool) if trusted else raw > least[spots.channel]
    ghost = bright & (own < (1 - _GHOST) * raw)
    if not trusted:
        ghost |= bright & (own <= least[spots.channel])
    dirt = bright & ~ghost & seen_everywhere(level, spots.channel)
    blob = bright & ~ghost & ~dirt & (spots.size > LARGEST)
    good = np.flatnonzero(bright & ~ghost & ~dirt & ~blob)
    scale = pixel_size or (1.0, 1.0)
    group = owner[good] * len(planes) + spots.channel[good]
    keep, halves = joined(spots.places[good], group, own[good], merge, scale)
    kept = good[keep]
    counts = np.zeros((len(nuclei), len(planes)), int)
    np.add.at(counts, (owner[kept], spots.channel[kept]), 1)
    return Signals(
        spots.places[kept],
        spots.channel[kept],
        owner[kept],
        own[kept],
        halves,
        shared[kept],
        counts,
        chosen,
        bleed,
        {"ghosts": int(ghost.sum()), "dirt": int(dirt.sum()), "blobs": int(blob.sum())},
    )
