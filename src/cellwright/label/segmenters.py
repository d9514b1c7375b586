"""The registered labellers: each is a `Segmenter` that needs no training."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from cellwright.classical.cells import bright_cells, textured_cells
from cellwright.classical.coarse import contour_cells, local_pieces, otsu_pieces
from cellwright.classical.growing import grown_cells
from cellwright.classical.quadtree import split_merge_cells
from cellwright.geometry import from_label_map
from cellwright.label.coarse import CoarseSegmenter, Way, known_foreground, passed, seen
from cellwright.label.coarse_prompted import coarse_prompted
from cellwright.label.peers import cellpose, yolo
from cellwright.label.prompted import prompted
from cellwright.types import Image, InputError, Instances, Segmenter


@dataclass(frozen=True, slots=True, kw_only=True)
class WatershedSegmenter:
    """Otsu background removal, distance watershed, shape filters (P5).

    Parameters
    ----------
    foreground
        What tells cells from background: ``"bright"`` (fluorescence), ``"dark"`` (stains
        that absorb), ``"texture"`` (phase contrast, bright field, DIC), or ``"auto"``.
    channel
        Index or name of the channel; None picks a stain by its name, else the first.
    filtered
        Whether objects whose shape is unusual for the image are left out.
    least_confidence
        Cells below it are left out.
    options
        Keyword arguments of `cellwright.classical.cells.bright_cells` or
        `textured_cells`, whichever is used.
    """

    foreground: str = "auto"
    channel: int | str | None = None
    filtered: bool = True
    least_confidence: float = 0.0
    options: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        known_foreground(self.foreground)

    def segment(self, image: Image) -> Instances:
        """Cells of `image`, each with its confidence as score; none overlap."""
        labels, scores = self.label_map(image)
        return from_label_map(labels, scores=scores)

    def label_map(self, image: Image) -> tuple[np.ndarray, np.ndarray]:
        """Cells as an int32 (row, column) label map with values 1..N, and their (N,) scores."""
        plane, kind = seen(image, foreground=self.foreground, channel=self.channel)
        if kind == "texture":
            labels, relief = textured_cells(plane, **self.options)
        else:
            relief = plane if kind == "bright" else float(plane.max()) - plane
            labels = bright_cells(relief, **self.options)
        return passed(
            labels, relief, filtered=self.filtered, least_confidence=self.least_confidence
        )


@dataclass(frozen=True, slots=True)
class SegmenterEntry:
    """A labeller under its public name.

    Parameters
    ----------
    name, summary
        Public name, and what it is, in a few words.
    build
        Makes the labeller from keyword options.
    needs_download
        Whether it needs weights, with its default options, that do not come with the package.
    """

    name: str
    summary: str
    build: Callable[..., Segmenter]
    needs_download: bool = False


def _coarse(name: str, summary: str, way: Way) -> SegmenterEntry:
    def build(**options: Any) -> Segmenter:
        return CoarseSegmenter(way=way, **options)

    return SegmenterEntry(name, summary, build)


SEGMENTERS: tuple[SegmenterEntry, ...] = (
    SegmenterEntry(
        "watershed",
        "background removal, distance watershed, shape filters; bright, dark or textured cells",
        WatershedSegmenter,
    ),
    _coarse("otsu", "one threshold, connected pieces: the plain baseline", otsu_pieces),
    _coarse("local-threshold", "threshold by the surroundings, connected pieces", local_pieces),
    _coarse("region-growing", "seeds that grow while neighbours look like them", grown_cells),
    _coarse("split-merge", "squares split until even, alike neighbours joined", split_merge_cells),
    _coarse("active-contour", "morphological Chan-Vese contours", contour_cells),
    SegmenterEntry(
        "coarse-prompted",
        "a coarse segmenter's cells as prompts: --option coarse=watershed --option prompts=region",
        coarse_prompted,
    ),
    SegmenterEntry(
        "prompted",
        "a promptable segmenter asked at every point of a grid: --option prompts=sam-vit-b",
        prompted,
        needs_download=True,
    ),
    SegmenterEntry(
        "cellpose",
        "Cellpose 3 or 4 (extra peers): --option model=nuclei, or the file of a fine-tuned model",
        cellpose,
        needs_download=True,
    ),
    SegmenterEntry(
        "yolo",
        "YOLOv8-seg or YOLOv5-seg of ultralytics (AGPL-3.0; extra peers): --option weights=FILE",
        yolo,
        needs_download=True,
    ),
)


def segmenter(name: str = "watershed", **options: Any) -> Segmenter:
    """The labeller called `name`, built with `options`.

    Raises
    ------
    InputError
        If there is none of that name, or it does not take one of the options.
    """
    entries = {entry.name: entry for entry in SEGMENTERS}
    if name not in entries:
        raise InputError(f"there is no segmenter {name!r}; there are {', '.join(entries)}")
    try:
        return entries[name].build(**options)
    except TypeError as error:
        raise InputError(f"segmenter {name!r}: {error}") from error
