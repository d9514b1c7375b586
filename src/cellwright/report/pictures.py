"""Galleries of images with their outlines, within a budget of bytes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from cellwright.report.html import Html, escape, gallery, join, layer_switches, paragraph
from cellwright.report.layers import figure, ready_figure
from cellwright.types import Image, InputError, Instances

Track = Callable[[Iterable["Frame"], str], Iterator["Frame"]]
_SHARE = 140_000


@dataclass(frozen=True, slots=True)
class Frame:
    """An image to be shown; nothing is read before it is drawn.

    Parameters
    ----------
    name
        Name of the image.
    image, prediction, truth
        Calls that read them; None where there is none.
    ready
        Picture file drawn earlier, used if `image` is None.
    notes
        Short plain texts for the caption.
    """

    name: str
    image: Callable[[], Image] | None
    prediction: Callable[[], Instances] | None = None
    truth: Callable[[], Instances] | None = None
    ready: Path | None = None
    notes: tuple[str, ...] = field(default=())


@dataclass(slots=True)
class Gallery:
    """Markup of the frames that could be drawn; name and reason of those that could not."""

    body: tuple[Html, ...]
    failed: tuple[tuple[str, str], ...]
    kinds: frozenset[str]


def spread(count: int, limit: int) -> list[int]:
    """Up to `limit` of `count` indices, evenly spread, the first and the last among them.

    Examples
    --------
    >>> spread(3, 9), spread(10, 4), spread(5, 1), spread(5, 0)
    ([0, 1, 2], [0, 3, 6, 9], [0], [])
    """
    if count <= limit:
        return list(range(count))
    return [int(i) for i in np.linspace(0, count - 1, limit).round()] if limit > 0 else []


def draw_gallery(frames: Sequence[Frame], *, budget: int, track: Track) -> Gallery:
    """Frames as figures; one that cannot be read is reported in its place.

    Parameters
    ----------
    frames
        What is to be shown.
    budget
        Characters all figures together should not pass.
    track
        Shows progress: called with the frames and a description.
    """
    share = min(_SHARE, budget // max(1, len(frames)))
    figures, failed, kinds = [], [], set()
    for frame in track(frames, "Drawing"):
        try:
            figures.append(_draw(frame, share))
        except (InputError, OSError) as error:
            reason = " ".join(str(error).split())
            failed.append((frame.name, reason))
            figures.append(paragraph(f"{frame.name} is not shown: {reason}", kind="warning"))
            continue
        if frame.image is not None:
            kinds |= {k for k in ("prediction", "truth") if getattr(frame, k) is not None}
            kinds |= {"overlap"} if 'class="layer overlap"' in figures[-1] else set()
    return Gallery((gallery(figures),), tuple(failed), frozenset(kinds))


def switches(kinds: Iterable[str]) -> Html:
    """Switches of the layers in use, in a fixed order."""
    used = [kind for kind in ("prediction", "truth", "overlap") if kind in set(kinds)]
    return layer_switches(used) if used else Html("")


def _draw(frame: Frame, limit: int) -> Html:
    name = Html(f"<strong>{escape(frame.name)}</strong>")
    if frame.image is not None:
        image = frame.image()
        notes = (*frame.notes, *shown_part(image))
        return figure(
            image,
            _caption(name, notes),
            frame.name,
            prediction=frame.prediction() if frame.prediction else None,
            truth=frame.truth() if frame.truth else None,
            limit=limit,
        )
    if frame.ready is None:
        raise InputError("its image is not where the run found it: give its data set as a source")
    return ready_figure(
        _read_picture(frame.ready), _caption(name, frame.notes), frame.name, limit=limit
    )


def shown_part(image: Image) -> tuple[str, ...]:
    """Which channels and plane of an image with several are shown, for a caption."""
    parts = []
    count = image.size("C")
    if count > 1:
        names = image.channels[:3] or tuple(str(i + 1) for i in range(min(3, count)))
        rest = f" of {count}" if count > 3 else ""
        parts.append(f"channels {', '.join(names)}{rest}")
    if image.size("Z") > 1:
        parts.append(f"plane {image.size('Z') // 2 + 1} of {image.size('Z')}")
    if image.size("T") > 1:
        parts.append(f"frame 1 of {image.size('T')}")
    return tuple(parts)


def _caption(name: Html, notes: Sequence[str]) -> Html:
    text = join([escape(note) for note in notes], " \N{MIDDLE DOT} ")
    return Html(f"{name} <span>{text}</span>" if notes else name)


def _read_picture(path: Path) -> np.ndarray:
    from PIL import Image as Pillow

    with Pillow.open(path) as picture:
        picture.thumbnail((1024, 1024))
        return np.asarray(picture.convert("RGB"))
