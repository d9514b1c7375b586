"""The step that writes the report: sources in, one HTML page out."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from cellwright.steps.result import Failure, StepResult, write_failures
from cellwright.types import InputError

log = logging.getLogger(__name__)


def report(
    sources: str | Path | Sequence[str | Path],
    output: str | Path,
    *,
    title: str | None = None,
    first_line: str = "",
    paper: Mapping[str, Any] | None = None,
    max_images: int = 100,
    tables: str | Path | None = None,
    quiet: bool = False,
) -> StepResult:
    """Write one self-contained HTML page about models, predictions, scores and data sets.

    Parameters
    ----------
    sources
        Model folders, prediction folders, data-set folders and scores files, in any
        number and mix. Cells of a data set are drawn with the predictions on images
        of the same name.
    output
        The page; its folder is made. An earlier page is replaced when the new one is
        whole.
    title
        Title of the page.
    first_line
        What a reader has to know before anything else, such as on which data figures were got.
    paper
        Published figures to print beside ours:
        ``{"title": ..., "rows": [{"metric", "paper", "ours", "note"}, ...]}``.
    max_images
        Images shown at most; of more, an even spread is shown.
    tables
        Folder that gets each table of the page as NAME.csv, NAME.md and NAME.tex; None for
        none. Tables of an earlier report there are replaced, other files are left alone.
    quiet
        No progress bar.

    Returns
    -------
    StepResult
        `done` counts sources; `failed` lists images that could not be shown; ``details``
        holds ``bytes`` of the page and ``tables``, the number of table files written.

    Raises
    ------
    InputError
        If a source is nothing a report can show, or is damaged, or if files of another
        origin are in the way of the tables.
    """
    from cellwright.formats.atomic import write_text
    from cellwright.report.document import document
    from cellwright.report.sources import read_sources
    from cellwright.report.table_files import write_tables
    from cellwright.steps.progress import track

    paths = [sources] if isinstance(sources, str | Path) else list(sources)
    target = Path(output)
    if target.is_dir():
        raise InputError(f"{target} is a folder: name the page, for example {target}/report.html")
    found = read_sources(paths)
    text, failed = document(
        found,
        title=title,
        first_line=first_line,
        paper=paper,
        max_images=max_images,
        track=lambda frames, label: track(frames, label, quiet=quiet),
    )
    target.parent.mkdir(parents=True, exist_ok=True)
    files = write_tables(text, Path(tables)) if tables is not None else []
    write_text(text, target)
    failures = tuple(Failure(name, message) for name, message in failed)
    for failure in failures:
        log.warning("%s is not shown: %s", failure.path, failure.message)
    write_failures(target, failures)
    details = {"bytes": len(text.encode("utf-8")), "tables": len(files)}
    return StepResult(target, done=len(paths), failed=failures, details=details)
