"""Scores gathered one image at a time; only sums and short records of detections are kept."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from cellwright.evaluate.analysis import Analysis
from cellwright.evaluate.coco import COCO_AREAS, MAX_DETECTIONS, AveragePrecision
from cellwright.evaluate.comparison import Comparison
from cellwright.evaluate.groups import describe, group
from cellwright.evaluate.metric import Metric
from cellwright.evaluate.metrics import METRICS
from cellwright.evaluate.resample import RESAMPLES, draw, intervals, total
from cellwright.evaluate.scores import Scores, defined
from cellwright.evaluate.worst import Worst
from cellwright.types import InputError, Instances, Tag

_SHOWN = ("pixel", "matching")


@dataclass(frozen=True, slots=True)
class _Entry:
    """The sums of one image."""

    name: str
    tags: dict[str, Tag]
    facts: dict[str, float]
    truth: int
    predicted: int
    sums: dict[str, dict[str, float]]


class Scorer:
    """Gathers images one at a time and gives their `Scores`.

    Parameters
    ----------
    by
        Tags to group by; "density" and "size" are computed where no image has such a tag.
    metrics
        What is counted.
    coco
        Whether COCO average precision is computed too.
    max_detections, areas
        See `AveragePrecision`.
    errors
        Whether the errors are analysed: scores of corrected predictions, and the worst cells.
        It takes about as long as ten evaluations.
    resamples
        Resamples of the images for the 95 % intervals; 0 for none.
    seed
        Of the resampling.

    Examples
    --------
    >>> cell = Instances((4, 4), [[0, 0, 2, 2]], [[[True, True], [True, True]]])
    >>> scorer = Scorer(coco=False)
    >>> scorer.add("a", cell, cell)
    >>> scorer.add("b", cell, Instances.empty((4, 4)))
    >>> scores = scorer.result()
    >>> scores.matching["0.50"]["accuracy"], scores.pixel["recall"]
    (0.5, 0.5)
    """

    def __init__(
        self,
        *,
        by: Sequence[str] = (),
        metrics: Sequence[Metric] = METRICS,
        coco: bool = True,
        max_detections: int = MAX_DETECTIONS,
        areas: Mapping[str, tuple[float, float]] = COCO_AREAS,
        errors: bool = False,
        resamples: int = RESAMPLES,
        seed: int = 0,
    ) -> None:
        self.by, self.metrics = tuple(by), tuple(metrics)
        self.precision = (
            AveragePrecision(max_detections=max_detections, areas=areas) if coco else None
        )
        self._analysis = Analysis(max_detections=max_detections, areas=areas) if errors else None
        self._worst = Worst() if errors else None
        self._resamples, self._seed = int(resamples), int(seed)
        self._settings = {
            "max_detections": max_detections,
            "areas": {name: list(bounds) for name, bounds in areas.items()},
            "resamples": self._resamples,
            "seed": self._seed,
        }
        self._entries: list[_Entry] = []

    def __len__(self) -> int:
        return len(self._entries)

    def add(
        self,
        name: str,
        truth: Instances,
        pred: Instances,
        *,
        tags: Mapping[str, Tag] | None = None,
    ) -> None:
        """Add one image.

        Raises
        ------
        InputError
            If the frames differ or a class is predicted that the truth does not have; the
            message names the image, and the image is not counted.
        """
        try:
            seen = Comparison(truth, pred)
            sums = {metric.name: metric.count(seen) for metric in self.metrics}
            if self.precision is not None:
                self.precision.add_comparison(seen)
            if self._analysis is not None and self._worst is not None:
                self._analysis.add(seen)
                self._worst.add(name, seen)
        except InputError as error:
            raise InputError(f"{name}: {error}") from error
        self._entries.append(
            _Entry(name, dict(tags or {}), describe(truth), len(truth), len(pred), sums)
        )

    def result(self) -> Scores:
        """The scores of all images added so far.

        Raises
        ------
        InputError
            If there are none, or a tag of `by` is known of no image.
        """
        if not self._entries:
            raise InputError("there is no image to score")
        tags, facts = [e.tags for e in self._entries], [e.facts for e in self._entries]
        groups = {tag: group(tag, tags, facts) for tag in self.by}
        whole = self._summary(range(len(self._entries)))
        own = {k: whole.pop(k) for k in ("images", "truth", "predicted", "intervals")}
        return Scores(
            **own,
            figures=whole,
            curves=self.precision.curves() if self.precision is not None else {},
            by={
                tag: {value: self._summary(images) for value, images in found.items()}
                for tag, found in groups.items()
            },
            per_image=[self._record(e) for e in self._entries],
            analysis=self._analysis.rows() if self._analysis is not None else [],
            worst_cells=self._worst.cells() if self._worst is not None else [],
            settings=self._settings,
        )

    def _record(self, entry: _Entry) -> dict[str, Any]:
        shown = {m.name: m.divide(entry.sums[m.name]) for m in self.metrics if m.name in _SHOWN}
        return defined(
            {
                "name": entry.name,
                "tags": entry.tags,
                "facts": entry.facts,
                "truth": entry.truth,
                "predicted": entry.predicted,
                **shown,
                "sums": entry.sums,
            }
        )

    def _summary(self, images: Iterable[int]) -> dict[str, Any]:
        """Figures and intervals of some images."""
        chosen = list(images)
        entries = [self._entries[k] for k in chosen]
        # one image says nothing of how images differ
        drawn = draw(len(chosen), self._resamples, seed=self._seed) if len(chosen) > 1 else None
        figures: dict[str, Any] = {}
        spread: dict[str, Any] = {}
        for metric in self.metrics:
            rows = [e.sums[metric.name] for e in entries]
            figures[metric.name] = metric.divide(total(rows))
            if drawn is not None and self._resamples:
                spread[metric.name] = metric.divide(total(rows, drawn))
        if self.precision is not None:
            figures["coco"] = self.precision.figures(chosen)
            if drawn is not None and self._resamples:
                spread["coco"] = self.precision.resampled(drawn, chosen)
        return defined(
            {
                "images": len(entries),
                "truth": sum(e.truth for e in entries),
                "predicted": sum(e.predicted for e in entries),
                **figures,
                "intervals": intervals(spread),
            }
        )


def score(images: Iterable[tuple[str, Instances, Instances]], *, coco: bool = True) -> Scores:
    """Scores of (name, truth, prediction) triples.

    >>> cell = Instances((4, 4), [[0, 0, 2, 2]], [[[True, True], [True, True]]])
    >>> score([("a", cell, cell)], coco=False).matching["mean"]["accuracy"]
    1.0
    """
    scorer = Scorer(coco=coco)
    for name, truth, pred in images:
        scorer.add(name, truth, pred)
    return scorer.result()
