"""Tables of a comparison of runs."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import combinations
from typing import Any

from cellwright.evaluate.contest import (
    Bounded,
    ComparedFigure,
    Difference,
    GroupComparison,
    RunComparison,
)
from cellwright.evaluate.verdict import phrase
from cellwright.report.tables import Estimate, Table

_MINUS = "\N{MINUS SIGN}"
_TESTS = (
    "Difference: with its 95 % interval, the same images drawn anew for both runs. p: two-sided, "
    "from swapping the two results of each image; a dash where there is no such test. "
    "Settled for: the run that is better, at the 5 % level."
)


def figures_table(found: RunComparison) -> Table:
    """Every figure, one column a run; for two runs also their difference and its test."""
    columns = ["Figure", *found.runs, "Best value"]
    two = len(found.runs) == 2
    if two:
        columns += [f"{found.ranking[0]} {_MINUS} {found.ranking[1]}", "p", "Settled for"]
    rows = []
    for figure in found.figures:
        row: list[Any] = [named(figure), *(estimate(figure.values[run]) for run in found.runs)]
        row.append(nearest(figure))
        if two:
            difference = figure.difference(*found.ranking)
            row += [estimate(difference), difference.p, verdict(difference)]
        rows.append(tuple(row))
    note = "In brackets 95 % intervals over images." + (f" {_TESTS}" if two else "")
    untested = [f for f in found.figures if all(verdict(d) is None for d in f.differences)]
    if any(f.path.startswith("coco/") for f in untested):
        note += " Average precision of scores alone is not tested: that takes their predictions."
    return Table("Figures of the runs", tuple(columns), tuple(rows), note)


def pairs_table(found: RunComparison) -> Table:
    """Every figure and pair of runs, for three runs and more."""
    rows = tuple(
        (
            named(figure),
            f"{d.first} {_MINUS} {d.second}",
            estimate(d),
            d.p,
            d.p_holm,
            verdict(d),
        )
        for figure in found.figures
        for first, second in combinations(found.ranking, 2)
        for d in [figure.difference(first, second)]
    )
    return Table(
        "Differences of the runs, pair by pair",
        ("Figure", "Pair", "Difference", "p", "p, corrected", "Settled for"),
        rows,
        f"{_TESTS} Corrected: for all pairs of a figure (Holm).",
    )


def tag_table(found: RunComparison, tag: str, groups: Mapping[str, GroupComparison]) -> Table:
    """The main figure by the values of a tag: runs, and the best against each other run."""
    best, *others = found.ranking
    name = found.figure(found.main).name
    columns = (tag, "Images", "True cells", *found.runs)
    columns += tuple(f"{best} {_MINUS} {other}" for other in others)
    rows = tuple(
        (
            value,
            group.images,
            group.truth,
            *(estimate(group.figure.values[run]) for run in found.runs),
            *(estimate(group.figure.difference(best, other)) for other in others),
        )
        for value, group in groups.items()
    )
    return Table(
        f"{name} by {tag}",
        columns,
        rows,
        "In brackets 95 % intervals over the images of the row; parts are looked at, not tested.",
    )


def images_table(found: RunComparison, limit: int = 20) -> Table:
    """The images in which the runs differ most."""
    best, second = found.ranking[:2]
    rows = tuple(
        (
            str(r["name"]),
            r["truth"],
            *(r["values"][run] for run in found.runs),
            _difference(r["values"][best], r["values"][second]),
        )
        for r in most_different(found, limit)
    )
    return Table(
        f"Images with the largest differences in {phrase(image_figure(found))}",
        ("Image", "True cells", *found.runs, f"{best} {_MINUS} {second}"),
        rows,
        f"{len(rows)} of {found.images} images, by the range of the runs' values.",
    )


def most_different(found: RunComparison, limit: int) -> list[Mapping[str, Any]]:
    """Records of the images in which the runs lie furthest apart, the largest range first."""

    def span(record: Mapping[str, Any]) -> float:
        values = [v for v in record["values"].values() if v is not None]
        return max(values) - min(values) if values else 0.0

    return sorted(found.per_image, key=lambda r: -span(r))[:limit]


def image_figure(found: RunComparison) -> str:
    """Name of the figure that images are compared by: the main one where an image has it."""
    first = found.figures[0].name if found.main.startswith("coco/") else ""
    return first or found.figure(found.main).name


def named(figure: ComparedFigure) -> str:
    """Name of a figure, with a word where less is better."""
    return figure.name if figure.best else f"{figure.name} (less is better)"


def nearest(figure: ComparedFigure) -> str | None:
    """The run whose value is nearest to the best one, settled or not; "equal" for a tie."""
    away = {n: abs(v.value - figure.best) for n, v in figure.values.items() if v.value is not None}
    if not away:
        return None
    first = [name for name, distance in away.items() if distance <= min(away.values()) + 1e-12]
    return first[0] if len(first) == 1 else "equal"


def verdict(difference: Difference) -> str | None:
    """The better run, "not settled", or None where nothing was tested."""
    if difference.low is None and difference.p is None:
        return None
    return difference.better or "not settled"


def estimate(bounded: Bounded | Difference) -> Estimate | float | None:
    """A value of the comparison as a cell of a table."""
    if bounded.low is None or bounded.value is None:
        return bounded.value
    return Estimate(bounded.value, bounded.low, bounded.high)


def _difference(one: float | None, other: float | None) -> float | None:
    return None if one is None or other is None else one - other
