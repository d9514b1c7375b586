"""What is to be imported: the fields with their tags and masks, and what cannot be."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from cellwright.steps.importing.jobs import Job, named, tagged, whole
from cellwright.steps.importing.layout import Layout
from cellwright.steps.importing.livecell import livecell_files, livecell_jobs
from cellwright.steps.importing.masks import Masks, truth_of, with_masks, with_records
from cellwright.steps.importing.sources import coco_images, coco_source, fields_of
from cellwright.steps.result import Failure
from cellwright.types import Tag


@dataclass(frozen=True)
class Plan:
    """What is to be imported, and what cannot be."""

    jobs: list[Job]
    broken: list[Job]
    left_out: tuple[Path, ...]
    masks: Masks
    unused: tuple[str, ...]
    class_names: tuple[str, ...]
    failed: tuple[Failure, ...]


def plan_of(
    sources: str | Path | Sequence[str | Path],
    layout: Layout,
    masks: Masks,
    pattern: str | Sequence[str] | None,
    tags: Mapping[str, Tag] | Sequence[str],
    tag_table: str | Path | None,
    where: Sequence[str],
) -> Plan:
    """Find the images and their masks; what cannot be imported stands in `failed`."""
    failed: list[Failure] = []
    left_out: tuple[Path, ...] = ()
    livecell = livecell_files(sources) if masks.place is None and pattern is None else {}
    if livecell:
        folder = Path(sources if isinstance(sources, str | Path) else sources[0])
        jobs = livecell_jobs(folder, livecell, failed)
        masks = replace(masks, kind="coco", place=folder)
    else:
        if masks.place is None and (found_coco := coco_source(sources)) is not None:
            masks, sources = replace(masks, place=found_coco), coco_images(found_coco, failed)
        json_masks = masks.place is not None and masks.place.suffix.lower() == ".json"
        fields = fields_of(sources, pattern, layout, deep=json_masks)
        left_out = fields.left_out
        jobs = named(fields.fields, modality=bool(layout.channel_names))
    truth = None if livecell else truth_of(masks)
    if truth is not None:
        jobs = with_records(jobs, truth)
    jobs = tagged(jobs, tags, tag_table, where, failed, late=layout.late_tags)
    complete = whole(jobs, failed)
    there = {id(j) for j in complete}
    broken = [j for j in jobs if id(j) not in there]
    unused: tuple[str, ...] = ()
    names: tuple[str, ...] = (masks.class_name,)
    if livecell:
        names = complete[0].truth.class_names if complete and complete[0].truth else names
    elif complete:
        each = layout.planes == "each"
        pairs = with_masks(complete, masks, failed, truth=truth, each=each)
        complete, masks, unused = pairs.jobs, pairs.masks, pairs.unused
        names = truth.class_names if truth else names
    return Plan(complete, broken, left_out, masks, unused, names, tuple(failed))
