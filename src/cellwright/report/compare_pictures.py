"""Images with the cells of the truth and of each run, side by side."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from cellwright.evaluate.verdict import phrase
from cellwright.report.html import Html, heading, paragraph
from cellwright.report.pictures import Frame, Track, draw_gallery, switches
from cellwright.report.tables import shown
from cellwright.types import Image, Instances


@dataclass(frozen=True, slots=True)
class Sheet:
    """One image as every run sees it; nothing is read before it is drawn.

    Parameters
    ----------
    name
        Name of the image.
    image, truth
        Calls that read the image and its true cells.
    runs
        Run -> call that reads the cells it found.
    values
        Run -> its figure for this image.
    """

    name: str
    image: Callable[[], Image]
    truth: Callable[[], Instances]
    runs: Mapping[str, Callable[[], Instances]]
    values: Mapping[str, float | None]


def side_by_side(
    sheets: Sequence[Sheet], figure: str, *, budget: int, track: Track
) -> tuple[list[Html], tuple[tuple[str, str], ...]]:
    """A row of pictures for each image: the truth, then each run over the truth.

    Parameters
    ----------
    sheets
        The images.
    figure
        Name of the figure of `Sheet.values`.
    budget
        Characters that all pictures together should not pass.
    track
        Shows progress: called with frames and a description.

    Returns
    -------
    list, tuple
        Markup, and name and reason of each picture that could not be drawn.
    """
    body: list[Html] = []
    failed: list[tuple[str, str]] = []
    kinds: set[str] = set()
    for sheet in sheets:
        frames = [Frame("Truth", sheet.image, truth=sheet.truth, notes=(sheet.name,))]
        frames += [
            Frame(
                run,
                sheet.image,
                prediction=cells,
                truth=sheet.truth,
                notes=(shown(sheet.values.get(run)),),
            )
            for run, cells in sheet.runs.items()
        ]
        drawn = draw_gallery(frames, budget=budget // len(sheets), track=track)
        failed += [(f"{sheet.name}, {name}", reason) for name, reason in drawn.failed]
        kinds |= drawn.kinds
        body += [heading(sheet.name), *map(_in_one_row, drawn.body)]
    if not sheets:
        return [], ()
    note = paragraph(
        f"Those in which the runs differ most; they are no sample of all images. Beside the name "
        f"of a run: its {phrase(figure)} in the image.",
        kind="note",
    )
    return [note, switches(kinds), *body], tuple(failed)


def _in_one_row(gallery: Html) -> Html:
    """A gallery whose pictures may be smaller, so that four stand side by side on a desk."""
    narrow = "grid-template-columns:repeat(auto-fit,minmax(min(100%,240px),1fr))"
    return Html(gallery.replace('class="gallery"', f'class="gallery" style="{narrow}"', 1))
