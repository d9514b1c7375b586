"""Which masks belong to which image, and its cells read from them."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from cellwright.formats import Dataset, stem
from cellwright.formats.masks import detect_kind, is_mask, read_masks
from cellwright.formats.tiled_masks import detect_tiles, read_cell_tiles, read_plane_tiles
from cellwright.plate import Grammar
from cellwright.plate.pairing import base, pair_by_pattern, pair_by_stem
from cellwright.steps.importing.jobs import Job
from cellwright.steps.importing.truth import holds_truth, open_truth
from cellwright.steps.result import Failure
from cellwright.types import InputError, Instances, Tag

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Masks:
    """How cells are given.

    Parameters
    ----------
    place
        Folder or file with the masks, None without any.
    kind
        One of `cellwright.formats.masks.MASK_KINDS`.
    pattern
        Pattern of their names, None to pair by stem.
    tiles
        "cells" or "planes": what each tile of a mask picture holds; None for masks of the
        image's size.
    class_name
        Class of the cells.
    """

    place: Path | None = None
    kind: str = "auto"
    pattern: str | None = None
    tiles: str | None = None
    class_name: str = "cell"


@dataclass(frozen=True)
class Paired:
    """Jobs with their masks, how the masks are read, and those that nobody took."""

    jobs: list[Job]
    masks: Masks
    unused: tuple[str, ...] = ()


def with_masks(
    jobs: Sequence[Job],
    masks: Masks,
    failed: list[Failure],
    *,
    truth: Dataset | None = None,
    each: bool = False,
) -> Paired:
    """Give each job its masks; jobs without are reported. `each` looks for masks of planes.

    With a `truth` the jobs have its records already, see `with_records`.
    """
    place = masks.place
    if place is None:
        return Paired(list(jobs), masks)
    if not place.exists():
        raise InputError(f"{place}: no such file or folder")
    before = len(failed)
    if truth is not None:
        found = [j for j in jobs if j.record is not None]
        used = {j.record for j in found}
        unused = [n for i, n in enumerate(truth.names) if i not in used]
        masks = replace(masks, kind="coco")
    else:
        found, unused, masks = _by_file(jobs, masks, place, failed, each=each)
    if not found and len(failed) == before:
        raise InputError(
            f"{place}: no mask fits an image, such as {jobs[0].name!r}; name what they share "
            'with --pattern and --mask-pattern, for example "{well}_{cell}"'
        )
    told = {j.name for j in found} | {f.path for f in failed[before:]}
    failed += [Failure(str(j.files[0]), f"{j.name} has no mask in {place}")
               for j in jobs if not {j.name, str(j.files[0])} & told]  # fmt: skip
    if unused:
        log.info("%d masks belong to none of the images, such as %s", len(unused), unused[0])
    return Paired(found, masks, tuple(unused))


def truth_of(masks: Masks) -> Dataset | None:
    """The COCO file, data set or Label Studio export that holds the cells, if one does."""
    place = masks.place
    if place is None or not place.exists() or not holds_truth(place, masks.kind):
        return None
    return open_truth(place)


def with_records(jobs: Sequence[Job], truth: Dataset) -> list[Job]:
    """Jobs with their record in `truth` and its tags, those without as they are."""
    place = {name: i for i, name in enumerate(truth.names)}
    out = []
    for job in jobs:
        name = next((s for s in _stems(job)[::-1] if s in place), None)
        if name is not None:
            i = place[name]
            job = replace(job, truth=truth, record=i, tags={**truth.tags(i), **job.tags})
        out.append(job)
    return out


def _by_file(
    jobs: Sequence[Job], masks: Masks, place: Path, failed: list[Failure], *, each: bool
) -> tuple[list[Job], list[str], Masks]:
    grammar = Grammar.of(masks.pattern) if masks.pattern is not None else None
    files = _mask_files(place, masks.kind, deep=bool(grammar and grammar.folders))
    planes = _planes(jobs) if each else {}
    if grammar is not None:
        pattern = grammar.patterns[0]
        fitting = [f for f in files if pattern.parse(f) is not None]
        by_plane = each and "z" in pattern.fields
        owners = {key: {**j.tags, "name": j.name, "z": z} for key, (j, z) in planes.items()}
        pairs = pair_by_pattern(
            owners if by_plane else {j.name: {**j.tags, "name": j.name} for j in jobs}, files,
            pattern,
        )  # fmt: skip
    else:
        own = {p for j in jobs for p in j.files}
        fitting = [f for f in files if f not in own]
        stems = {f: stem(f) for f in fitting}
        pairs = pair_by_stem({key: _plane_stems(*p) for key, p in planes.items()}, stems)
        if not pairs:
            pairs = pair_by_stem({j.name: _stems(j) for j in jobs}, stems)
    found = []
    for job in jobs:
        several = _masks_of_planes(job, stems) if grammar is None and not planes else 0
        if several > len(pairs.get(job.name, ())) > 0:
            failed.append(Failure(str(job.files[0]), f"{job.name}: {several} masks came for its "
                                  "planes; --planes each gives each plane its own"))  # fmt: skip
            continue
        of_planes = {z: tuple(pairs[key]) for key, (j, z) in planes.items()
                     if j is job and key in pairs}  # fmt: skip
        if of_planes or job.name in pairs:
            found.append(replace(job, masks=tuple(pairs.get(job.name, ())), plane_masks=of_planes))
    used = {p for paths in pairs.values() for p in paths}
    if found and masks.kind == "auto":
        groups = [g for j in found for g in ([j.masks] if j.masks else j.plane_masks.values())]
        tiled = masks.tiles == "cells"
        kind = detect_tiles([g[0] for g in groups]) if tiled else detect_kind(groups)
        masks = replace(masks, kind=kind)
        log.info("%s: the masks are read as %s", place, kind)
    return found, [str(f) for f in fitting if f not in used], masks


def _planes(jobs: Sequence[Job]) -> dict[str, tuple[Job, Tag]]:
    """Planes that have files of their own, by a name of their own."""
    return {
        f"{job.name}\0{z}": (job, z)
        for job in jobs
        for z in job.field.zs
        if z is not None and len(job.field.zs) > 1
    }


def _plane_stems(job: Job, z: Tag) -> list[str]:
    return [f"{job.name}_z{z}", *(stem(p) for (own, _), p in job.field.planes if own == z)]


def _masks_of_planes(job: Job, stems: Mapping[Path, str]) -> int:
    """How many masks are named like the files of a field that has several."""
    own = {stem(p) for p in job.files}
    return sum(s in own or base(s) in own for s in stems.values()) if len(own) > 1 else 0


def _stems(job: Job) -> list[str]:
    return list(dict.fromkeys([job.name, *(stem(p) for p in job.files)]))


def _mask_files(masks: Path, kind: str, *, deep: bool) -> list[Path]:
    if masks.is_file():
        return [masks]
    inside = masks.rglob("*") if deep else masks.iterdir()
    files = sorted(p for p in inside if is_mask(p, kind) and p.is_file())
    if not files:
        raise InputError(f"{masks}: the folder holds no mask files (kind {kind})")
    return files


def cells_of(
    job: Job, masks: Masks, shape: tuple[int, int], zs: Sequence[Tag | None]
) -> Mapping[Tag | None, Instances] | None:
    """Cells of each image that a field becomes, by z; None stands for all planes.

    Parameters
    ----------
    job, masks
        The field and how its cells are given.
    shape
        Rows and columns of its planes as they come from the files.
    zs
        The planes that are wanted apart; ``[None]`` if the field stays whole.

    Returns
    -------
    dict or None
        None if nobody looked for cells.
    """
    if job.truth is not None and job.record is not None:
        if job.truth.shape(job.record) == (0, 0):  # looked at, nothing drawn
            return dict.fromkeys(zs, Instances.empty(shape, job.truth.class_names))
        return dict.fromkeys(zs, job.truth.instances(job.record))
    read = lambda paths: read_masks(paths, masks.kind, shape=shape, class_name=masks.class_name)  # noqa: E731
    if job.plane_masks:
        lacking = [str(z) for z in zs if z not in job.plane_masks]
        if lacking:
            raise InputError(
                f"{job.name}: z {', '.join(lacking)} has no mask while other planes have one"
            )
        return {z: read(job.plane_masks[z]) for z in zs if z is not None}
    if not job.masks:
        return None
    if masks.tiles is None:
        return dict.fromkeys(zs, read(job.masks))
    if len(job.masks) > 1:
        raise InputError(
            f"{len(job.masks)} mask pictures came for {job.name}: "
            f"{', '.join(p.name for p in job.masks[:3])}; one is wanted with --mask-tiles"
        )
    path, kind, name = job.masks[0], masks.kind, masks.class_name
    if masks.tiles == "cells":
        return dict.fromkeys(zs, read_cell_tiles(path, kind, shape=shape, class_name=name))
    return _by_plane(read_plane_tiles(path, kind, shape=shape, class_name=name), path, zs)


def _by_plane(
    found: list[Instances], path: Path, zs: Sequence[Tag | None]
) -> dict[Tag | None, Instances]:
    """Cells of the tiles by z; where the field stays whole all of them, tagged with their z."""
    if list(zs) == [None]:
        tagged = [
            replace(cells, tags=tuple({"z": z} for _ in range(len(cells))))
            for z, cells in enumerate(found, 1)
        ]
        return {None: Instances.concatenate(tagged)}
    if len(zs) != len(found):
        raise InputError(f"{path}: {len(found)} tiles came for {len(zs)} planes; one a plane")
    return dict(zip(zs, found, strict=True))
