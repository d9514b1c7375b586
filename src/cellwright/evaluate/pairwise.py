"""Figures of some images for all runs: values, paired resamples, differences and tests."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import combinations
from typing import Any

import numpy as np

from cellwright.evaluate.contest import Bounded, ComparedFigure, Difference
from cellwright.evaluate.headlines import Headline, flatten, look_up
from cellwright.evaluate.metric import Metric
from cellwright.evaluate.metrics import METRICS
from cellwright.evaluate.paired import holm, swap_test
from cellwright.evaluate.resample import LEVEL, draw, interval, total
from cellwright.evaluate.scored_run import ScoredRun
from cellwright.evaluate.scores import defined

logger = logging.getLogger(__name__)

#: Of fewer images no two-sided swap test can reach p < 0.05: 2 / 2^5 is 0.0625.
FEWEST = 6


class Pairwise:
    """Figures, resamples and tests of some images of all runs.

    Parameters
    ----------
    runs
        The runs, of which every one has every image.
    names
        Names of the images.
    resamples, swaps, seed
        See `compare.compare`.
    """

    def __init__(
        self,
        runs: Sequence[ScoredRun],
        names: Sequence[str],
        *,
        resamples: int,
        swaps: int,
        seed: int,
    ) -> None:
        self._runs, self._names = runs, list(names)
        self._swaps, self._seed = swaps, seed
        # one image says nothing of how images differ
        drawn = draw(len(names), resamples, seed=seed) if len(names) > 1 and resamples else None
        self._drawn = drawn
        self._metrics = [m for m in METRICS if all(run.has(m.name) for run in runs)]
        self._rows = {
            m.name: {run.name: run.sums(m.name, names) for run in runs} for m in self._metrics
        }

    def blocks(self, run: ScoredRun) -> dict[str, Any]:
        """All figures of a run over the images."""
        found: dict[str, Any] = {
            "predicted": sum(int(run.record(name)["predicted"]) for name in self._names)
        }
        for metric in self._metrics:
            found[metric.name] = metric.divide(total(self._rows[metric.name][run.name]))
        if coco := run.coco(self._names):
            found["coco"] = coco
        return defined(found)

    def figures(
        self, headlines: Sequence[Headline], *, test: bool = True
    ) -> tuple[ComparedFigure, ...]:
        """Those of the headline figures that every run has."""
        found: dict[str, ComparedFigure] = {}
        for metric in self._metrics:
            of_metric = [h for h in headlines if h.path.split("/")[0] == metric.name]
            if of_metric:
                found |= {f.path: f for f in self._of_metric(metric, of_metric, test)}
        of_coco = [h for h in headlines if h.path.startswith("coco/")]
        if of_coco and len({run.max_detections for run in self._runs}) > 1:
            logger.warning(
                "average precision is not compared: the runs were scored with another number "
                "of detections per image (%s)",
                ", ".join(f"{run.name} {run.max_detections}" for run in self._runs),
            )
        elif of_coco:
            found |= {f.path: f for f in self._of_coco(of_coco)}
        return tuple(found[h.path] for h in headlines if h.path in found)

    def _of_metric(
        self, metric: Metric, headlines: Sequence[Headline], test: bool
    ) -> list[ComparedFigure]:
        rows = self._rows[metric.name]
        values = {n: by_path(metric, total(r)) for n, r in rows.items()}
        headlines = [h for h in headlines if all(h.path in v for v in values.values())]
        spread: dict[str, dict[str, Any]] = {n: {} for n in rows}
        if self._drawn is not None:
            spread = {n: by_path(metric, total(r, self._drawn)) for n, r in rows.items()}

        def nearer(first: Mapping[str, Any], second: Mapping[str, Any]) -> dict[str, Any]:
            one, other = by_path(metric, first), by_path(metric, second)
            return {h.path: _gain(h, one[h.path], other[h.path]) for h in headlines}

        tests: dict[tuple[str, str], dict[str, float]] = {}
        if test:
            tests = {
                (a, b): swap_test(rows[a], rows[b], nearer, swaps=self._swaps, seed=self._seed)
                for a, b in combinations(rows, 2)
            }
        return [
            self._compared(
                h,
                {n: v[h.path] for n, v in values.items()},
                {n: s.get(h.path) for n, s in spread.items()},
                {pair: found[h.path] for pair, found in tests.items()},
            )
            for h in headlines
        ]

    def _of_coco(self, headlines: Sequence[Headline]) -> list[ComparedFigure]:
        values = {run.name: run.coco(self._names) for run in self._runs}
        spread: dict[str, Any] = {}
        if self._drawn is not None:
            spread = {run.name: run.resampled(self._names, self._drawn) for run in self._runs}
        found = []
        for h in headlines:
            keys = h.path.partition("/")[2]
            of_runs = {n: look_up(v, keys) for n, v in values.items()}
            if not any(v is None for v in of_runs.values()):
                lines = {n: look_up(spread.get(n) or {}, keys) for n in values}
                figure = self._compared(h, of_runs, lines, {})
                found.append(replace(figure, values=self._with_own_intervals(figure)))
        return found

    def _with_own_intervals(self, figure: ComparedFigure) -> dict[str, Bounded]:
        """Values, with the intervals of the runs' own scores where there are no others."""
        own = {run.name: run.interval(figure.path, self._names) for run in self._runs}
        return {
            n: v if v.low is not None else Bounded(v.value, *own[n])
            for n, v in figure.values.items()
        }

    def _compared(
        self,
        headline: Headline,
        values: Mapping[str, float],
        spread: Mapping[str, np.ndarray | None],
        tests: Mapping[tuple[str, str], float],
    ) -> ComparedFigure:
        pairs = list(combinations(values, 2))
        tested = [tests.get(pair) for pair in pairs]
        tested = [None if p is None or not np.isfinite(p) else p for p in tested]
        corrected = holm(tested)
        bounded = {n: Bounded(known(v), *_ends(spread.get(n))) for n, v in values.items()}
        return ComparedFigure(
            headline.path,
            headline.name,
            headline.best,
            bounded,
            tuple(
                self._difference(headline, pair, values, spread, p, p_holm, len(pairs))
                for pair, p, p_holm in zip(pairs, tested, corrected, strict=True)
            ),
        )

    def _difference(
        self,
        headline: Headline,
        pair: tuple[str, str],
        values: Mapping[str, float],
        spread: Mapping[str, np.ndarray | None],
        p: float | None,
        p_holm: float | None,
        pairs: int,
    ) -> Difference:
        a, b = pair
        one, other = spread.get(a), spread.get(b)
        both = one is not None and other is not None
        value = known(values[a] - values[b])
        low, high = _ends(_minus(one, other)) if both else (None, None)
        better = None
        if value is not None and len(self._names) >= FEWEST:
            gain = float(_gain(headline, values[a], values[b]))
            ends: tuple[float, float] | None = (gain, gain)
            if both:
                rows = min(len(one), len(other))
                level = LEVEL if p_holm is not None else widened(LEVEL, len(self._names), pairs)
                ends = interval(_gain(headline, one[:rows], other[:rows]), level)
            known_to_differ = p_holm < 1 - LEVEL if p_holm is not None else both
            if known_to_differ and ends is not None:
                better = a if ends[0] > 0 else b if ends[1] < 0 else None
        return Difference(a, b, value, low, high, p, p_holm, better)


def widened(level: float, images: int, pairs: int = 1) -> float:
    """Level of a percentile interval that stands in for a test.

    The percentile interval of few images is too narrow. This is the expanded one of Hesterberg
    (2015), as much wider as Student's t is wider than the normal distribution, and
    divided among `pairs` comparisons (Bonferroni).

    >>> [round(widened(0.95, n), 4) for n in (6, 24, 1000)]
    [0.9951, 0.9654, 0.9504]
    """
    from scipy.special import ndtr, stdtrit

    t = stdtrit(images - 1, (1 - level) / pairs / 2) * (images / (images - 1)) ** 0.5
    return float(1 - 2 * ndtr(t))


def by_path(metric: Metric, sums: Mapping[str, Any]) -> dict[str, Any]:
    """Figures of sums by their paths from the scores down."""
    return flatten(metric.divide(sums), f"{metric.name}/")


def _gain(headline: Headline, one: Any, other: Any) -> Any:
    """How much nearer to the best value the first is."""
    return np.abs(other - headline.best) - np.abs(one - headline.best)


def _minus(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Difference over the resamples that both have: of very large sets there are fewer."""
    rows = min(len(one), len(other))
    return one[:rows] - other[:rows]


def _ends(values: np.ndarray | None) -> tuple[float | None, float | None]:
    ends = None if values is None else interval(values)
    return (None, None) if ends is None else ends


def known(value: Any) -> float | None:
    """A plain number, None if it is not finite."""
    return None if value is None or not np.isfinite(value) else float(value)
