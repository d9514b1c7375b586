"""Spotiflow as a second detector of signals, behind the extra ``spots``.

A. Dominguez Mantes et al., "Spotiflow: accurate and efficient spot detection for fluorescence
microscopy with deep stereographic flow regression", Nature Methods 22, 2025 (BSD-3). It brings
places and probabilities; brightness, bleeding and dirt are judged by our own responses there.
"""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module
from importlib.util import find_spec
from typing import Any

import numpy as np

from cellwright.measure.spots import Spots, look_at
from cellwright.peers.packages import MissingPackage

WEIGHTS = "general"


def check_installed() -> None:
    """Refuse to start without the package.

    Raises
    ------
    MissingPackage
        If it is not installed.
    """
    try:
        there = find_spec("spotiflow") is not None
    except ValueError:  # put in place by hand, without a record of where it is from
        there = True
    if not there:
        raise MissingPackage(
            "spotiflow is not installed: `pip install cellwright[spots]`, or take --detector log"
        )


def spotiflow_spots(planes: Sequence[Any], *, width: float = 1.5, weights: str = WEIGHTS) -> Spots:
    """Spots of every channel as Spotiflow finds them, by its own threshold.

    Parameters
    ----------
    planes
        One (row, column) array per channel.
    width
        Standard deviation of a signal in pixels, for what we measure at its places.
    weights
        Name of a pretrained model; Spotiflow fetches it when it is used first.

    Raises
    ------
    MissingPackage
        If the package is not installed.
    """
    check_installed()
    network = import_module("spotiflow.model").Spotiflow.from_pretrained(weights)
    places, channel, score = [], [], []
    for c, plane in enumerate(planes):
        points, details = network.predict(np.asarray(plane, np.float32), verbose=False)
        points = np.asarray(points, float).reshape(-1, 2)
        places.append(points)
        channel.append(np.full(len(points), c))
        found = getattr(details, "prob", None)
        score.append(np.ones(len(points)) if found is None else np.asarray(found, float).ravel())
    return look_at(
        planes,
        np.concatenate(places),
        np.concatenate(channel),
        np.concatenate(score),
        width=width,
    )
