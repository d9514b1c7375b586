"""Sources to a whole page: which sections, in which order, with which share of the bytes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from cellwright.report.dataset_section import dataset_section
from cellwright.report.error_section import error_section
from cellwright.report.freshness import accuracies, stale
from cellwright.report.html import Section, join, page, paragraph
from cellwright.report.model_section import model_section
from cellwright.report.pictures import Track
from cellwright.report.prediction_section import prediction_section
from cellwright.report.score_section import score_section
from cellwright.report.sources import (
    DatasetSource,
    ModelSource,
    PredictionSource,
    ScoresSource,
    Source,
)
from cellwright.report.tables import Table, paper_table, settings_table
from cellwright.report.worst_section import worst_section

PAGE_SIZE = 14_500_000
_STYLE_AND_SCRIPT = 100_000
_ROW = 400
_CROPS = 2_000_000


def document(
    sources: Sequence[Source],
    *,
    track: Track,
    title: str | None = None,
    first_line: str = "",
    paper: Mapping[str, Any] | None = None,
    max_images: int = 100,
) -> tuple[str, tuple[tuple[str, str], ...]]:
    """The page of `sources`.

    Parameters
    ----------
    sources
        What `read_sources` found.
    track
        Shows progress: called with an iterable and a description.
    title
        Title of the page.
    first_line
        Stands above everything else; "" for nothing.
    paper
        Published figures to print beside ours, see `paper_table`.
    max_images
        Images shown at most, shared among the sources that have some.

    Returns
    -------
    str, tuple
        The page, and name and reason of each image that could not be shown.
    """
    name = title or "Cellwright report"
    titles = _titles(sources)
    truths = [s for s in sources if isinstance(s, DatasetSource)]
    scored = [s for s in sources if isinstance(s, ScoresSource)]
    predicted = [s for s in sources if isinstance(s, PredictionSource)]
    sections: list[Section] = []
    failed: tuple[tuple[str, str], ...] = ()
    for scores in scored:
        found, missing = _score_sections(
            scores, predicted, truths, title=next(titles), crops=_CROPS if max_images else 0
        )
        sections += found
        failed += missing
    if paper:
        sections.append(Section("Beside the paper", (paper_table(paper).html(),)))
    drawn_before = frozenset(str(name) for s in predicted for name in s.cells.names)
    needs = [len(s.cells) for s in predicted]
    needs += [len(set(s.dataset.names) - drawn_before) for s in truths]
    counts = shares(needs, max_images)
    rows = sum(len(s.cells) for s in predicted) + sum(len(s.dataset) for s in truths)
    one = picture_share(sections, rows=rows, pictures=sum(counts))
    known = accuracies(predicted, scored)
    for run, values, count in zip(predicted, known, counts[: len(predicted)], strict=True):
        section, missing = prediction_section(
            run,
            truths,
            values,
            max_images=count,
            budget=count * one,
            track=track,
            title=next(titles),
        )
        sections.append(section)
        failed += missing
    sections += [
        model_section(s, title=next(titles)) for s in sources if isinstance(s, ModelSource)
    ]
    for truth, count in zip(truths, counts[len(predicted) :], strict=True):
        section, missing = dataset_section(
            truth,
            max_images=count,
            budget=count * one,
            track=track,
            title=next(titles),
            drawn_before=drawn_before,
        )
        sections.append(section)
        failed += missing
    sections.append(Section("Versions", (versions_table(sources).html(),)))
    made = f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC"
    noun = "source" if len(sources) == 1 else "sources"
    first = [paragraph(first_line, kind="note")] if first_line else []
    lead = join([*first, paragraph(f"Made {made} from {len(sources)} {noun}.", kind="soft")])
    foot = paragraph("Made by Cellwright. This page is one file and loads nothing.")
    return page(name, sections, lead=lead, foot=foot), failed


def _score_sections(
    scores: ScoresSource,
    predicted: Sequence[PredictionSource],
    truths: Sequence[DatasetSource],
    *,
    title: str,
    crops: int,
) -> tuple[list[Section], tuple[tuple[str, str], ...]]:
    """The scores, their errors and the worst cells, in `crops` characters."""
    warnings = stale(scores, [*predicted, *truths])
    errors = error_section(scores, title=title.replace("Scores", "Errors", 1))
    cells, failed = worst_section(
        scores, predicted, truths, title=title.replace("Scores", "Worst cells", 1), budget=crops
    )
    found = [score_section(scores, title=title, warnings=warnings), errors, cells]
    return [section for section in found if section is not None], failed


def picture_share(sections: Sequence[Section], *, rows: int, pictures: int) -> int:
    """Characters that each picture may take, so that the page stays below 15 MB.

    Parameters
    ----------
    sections
        Sections made already; their characters are spent.
    rows
        Rows of the tables of images that are still to come.
    pictures
        Pictures that are still to come.

    Examples
    --------
    >>> picture_share([], rows=100, pictures=100)
    143600
    """
    spent = sum(len(part) for section in sections for part in section.body)
    left = PAGE_SIZE - _STYLE_AND_SCRIPT - spent - _ROW * rows
    return max(0, left) // max(1, pictures)


def shares(needs: Sequence[int], limit: int) -> list[int]:
    """`limit` pictures shared among sources, evenly, and none more than it needs.

    Examples
    --------
    >>> shares([85, 0], 100), shares([200, 10, 200], 100), shares([3, 3], 1)
    ([85, 0], [45, 10, 45], [1, 0])
    """
    given = [0] * len(needs)
    left = limit
    while left > 0 and (open_ := [i for i, n in enumerate(needs) if given[i] < n]):
        part = max(1, left // len(open_))
        for i in open_:
            more = min(part, needs[i] - given[i], left)
            given[i], left = given[i] + more, left - more
    return given


def versions_table(sources: Sequence[Source]) -> Table:
    """Versions that made the models and predictions, and the one that made the page."""
    from cellwright import __version__

    versions: dict[str, Any] = {"report": {"cellwright": __version__}}
    for source in sources:
        if isinstance(source, ModelSource):
            versions[f"model {source.path.name}"] = source.record.get("versions") or {}
        elif isinstance(source, PredictionSource):
            record = dict(source.run.get("versions") or {})
            if source.run.get("processor"):
                record["processor"] = source.run["processor"]
            versions[f"predictions {source.path.name}"] = record
        elif isinstance(source, ScoresSource) and source.scores.get("versions"):
            versions[f"scores {source.path.name}"] = source.scores["versions"]
    return settings_table("Software", {k: v for k, v in versions.items() if v})


def _titles(sources: Sequence[Source]) -> Iterator[str]:
    """Section titles in the order of the page; sources of one kind are told apart by name."""
    order = (
        (ScoresSource, "Scores"),
        (PredictionSource, "Predictions"),
        (ModelSource, "Model"),
        (DatasetSource, "Data set"),
    )
    kinds = Counter(type(source) for source in sources)
    for kind, noun in order:
        for source in sources:
            if isinstance(source, kind):
                yield noun if kinds[kind] == 1 else f"{noun}: {_label(source, sources)}"


def _label(source: Source, sources: Sequence[Source]) -> str:
    """Name of a source; with its folder where another source has the same name."""
    same = [s for s in sources if type(s) is type(source) and s.path.name == source.path.name]
    return source.path.name if len(same) == 1 else f"{source.path.parent.name}/{source.path.name}"
