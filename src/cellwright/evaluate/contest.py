"""The record of a comparison of runs: figures, differences, tests, and its JSON form."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from cellwright.evaluate.scores import defined

COMPARISON_SCHEMA = 1


@dataclass(frozen=True, slots=True)
class Bounded:
    """A value with its 95 % interval; each None where it is not defined or not known."""

    value: float | None
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True, slots=True)
class Difference:
    """How much one run differs from another in one figure.

    Parameters
    ----------
    first, second
        Names of the runs.
    value, low, high
        First minus second, and its paired 95 % bootstrap interval over images; None where it
        is not defined or cannot be known.
    p
        Two-sided p of the swap test; None where there is none.
    p_holm
        The same corrected for all pairs of runs of this figure (Holm 1979).
    better
        Name of the run that is nearer to the best value if that is settled: there are six
        images or more, the interval (if any) does not hold zero, and the corrected p is below
        0.05; where there is no p, a wider interval does not hold zero. None otherwise.
    """

    first: str
    second: str
    value: float | None
    low: float | None = None
    high: float | None = None
    p: float | None = None
    p_holm: float | None = None
    better: str | None = None


@dataclass(frozen=True, slots=True)
class ComparedFigure:
    """One figure of all runs.

    Parameters
    ----------
    path, name, best
        As in `headlines.Headline`.
    values
        Run -> its value over the shared images.
    differences
        One per pair of runs, in the order in which the runs came.
    """

    path: str
    name: str
    best: float
    values: Mapping[str, Bounded]
    differences: tuple[Difference, ...]

    def difference(self, first: str, second: str) -> Difference:
        """The difference of two runs, in whatever order they are asked for."""
        for found in self.differences:
            if (found.first, found.second) == (first, second):
                return found
            if (found.first, found.second) == (second, first):
                return turned(found)
        raise KeyError(f"{first}, {second}")


@dataclass(frozen=True, slots=True)
class GroupComparison:
    """The main figure in the images of one value of a tag."""

    images: int
    truth: int
    figure: ComparedFigure


@dataclass(frozen=True, slots=True)
class RunComparison:
    """What `cellwright compare` says of some runs.

    Parameters
    ----------
    runs
        Names of the runs, in the order in which they came.
    images, truth
        Number of images that all runs share, and of true cells in them.
    main
        Path of the figure that ranks the runs.
    ranking
        Names of the runs, the best first by the main figure.
    figures
        Every headline figure that all runs have.
    by
        Tag -> value -> the main figure in these images.
    missing
        Run -> images that another run has and it has not; they are not compared.
    scores
        Run -> all blocks of its figures over the shared images, as in the scores.
    curves
        Run -> precision over recall, as in the scores, where it is known of these images.
    per_image
        One record per shared image: name, truth, and "values", run -> the main figure of the
        image (of accuracy at IoU 0.50 where the main one has no value for one image).
    settings
        resamples, swaps, seed, level, whether the swap test is exact.
    versions
        Versions of the software that made it.
    """

    runs: tuple[str, ...]
    images: int
    truth: int
    main: str
    ranking: tuple[str, ...]
    figures: tuple[ComparedFigure, ...]
    by: Mapping[str, Mapping[str, GroupComparison]] = field(default_factory=dict)
    missing: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    scores: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    curves: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    per_image: tuple[Mapping[str, Any], ...] = ()
    settings: Mapping[str, Any] = field(default_factory=dict)
    versions: Mapping[str, str] = field(default_factory=dict)
    schema_version: int = COMPARISON_SCHEMA

    def figure(self, path: str) -> ComparedFigure:
        """The figure of that path; KeyError if it was not compared."""
        for found in self.figures:
            if found.path == path:
                return found
        raise KeyError(path)

    def to_json(self) -> dict[str, Any]:
        """The comparison as plain dicts, lists, numbers and strings; no NaN in them."""
        record = asdict(self)
        return defined({"schema_version": record.pop("schema_version"), **record})


def turned(found: Difference) -> Difference:
    """The same difference with the runs in the other order.

    >>> turned(Difference("a", "b", 0.5, 0.25, 0.75)).low
    -0.75
    """
    value, low, high = (None if x is None else -x for x in (found.value, found.high, found.low))
    return Difference(
        found.second, found.first, value, low, high, found.p, found.p_holm, found.better
    )
