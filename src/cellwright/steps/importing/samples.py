"""The samples that a field becomes: images, cells, tags, in the size that is wanted."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import replace

from cellwright.geometry import resize
from cellwright.plate.resize import resize_image
from cellwright.plate.split import SPLIT
from cellwright.plate.tags import apply, conditions, fits, rules
from cellwright.steps.importing.jobs import Job
from cellwright.steps.importing.layout import Layout
from cellwright.steps.importing.masks import Masks, cells_of
from cellwright.steps.importing.views import views_of
from cellwright.types import InputError, Sample, Tag

log = logging.getLogger(__name__)


def samples_of(
    job: Job,
    masks: Masks,
    layout: Layout,
    tags: Mapping[str, Tag] | Sequence[str],
    where: Sequence[str],
) -> list[Sample]:
    """The images of a field with their cells and all their tags, those wanted alone.

    Raises
    ------
    InputError
        If they cannot be read, or the tags would put them into several parts of the data set.
    """
    apart = bool(layout.late_tags)
    own = bool(job.plane_masks) or masks.tiles == "planes"
    views = list(views_of(job, layout, own_masks=own))
    zs = [v.z for v in views] if own and layout.planes == "each" else [None]
    found = cells_of(job, masks, views[0].image.shape, list(dict.fromkeys(zs)))
    given, wanted = rules(tags), conditions(where)
    sides: set[Tag | None] = set()
    out = []
    for view in views:
        named = {"name": job.name, **view.image.tags}
        named = apply(named, given) if apart else named
        if apart and not fits(named, wanted):
            continue
        del named["name"]
        sides.add(named.get(SPLIT))
        if len(sides) > 1:
            raise InputError(
                f"{job.name}: its images would be in several parts "
                f"({', '.join(sorted(map(str, sides)))}); a field is not divided"
            )
        image = replace(view.image, tags=named)
        cells = found.get(view.z if zs != [None] else None) if found is not None else None
        sample = Sample(view.name, image, cells)
        out.append(_resized(sample, layout.resize) if layout.resize else sample)
    return out


def _resized(sample: Sample, shape: tuple[int, int]) -> Sample:
    cells = resize(sample.instances, shape) if sample.instances is not None else None
    if cells is not None and sample.instances is not None and len(cells) < len(sample.instances):
        log.warning("%s: %d cells have no pixel left at %d x %d", sample.name,
                    len(sample.instances) - len(cells), *shape)  # fmt: skip
    return Sample(sample.name, resize_image(sample.image, shape), cells)
