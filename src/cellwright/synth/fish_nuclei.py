"""Nuclei of a simulated FISH frame: where they lie, what they carry, which signals they hold.

Nothing here is blurred or noisy; `cellwright.synth.fish` makes pictures of it. All lengths are in
pixels, places are (row, column).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from cellwright.synth.placement import Ground
from cellwright.synth.shapes import Body, CellKind, draw_body
from cellwright.types import InputError

#: a nucleus of blood or lung seen flat: nearly round, smooth, a plateau in the middle
NUCLEUS = CellKind((1.0, 1.35), (0.0, 0.06), (2, 5), (0.0, 0.12), (0.4, 0.5), 0.35)
#: kinds of nuclei, and how often an abnormal one is of each
KINDS = ("normal", "gain", "deletion", "CAC")
ABNORMAL_MIX = {"gain": 0.2, "deletion": 0.2, "CAC": 0.6}
# Signals of a gained probe and how often each number is.
_GAINED = ((3, 0.6), (4, 0.3), (5, 0.1))
_PLACE_TRIES = 200


@dataclass(frozen=True, slots=True, eq=False)
class Signals:
    """Signals of a frame, S of them.

    Parameters
    ----------
    places
        (S, 2) float, row and column of the middle.
    probe, nucleus
        (S,) index of the probe, and of the nucleus that holds it.
    """

    places: np.ndarray
    probe: np.ndarray
    nucleus: np.ndarray


def lay_nuclei(
    rng: np.random.Generator,
    *,
    shape: tuple[int, int],
    nuclei: int,
    diameter: float,
    spread: float,
    attached: float,
    growth: np.ndarray,
) -> tuple[list[Body], list[tuple[int, int]], int]:
    """Put nuclei on a canvas that is larger than the field by a margin.

    Parameters
    ----------
    shape
        Rows and columns of the field.
    nuclei
        How many; their middles lie in the field.
    diameter, spread
        Mean diameter, and standard deviation of its logarithm.
    attached
        Share of the nuclei that are put against another one.
    growth
        (nuclei,) factor on the diameter of each.

    Returns
    -------
    bodies, corners, margin
        Outlines with the (row, column) of their windows on the canvas, and its margin.

    Raises
    ------
    InputError
        If they do not fit into the field.
    """
    margin = int(2 * diameter) + 4
    ground = Ground(shape, margin, 0.0)
    for i in range(nuclei):
        body = draw_body(rng, NUCLEUS, diameter * growth[i], spread=spread)
        hosts = list(range(len(ground.bodies)))
        beside = bool(hosts) and rng.random() < attached
        if not (beside and ground.attach(rng, body, hosts, overlapping=False)) and not (
            ground.scatter(rng, body)
        ):
            raise InputError(
                f"{nuclei} nuclei of {diameter:.0f} px do not fit into {shape[0]} x {shape[1]} "
                f"pixels, {i} did: fewer nuclei or a larger frame are wanted"
            )
    return ground.bodies, ground.corners, margin


def draw_kinds(rng: np.random.Generator, nuclei: int, abnormal: float) -> list[str]:
    """Kind of each nucleus: ``round(abnormal * nuclei)`` of them, picked at random, abnormal."""
    kinds = ["normal"] * nuclei
    names, shares = list(ABNORMAL_MIX), list(ABNORMAL_MIX.values())
    for i in rng.permutation(nuclei)[: round(abnormal * nuclei)].tolist():
        kinds[i] = names[int(rng.choice(len(names), p=shares))]
    return kinds


def draw_counts(rng: np.random.Generator, kinds: Sequence[str], probes: int) -> np.ndarray:
    """(nuclei, probes) signals by kind: two each, fewer in one, more in one, or in two or more."""
    counts = np.full((len(kinds), probes), 2)
    numbers, shares = zip(*_GAINED, strict=True)
    for i, kind in enumerate(kinds):
        order = rng.permutation(probes)
        if kind == "deletion":
            counts[i, order[0]] = 1
        elif kind in ("gain", "CAC"):
            least = min(2, probes) if kind == "CAC" else 1
            most = probes if kind == "CAC" else 1
            gained = order[: int(rng.integers(least, most + 1))]
            counts[i, gained] = rng.choice(numbers, size=len(gained), p=shares)
    return counts


def place_signals(
    rng: np.random.Generator,
    bodies: Sequence[Body],
    corners: Sequence[tuple[int, int]],
    counts: np.ndarray,
    *,
    inside: float,
    gap: float,
) -> Signals:
    """Put signals into nuclei, more of them where a nucleus is thick.

    Parameters
    ----------
    bodies, corners
        Nuclei, and (row, column) of their windows.
    counts
        (nuclei, probes) signals.
    inside
        Least distance of a signal from the edge of its nucleus.
    gap
        Least distance between two signals of one probe in a nucleus; 0 lets them coincide.
    """
    places: list[np.ndarray] = []
    owners, probes = [], []
    for i, (body, corner) in enumerate(zip(bodies, corners, strict=True)):
        depth = ndimage.distance_transform_edt(np.pad(body.mask, 1))[1:-1, 1:-1]
        deep = depth >= min(inside, 0.8 * float(depth.max()))
        pixels = np.argwhere(deep)
        weights = body.height[deep].astype(float)
        weights /= weights.sum()
        for probe, wanted in enumerate(counts[i].tolist()):
            found = _apart(rng, pixels, weights, wanted, gap)
            places.append(found + corner)
            owners += [i] * wanted
            probes += [probe] * wanted
    stacked = np.concatenate(places) if places else np.zeros((0, 2))
    return Signals(stacked, np.array(probes, np.int64), np.array(owners, np.int64))


def _apart(
    rng: np.random.Generator, pixels: np.ndarray, weights: np.ndarray, wanted: int, gap: float
) -> np.ndarray:
    """(wanted, 2) places of which no two are nearer than `gap`, as far as there is room."""
    tries = rng.choice(len(pixels), size=_PLACE_TRIES, p=weights)
    drawn = pixels[tries] + rng.uniform(-0.5, 0.5, (_PLACE_TRIES, 2))
    chosen: list[np.ndarray] = []
    for place in drawn:
        if len(chosen) == wanted:
            break
        if all(np.hypot(*(place - other)) >= gap for other in chosen):
            chosen.append(place)
    if len(chosen) < wanted:
        raise InputError(
            f"{wanted} signals {gap:.1f} px apart do not fit into a nucleus: larger nuclei or a "
            "smaller gap are wanted"
        )
    return np.array(chosen).reshape(-1, 2)
