"""Parts of the data set for jobs, kept apart from those that are there already."""

from __future__ import annotations

import logging
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from cellwright.formats import read_coco
from cellwright.formats.dataset import ANNOTATIONS
from cellwright.plate.split import SPLIT, assign, check_groups, group_of, split_rules
from cellwright.plate.tags import fits
from cellwright.steps.importing.jobs import Job
from cellwright.types import InputError, Tag

log = logging.getLogger(__name__)
OF_A_PLANE = ("z", "channel", "modality", "z_route", SPLIT)
"""Tags in which images of one field differ."""


def split_jobs(
    jobs: Sequence[Job],
    texts: Sequence[str],
    *,
    group: Sequence[str] = (),
    seed: int = 0,
    late: Collection[str] = (),
    output: Path | None = None,
) -> list[Job]:
    """Jobs with the tag ``split``, so that no group is in two parts, here or in `output`.

    Parameters
    ----------
    jobs
        Fields to import.
    texts
        Rules as of `cellwright.plate.split.split_rules`; without any, tags stay as they are.
    group
        Tags of what may not be divided; the field by default.
    seed
        Of random parts.
    late
        Tags that images of one field differ in; a rule on one would divide fields.
    output
        A data set that the images go into.
    """
    if not texts and not group:
        return list(jobs)
    by = split_rules(texts)
    images = [{**j.tags, "name": j.name} for j in jobs]
    groups = [group_of(tags, group, j.name) for tags, j in zip(images, jobs, strict=True)]
    for rule in by.by_tag:
        wrong = sorted(set(rule.where) & set(late))
        if wrong:
            raise InputError(
                f"--split {rule.value}:{wrong[0]}=... would put the images of one field into "
                "several parts; split by a tag that a field has as a whole"
            )
        if not any(fits(tags, rule.where) for tags in images):
            where = ", ".join(f"{k}={','.join(v)}" for k, v in rule.where.items())
            log.warning("--split %s: no image has %s", rule.value, where)
    parts: list[str | None]
    if texts:
        parts = assign(images, groups, by, seed=seed)
    else:
        parts = [_part(tags) for tags in images]
        check_groups(images, groups, parts)
    if output is not None:
        _check_there(output, images, groups, parts, group)
    return [
        j if part is None else replace(j, tags={**j.tags, SPLIT: part})
        for j, part in zip(jobs, parts, strict=True)
    ]


def _check_there(
    output: Path,
    images: list[dict[str, Tag]],
    groups: list[tuple[tuple[str, str], ...]],
    parts: list[str | None],
    group: Sequence[str],
) -> None:
    """Raise InputError if a group of the new images is in another part of the data set."""
    if not (output / ANNOTATIONS).is_file():
        return
    there = read_coco(output)
    known, owners, sides = [], [], []
    for i, name in enumerate(there.names):
        tags = {**there.tags(i), "name": name}
        if all(key in tags for key in group):
            known.append(tags)
            owners.append(group_of(tags, group, field_of(there.record(i))))
            sides.append(_part(tags))
    check_groups([*known, *images], [*owners, *groups], [*sides, *parts])


def _part(tags: Mapping[str, Tag]) -> str | None:
    return str(tags[SPLIT]) if SPLIT in tags else None


def field_of(record: Mapping[str, object]) -> str:
    """The field that an image of a data set shows; its name where nothing says it."""
    source = record.get("source")
    if isinstance(source, Mapping) and "field" in source:
        return str(source["field"])
    tags = record.get("tags")
    if isinstance(tags, Mapping) and "field" in tags:
        own = {k: v for k, v in tags.items() if k not in OF_A_PLANE}
        return ", ".join(f"{k} {v}" for k, v in sorted(own.items()))
    return str(record["name"])
