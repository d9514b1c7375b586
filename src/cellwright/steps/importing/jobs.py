"""One image to import each: its files, its name, its tags."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from dataclasses import field as dataclass_field
from pathlib import Path

from cellwright.formats import Dataset, stem
from cellwright.formats.tables import read_tags
from cellwright.plate import Field, problems
from cellwright.plate.tags import apply, conditions, fits, rules
from cellwright.steps.result import Failure
from cellwright.types import InputError, Tag


@dataclass(frozen=True)
class Job:
    """A field to import: its files, tags, and where its cells are.

    Parameters
    ----------
    name, field, tags
        What it is called, its files, what is known of it.
    masks
        Files with the cells of the whole field.
    plane_masks
        Files with the cells of one z-plane each, by z.
    truth, record
        A COCO file and the index of the image in it.
    """

    name: str
    field: Field
    tags: Mapping[str, Tag]
    masks: tuple[Path, ...] = ()
    plane_masks: Mapping[Tag, tuple[Path, ...]] = dataclass_field(default_factory=dict)
    truth: Dataset | None = None
    record: int | None = None

    @property
    def files(self) -> tuple[Path, ...]:
        """Files of its planes."""
        return tuple(path for _, path in self.field.planes)

    @property
    def mask_files(self) -> tuple[Path, ...]:
        """Files of its cells."""
        return (*self.masks, *(p for paths in self.plane_masks.values() for p in paths))


def named(fields: Sequence[Field], *, modality: bool = False) -> list[Job]:
    """Jobs with different names: the stem of a single file, else the tags of the field.

    What all files of a field share, a channel or a z, becomes a tag; `modality` says that the
    names of channels are modalities and become that tag too.
    """
    names = [_name(f) for f in fields]
    for depth in range(2, 6):
        again = {n for n, count in Counter(names).items() if count > 1}
        if not again:
            break
        for i, field in enumerate(fields):
            path = field.planes[0][1]
            if names[i] in again and len(path.parts) >= depth:
                names[i] = "_".join((*path.parts[-depth:-1], _name(field)))
    jobs = []
    for name, field in zip(names, fields, strict=True):
        extra: dict[str, Tag] = {}
        if len(field.channels) == 1 and field.channels[0] is not None:
            extra["channel"] = field.channels[0]
        if len(field.zs) == 1 and field.zs[0] is not None:
            extra["z"] = field.zs[0]
        if modality and field.channels != (None,):
            extra["modality"] = modality_of(tuple(map(str, field.channels)))
        jobs.append(Job(name, field, {**field.tags, **extra}))
    return jobs


def _name(field: Field) -> str:
    if len(field.planes) > 1:
        return field.name
    own = stem(field.planes[0][1])
    return own if field.scene is None else f"{own}_position{field.scene + 1}"


def modality_of(channels: Sequence[str]) -> str:
    """The tag of an image with these channels, such as ``brightfield+fluorescence``."""
    return "+".join(channels)


def tagged(
    jobs: Iterable[Job],
    tags: Mapping[str, Tag] | Sequence[str],
    tag_table: str | Path | None,
    where: Sequence[str],
    failed: list[Failure],
    *,
    late: Collection[str] = (),
) -> list[Job]:
    """Jobs with the tags of the table and the rules, those alone that meet the conditions.

    Conditions on the tags `late` wait until the planes of a field are taken apart.
    """
    given = rules(tags)
    wanted = {k: v for k, v in conditions(where).items() if k not in late}
    key, table = read_tags(tag_table) if tag_table is not None else ("", {})
    out = []
    for job in jobs:
        found = dict(job.tags)
        if tag_table is not None:
            row = table.get(str(found.get(key, job.name)), table.get(stem(job.files[0])))
            if row is None:
                failed.append(Failure(str(job.files[0]), f"{job.name} has no row in {tag_table}"))
                continue
            found |= {k: v for k, v in row.items() if k != key}
        known = {"name": job.name, **found}
        known = apply(known, given)
        if fits(known, wanted):
            del known["name"]
            out.append(replace(job, tags=known))
    if not out and not failed:
        raise InputError(f"no image meets the condition {', '.join(where)}")
    return out


def whole(jobs: Sequence[Job], failed: list[Failure]) -> list[Job]:
    """Jobs whose planes are all there, each once; the others are reported."""
    broken = {id(p.field): p.message for p in problems([j.field for j in jobs])}
    for job in jobs:
        if id(job.field) in broken:
            failed.append(Failure(str(job.files[0]), f"{job.name}: {broken[id(job.field)]}"))
    return [j for j in jobs if id(j.field) not in broken]
