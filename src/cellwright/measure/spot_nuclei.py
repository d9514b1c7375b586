"""Which nucleus a spot belongs to, and two halves of one signal as one."""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from cellwright.types import Instances

# A brightness that differs by this factor (log) weighs as much as one pixel of distance.
_LOG_LIGHT = 0.7


def depths(places: np.ndarray, nuclei: Instances, *, reach: float) -> tuple[np.ndarray, ...]:
    """Spots in or near nuclei, and how deep they lie.

    Parameters
    ----------
    places
        (S, 2) row and column.
    nuclei
        Nuclei, which may overlap.
    reach
        Pixels beyond the edge of a nucleus up to which a spot may still be its own.

    Returns
    -------
    spot, nucleus, depth
        (P,) pairs: indices, and pixels from the edge of the nucleus, positive inside.
    """
    order = np.argsort(places[:, 0], kind="stable")
    rows = places[order, 0]
    pad = int(np.ceil(reach)) + 1
    spots, owners, found = [], [], []
    for i, ((row0, col0, row1, col1), mask) in enumerate(
        zip(nuclei.boxes.tolist(), nuclei.masks, strict=True)
    ):
        first, last = np.searchsorted(rows, (row0 - reach - 0.5, row1 + reach - 0.5))
        near = order[first:last]
        across = places[near, 1]
        near = near[(across >= col0 - reach - 0.5) & (across <= col1 + reach - 0.5)]
        if not len(near) or not mask.any():
            continue
        wide = np.pad(mask, pad)
        at = np.rint(places[near]).astype(int) - (row0 - pad, col0 - pad)
        at = np.clip(at, 0, np.array(wide.shape) - 1)
        inside = wide[at[:, 0], at[:, 1]]
        depth = np.empty(len(near))
        if inside.any():
            depth[inside] = ndimage.distance_transform_edt(wide)[tuple(at[inside].T)] - 0.5
        if not inside.all():
            depth[~inside] = 0.5 - ndimage.distance_transform_edt(~wide)[tuple(at[~inside].T)]
        close = depth >= -reach
        spots.append(near[close])
        owners.append(np.full(int(close.sum()), i))
        found.append(depth[close])
    if not spots:
        return np.zeros(0, int), np.zeros(0, int), np.zeros(0)
    return np.concatenate(spots), np.concatenate(owners), np.concatenate(found)


def owners(
    places: np.ndarray,
    channel: np.ndarray,
    light: np.ndarray,
    nuclei: Instances,
    *,
    reach: float = 2.0,
    unsure: float = 1.0,
) -> tuple[np.ndarray, np.ndarray]:
    """Nucleus of each spot; one at a shared border goes where it lies deeper and fits better.

    Where two nuclei are equally near to within `unsure` pixels, a spot goes to the one whose
    other signals of the same probe are as bright as it is.

    Parameters
    ----------
    places, channel, light
        (S, 2), (S,) and (S,): where, which probe, how bright.
    nuclei
        Nuclei, which may overlap.
    reach
        See `depths`.
    unsure
        Pixels of depth that brightness may outweigh.

    Returns
    -------
    owner, shared
        (S,) index of the nucleus, -1 for none; whether two could have it.
    """
    owner = np.full(len(places), -1)
    shared = np.zeros(len(places), bool)
    spot, nucleus, depth = depths(places, nuclei, reach=reach)
    if not len(spot):
        return owner, shared
    order = np.lexsort((-depth, spot))
    spot, nucleus, depth = spot[order], nucleus[order], depth[order]
    start = np.flatnonzero(np.diff(spot, prepend=-1))
    count = np.diff(start, append=len(spot))
    owner[spot[start]] = nucleus[start]
    second = start[count > 1] + 1
    near = depth[second - 1] - depth[second] <= unsure
    shared[spot[second[near]]] = True
    usual = _usual_light(owner, shared, channel, light)
    for at in second[near].tolist():
        here = spot[at]
        scores = []
        for k in (at - 1, at):
            other = usual.get((int(nucleus[k]), int(channel[here])))
            unlike = 0.0 if other is None else abs(np.log(max(light[here], 1e-9) / other))
            scores.append(depth[k] - unsure * min(unlike / _LOG_LIGHT, 1.0))
        owner[here] = nucleus[at - 1 if scores[0] > scores[1] else at]
    return owner, shared


def _usual_light(
    owner: np.ndarray, shared: np.ndarray, channel: np.ndarray, light: np.ndarray
) -> dict[tuple[int, int], float]:
    """Median brightness of the sure signals of each nucleus and probe."""
    sure = (owner >= 0) & ~shared & (light > 0)
    groups: dict[tuple[int, int], list[float]] = {}
    for cell, probe, value in zip(
        owner[sure].tolist(), channel[sure].tolist(), light[sure].tolist(), strict=True
    ):
        groups.setdefault((cell, probe), []).append(value)
    return {key: float(np.median(values)) for key, values in groups.items()}


def joined(
    places: np.ndarray,
    group: np.ndarray,
    light: np.ndarray,
    distance: float,
    scale: tuple[float, float] = (1.0, 1.0),
) -> tuple[np.ndarray, np.ndarray]:
    """One signal of spots of one group that lie within `distance`: halves of a split signal.

    The brightest spot takes in what is near it, then the next one that is left, so that a chain
    of spots does not become one.

    Parameters
    ----------
    places, group, light
        (S, 2), (S,) and (S,): where, which nucleus and probe, how bright.
    distance
        Largest distance between parts of one signal, in units of `scale`.
    scale
        Size of a pixel, (row, column).

    Returns
    -------
    keep, halves
        Indices of the spots that stand for a signal, and how many spots each takes in.
    """
    order = np.lexsort((-light, group))
    keep, halves = [], []
    points = places * np.asarray(scale)
    starts = np.flatnonzero(np.diff(group[order], prepend=np.nan) != 0)
    for members in np.split(order, starts[1:]) if len(order) else []:
        left = members
        while len(left):
            near = np.hypot(*(points[left] - points[left[0]]).T) <= distance
            keep.append(int(left[0]))
            halves.append(int(near.sum()))
            left = left[~near]
    return np.array(keep, int), np.array(halves, int)
