"""Codec thresholds chosen on the tuning fold: one field after the other, twice round."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

import numpy as np

from cellwright.evaluate.match import THRESHOLDS, MatchCounts, match
from cellwright.types import Instances
from cellwright.zoo.method import with_thresholds


class Seen(Protocol):
    """What a method saw in a frame."""

    def cells(self, method: Any) -> Instances:
        """Its cells by the thresholds of `method`."""
        ...


def tune(
    method: Any,
    seen: Sequence[Seen],
    truth: Sequence[Instances],
    *,
    progress: Callable[[str], None] = lambda message: None,
) -> tuple[Any, dict[str, Any], float]:
    """The method with the best thresholds, these thresholds, and their score.

    Parameters
    ----------
    method
        With any thresholds; the search starts from them.
    seen
        What the method saw in each frame of the fold.
    truth
        The cells of each frame.
    progress
        Told what is tried.

    Returns
    -------
    method, thresholds, score
        The score is TP/(TP+FP+FN), counts summed over frames, averaged over IoU 0.50:0.05:0.95.
    """
    grid: Mapping[str, Sequence[Any]] = type(method.codec).grid
    best = {name: getattr(method.codec, name) for name in grid}

    def score(thresholds: Mapping[str, Any]) -> float:
        trial = with_thresholds(method, thresholds)
        return mean_accuracy([one.cells(trial) for one in seen], truth)

    top = score(best)
    for round_number in (1, 2):
        before = dict(best)
        for name, values in grid.items():
            for value in values:
                if value == best[name]:
                    continue
                trial = score({**best, name: value})
                progress(f"round {round_number}: {name} = {value}: {trial:.4f}, best {top:.4f}")
                if trial > top:
                    top, best = trial, {**best, name: value}
        if best == before:
            break
    return with_thresholds(method, best), best, top


def mean_accuracy(found: Sequence[Instances], truth: Sequence[Instances]) -> float:
    """TP/(TP+FP+FN) with counts summed over frames, averaged over IoU 0.50:0.05:0.95."""
    frames = [match(t, f, THRESHOLDS) for t, f in zip(truth, found, strict=True)]
    return float(np.mean([sum(some, MatchCounts()).accuracy for some in zip(*frames, strict=True)]))
