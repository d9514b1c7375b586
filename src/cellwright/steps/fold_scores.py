"""The fold of a training: scored now and then for the curve, and tuned on at the end."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from cellwright.formats.dataset import Dataset
    from cellwright.zoo.checkpoint import ModelCard

log = logging.getLogger(__name__)

#: pixels of the fold that thresholds are tuned on at most: of maps, and where each cell is drawn
#: by itself, which takes several times as long
TUNING_PIXELS, TUNING_PIXELS_OF_CELLS = 12_000_000, 2_000_000
#: pixels of the fold that are scored while training, for the curve
WATCHED_PIXELS = 500_000


def watched(method: Any, card: ModelCard, fold: Dataset, *, device: str) -> dict[str, float]:
    """Accuracy on some of the fold with the thresholds as they are."""
    from cellwright.evaluate.match import MatchCounts, match
    from cellwright.predict import predictor_for

    chosen = _within(fold, WATCHED_PIXELS)
    images = [fold.image(i) for i in chosen]
    found = predictor_for(method, card, device=device).segment_many(images)
    frames = [match(fold.instances(i), f, (0.5, 0.75)) for i, f in zip(chosen, found, strict=True)]
    at50, at75 = (sum(some, MatchCounts()).accuracy for some in zip(*frames, strict=True))
    return {"fold_accuracy50": at50, "fold_accuracy75": at75}


def _within(fold: Dataset, limit: int) -> list[int]:
    """Images of the fold that have together no more than `limit` pixels; at least one."""
    chosen: list[int] = []
    pixels = 0
    for i in range(len(fold)):
        rows, cols = fold.shape(i)
        if chosen and pixels + rows * cols > limit:
            continue
        chosen.append(i)
        pixels += rows * cols
    return chosen


def tuned(
    method: Any, card: ModelCard, fold: Dataset, *, device: str, quiet: bool
) -> tuple[Any, dict[str, Any], dict[str, Any]]:
    """Thresholds tuned on the fold, and the fold's scores with them."""
    from cellwright.predict import predictor_for
    from cellwright.steps.progress import track
    from cellwright.train.tune import tune
    from cellwright.zoo.instance import least_score
    from cellwright.zoo.method import DenseMethod

    maps = isinstance(method, DenseMethod)
    chosen = _within(fold, TUNING_PIXELS if maps else TUNING_PIXELS_OF_CELLS)
    predictor = predictor_for(method, card, device=device)
    bar = track(chosen, "tuning", quiet=quiet)
    least = min((least_score(method.codec), *type(method.codec).grid.get("score", ())))
    seen = [predictor.evidence([fold.image(i)], least=least)[0] for i in bar]
    truth = [fold.instances(i) for i in chosen]
    method, thresholds, score = tune(method, seen, truth, progress=log.debug)
    for one in seen:
        one.close()
    cells = sum(len(t) for t in truth)
    return (
        method,
        thresholds,
        {"mean_accuracy": score, "images": len(chosen), "cells": cells, "on": "tuning fold"},
    )
