"""Runs on the same images compared: differences, their intervals, tests, ranking.

The runs share the images, and an image that is hard for one is hard for the other; so images
are drawn, and swapped, together for both runs of a pair. That is why a difference may be
settled although the intervals of the two values overlap.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import combinations
from typing import Any

from cellwright.evaluate.coco import AveragePrecision
from cellwright.evaluate.contest import (
    Bounded,
    ComparedFigure,
    Difference,
    GroupComparison,
    RunComparison,
)
from cellwright.evaluate.groups import group
from cellwright.evaluate.headlines import HEADLINES, Headline
from cellwright.evaluate.metrics import METRICS
from cellwright.evaluate.paired import SWAPS, exact
from cellwright.evaluate.pairwise import Pairwise, by_path, known
from cellwright.evaluate.resample import LEVEL, RESAMPLES
from cellwright.evaluate.scored_run import ScoredRun, shared_images
from cellwright.evaluate.scores import Scores
from cellwright.types import InputError

MAIN = HEADLINES[0].path


def compare(
    runs: Mapping[str, Scores],
    *,
    gathered: Mapping[str, AveragePrecision] | None = None,
    by: Sequence[str] = (),
    main: str = MAIN,
    resamples: int = RESAMPLES,
    swaps: int = SWAPS,
    seed: int = 0,
) -> RunComparison:
    """Compare the scores of two or more runs on the images they share.

    Each headline figure is divided from the summed sums of the shared images, of each run.
    Its differences between runs have a 95 % percentile bootstrap interval, for which the same
    images are drawn for both, and a two-sided p by swapping the results of each image
    (`paired.swap_test`), corrected for all pairs of runs (Holm 1979).

    COCO average precision is no ratio of sums. With `gathered` it has a paired interval, and
    no p: swapped images would mix the confidences of two runs, which need not be on one
    scale, in one ranking. Without, its values are compared if every run was scored on just
    the shared images, and have no interval. A difference without a p is settled by a wider
    interval instead (`pairwise.widened`).

    Parameters
    ----------
    runs
        Name -> scores of each run.
    gathered
        Name -> what the run's `Scorer` has gathered (``scorer.precision``), its images in the
        order of ``scores.per_image``.
    by
        Tags by whose values the main figure is compared too; with intervals, untested.
    main
        Path of the headline figure that ranks the runs.
    resamples
        Of the images, for the intervals; 0 for none.
    swaps
        Random swaps of the test; all ways to swap are tried where they are no more.
    seed
        Of the resamples and swaps.

    Returns
    -------
    RunComparison

    Raises
    ------
    InputError
        If there are fewer than two runs, one holds no sums of its images, they share no
        image, the truth of a shared image differs, or a figure or tag is not known.

    Examples
    --------
    >>> import numpy as np
    >>> from cellwright.evaluate.scorer import score
    >>> from cellwright.types import Instances
    >>> cell = Instances((4, 4), [[0, 0, 2, 2]], [np.ones((2, 2))])
    >>> good = score([(name, cell, cell) for name in "abcdef"])
    >>> bad = score([(name, cell, Instances.empty((4, 4))) for name in "abcdef"])
    >>> found = compare({"good": good, "bad": bad}).figures[0].differences[0]
    >>> found.value, found.p, found.better
    (1.0, 0.03125, 'good')
    """
    if len(runs) < 2:
        raise InputError(f"{len(runs)} run came to be compared: two or more are wanted")
    ahead = {h.path: h for h in HEADLINES}
    if main not in ahead:
        raise InputError(f"there is no figure {main!r} to compare: known are {', '.join(ahead)}")
    held = [ScoredRun(n, s, (gathered or {}).get(n)) for n, s in runs.items()]
    names, missing = shared_images(held)
    work = Pairwise(held, names, resamples=resamples, swaps=swaps, seed=seed)
    figures = work.figures(HEADLINES)
    ranked = next((f for f in figures if f.path == main), None)
    if ranked is None:
        raise InputError(
            f"not every run has {main!r}: run evaluate again with this Cellwright, or choose one "
            f"of {', '.join(f.path for f in figures) or 'none'}"
        )
    records = [held[0].record(name) for name in names]
    tags = [_first_tags(held, name) for name in names]
    facts = [_facts(record) for record in records]
    found = {tag: _grouped(tag, tags, facts) for tag in by}
    return RunComparison(
        runs=tuple(runs),
        images=len(names),
        truth=sum(int(r["truth"]) for r in records),
        main=main,
        ranking=_ranking(ranked),
        figures=figures,
        by={
            tag: {
                value: _group(held, [names[k] for k in images], ahead[main], resamples, seed)
                for value, images in groups.items()
            }
            for tag, groups in found.items()
        },
        missing={name: lost for name, lost in missing.items() if lost},
        scores={run.name: work.blocks(run) for run in held},
        curves={r.name: c for r in held if (c := r.curves(names))},
        per_image=tuple(_per_image(held, names, main)),
        settings={
            "resamples": resamples,
            "swaps": 2 ** len(names) if exact(len(names), swaps) else swaps,
            "exact": exact(len(names), swaps),
            "seed": seed,
            "level": LEVEL,
        },
    )


def _group(
    runs: Sequence[ScoredRun], names: Sequence[str], headline: Headline, resamples: int, seed: int
) -> GroupComparison:
    work = Pairwise(runs, names, resamples=resamples, swaps=0, seed=seed)
    found = work.figures([headline], test=False)
    if found:  # parts are looked at, not tested
        looked_at = tuple(replace(d, better=None) for d in found[0].differences)
        figure = replace(found[0], differences=looked_at)
    else:  # average precision of these images, without the detections of the runs
        nothing = {run.name: Bounded(None) for run in runs}
        pairs = tuple(Difference(a, b, None) for a, b in combinations(nothing, 2))
        figure = ComparedFigure(headline.path, headline.name, headline.best, nothing, pairs)
    truth = sum(int(runs[0].record(name)["truth"]) for name in names)
    return GroupComparison(len(names), truth, figure)


def _per_image(runs: Sequence[ScoredRun], names: Sequence[str], main: str) -> list[dict[str, Any]]:
    path = MAIN if main.startswith("coco/") else main
    metric = next(m for m in METRICS if m.name == path.split("/")[0])
    return [
        {
            "name": name,
            "truth": int(runs[0].record(name)["truth"]),
            "values": {
                run.name: known(by_path(metric, run.record(name)["sums"][metric.name])[path])
                for run in runs
            },
        }
        for name in names
    ]


def _ranking(figure: ComparedFigure) -> tuple[str, ...]:
    """Runs by the distance of the figure from its best value; undefined ones last."""

    def away(name: str) -> float:
        value = figure.values[name].value
        return float("inf") if value is None else abs(value - figure.best)

    return tuple(sorted(figure.values, key=away))


def _grouped(
    tag: str, tags: Sequence[Mapping[str, Any]], facts: Sequence[Mapping[str, float]]
) -> dict[str, list[int]]:
    try:
        return group(tag, tags, facts)
    except KeyError as error:
        raise InputError(
            f"the scores do not hold the {tag} of each image: run evaluate again with this "
            "Cellwright, or give the predictions and the truth"
        ) from error


def _first_tags(runs: Sequence[ScoredRun], name: str) -> Mapping[str, Any]:
    return next((tags for run in runs if (tags := run.record(name).get("tags"))), {})


def _facts(record: Mapping[str, Any]) -> dict[str, float]:
    """What `groups.describe` says of an image, as far as its record holds it."""
    facts = dict(record.get("facts") or {})
    pixels = sum(record["sums"].get("pixel", {}).get(k, 0) for k in ("tp", "fp", "fn", "tn"))
    if pixels:
        facts.setdefault("density", float(record["truth"]) / pixels * 1e6)
    return facts
