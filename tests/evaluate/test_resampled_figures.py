"""Figures of many resamples at once are those of each resample on its own."""

from __future__ import annotations

import numpy as np
import pytest

from cellwright.evaluate.aggregated import AGGREGATED
from cellwright.evaluate.boundary import BOUNDARY
from cellwright.evaluate.comparison import Comparison
from cellwright.evaluate.headlines import flatten
from cellwright.evaluate.metric import Metric
from cellwright.evaluate.panoptic import PANOPTIC
from cellwright.evaluate.partition import PARTITION
from cellwright.evaluate.pixel import PIXEL
from cellwright.evaluate.pixel_classes import PIXEL_CLASSES
from cellwright.geometry import from_semantic
from cellwright.types import Instances

NAMES = ("alive", "dead")


def images() -> list[Comparison]:
    """Three images of blocks of two classes, one of nothing, one with a miss only."""
    rng = np.random.default_rng(3)
    found = []
    for _ in range(3):
        sides = [np.kron(rng.random((2, 6, 6)) < 0.3, np.ones((1, 4, 4))) > 0 for _ in range(2)]
        sides[1] |= sides[0]
        found.append(Comparison(*(from_semantic(s, class_names=NAMES) for s in sides)))
    nothing = Instances.empty((24, 24), NAMES)
    return [*found, Comparison(nothing, nothing), Comparison(found[0].truth, nothing)]


METRICS = (PIXEL, PIXEL_CLASSES, PANOPTIC, AGGREGATED, PARTITION, BOUNDARY)


@pytest.mark.parametrize("metric", METRICS, ids=lambda m: m.name)
def test_arrays_of_sums_give_arrays_of_figures(metric: Metric) -> None:
    parts = [metric.count(seen) for seen in images()]
    keys = sorted({k for p in parts for k in p})
    table = np.array([[p.get(k, 0) for k in keys] for p in parts])
    weights = np.array([[1, 1, 1, 1, 1], [0, 2, 1, 0, 1], [0, 0, 0, 1, 0], [0, 0, 0, 0, 2]])
    drawn = weights @ table
    at_once = flatten(metric.divide(dict(zip(keys, drawn.T, strict=True))))
    for n, sums in enumerate(drawn):
        alone = flatten(metric.divide(dict(zip(keys, sums.tolist(), strict=True))))
        assert list(alone) == list(at_once)
        for name, value in alone.items():
            figures = np.broadcast_to(at_once[name], len(weights))
            assert figures[n] == pytest.approx(value, nan_ok=True), name
    assert len({round(float(v), 9) for v in np.ravel(next(iter(at_once.values())))}) > 1
