"""Light of one channel that is seen in another, and dirt that is seen in all of them.

A ghost lies exactly where a much brighter signal of another channel lies, and is as bright as a
fixed share of it. The share is measured: it is the median, over the strong spots of a channel, of
what the other channel shows there, since signals of two probes rarely coincide. The ghosts' part
is then taken off every response.
"""

from __future__ import annotations

import numpy as np

from cellwright.measure.spots import Spots

_STRONG = 12.0
_LEAST_SPOTS = 10
_MOST_SHARE = 0.5
_DIRT_CHANNELS = 3
_FAINT, _CLEAR, _BRIGHTER = 2.5, 4.5, 2.5
# Mean of the largest of nine neighbouring pixels of noise, in standard deviations.
_NINE = 1.0


def bleed_shares(spots: Spots, *, strong: float = _STRONG) -> np.ndarray:
    """How much of each channel's light is seen in each other one.

    Parameters
    ----------
    spots
        Spots of all channels.
    strong
        Responses, in standard deviations of the noise, from which spots are looked at.

    Returns
    -------
    ndarray
        (C, C): row is the channel whose light it is, column the one it is seen in; 0 on the
        diagonal and where fewer than ten strong spots tell it.
    """
    channels = len(spots.noise)
    shares = np.zeros((channels, channels))
    level = spots.own / np.maximum(spots.noise[spots.channel], 1e-9)
    for source in range(channels):
        picked = spots.light[(spots.channel == source) & (level > strong)]
        if len(picked) < _LEAST_SPOTS:
            continue
        picked = picked[np.argsort(picked[:, source])[len(picked) // 2 :]]
        seen = picked - _NINE * spots.noise
        shares[source] = np.median(seen / picked[:, [source]], axis=0)
        shares[source, source] = 0.0
    return np.clip(shares, 0.0, _MOST_SHARE)


def without_bleed(spots: Spots, shares: np.ndarray) -> np.ndarray:
    """(S, C) responses in standard deviations of the noise, without other channels' light."""
    # The largest of nine pixels of noise is not zero, and nothing bleeds from it.
    pure = spots.light - np.maximum(spots.light - _NINE * spots.noise, 0.0) @ shares
    return pure / np.maximum(spots.noise, 1e-9)


def seen_everywhere(level: np.ndarray, channel: np.ndarray) -> np.ndarray:
    """Whether a spot is dirt: dust and lipofuscin shine in all colours.

    It is seen at least faintly in every channel and clearly in three. A spot that is much brighter
    in its own channel than in all others stays: a signal may lie on dirt.

    Parameters
    ----------
    level
        (S, C) responses as `without_bleed` gives them.
    channel
        (S,) channel that each spot was found in.

    Returns
    -------
    ndarray
        (S,) bool; all False with fewer than three channels, which signals may share.
    """
    if level.shape[1] < _DIRT_CHANNELS:
        return np.zeros(len(level), bool)
    own = level[np.arange(len(level)), channel]
    ordered = np.sort(level, axis=1)
    others = np.where(np.arange(level.shape[1]) == channel[:, None], -np.inf, level).max(axis=1)
    seen = (ordered[:, 0] > _FAINT) & (ordered[:, -_DIRT_CHANNELS] > _CLEAR)
    return np.asarray(seen & (own < _BRIGHTER * others))
