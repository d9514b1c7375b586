"""Cells from outlines: what ROI and GeoJSON readers share."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from cellwright.geometry import Polygon, fill_outline
from cellwright.types import Instances, Tag

log = logging.getLogger(__name__)


def from_outlines(
    outlines: Iterable[Sequence[Polygon]],
    shape: tuple[int, int],
    *,
    scores: Sequence[float],
    classes: Sequence[int],
    class_names: Sequence[str],
    tags: Sequence[Mapping[str, Tag]],
    source: object,
) -> Instances:
    """One cell for each group of polygons; those without a pixel in the frame are left out."""
    filled = [fill_outline(polygons, shape) for polygons in outlines]
    keep = [i for i, (_, mask) in enumerate(filled) if mask.any()]
    if len(keep) < len(filled):
        log.warning("%s: %d outlines cover no pixel and are left out", source,
                    len(filled) - len(keep))  # fmt: skip
    named = [tags[i] for i in keep]
    return Instances(
        shape,
        np.array([filled[i][0] for i in keep], np.int64).reshape(-1, 4),
        tuple(filled[i][1] for i in keep),
        np.array([scores[i] for i in keep], np.float32),
        np.array([classes[i] for i in keep], np.int64),
        tuple(class_names),
        tuple(named) if any(named) else (),
    )
