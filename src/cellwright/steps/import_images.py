"""Files to a data set: planes are put together, cells are found beside them, tags are set."""

from __future__ import annotations

import hashlib
import json
import logging
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from cellwright.formats import Dataset, DatasetWriter, image_files, read_coco, read_image, stem
from cellwright.formats.masks import MASK_KINDS, detect_kind, is_mask, read_masks
from cellwright.formats.tables import read_tags
from cellwright.plate import Field, Pattern, detect, group, problems
from cellwright.plate.pairing import pair_by_pattern, pair_by_stem
from cellwright.plate.tags import apply, conditions, fits, rules
from cellwright.steps.progress import track
from cellwright.steps.result import Failure, StepResult, write_failures
from cellwright.types import Image, InputError, Instances, Sample, Tag

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class _Job:
    """One image to import: its files, tags, and the files of its cells."""

    name: str
    field: Field
    tags: Mapping[str, Tag]
    masks: tuple[Path, ...] = ()
    record: int | None = None  # index into a COCO file

    @property
    def files(self) -> tuple[Path, ...]:
        return tuple(path for _, path in self.field.planes)


def import_images(
    sources: str | Path | Sequence[str | Path],
    output: str | Path,
    *,
    masks: str | Path | None = None,
    mask_kind: str = "auto",
    mask_pattern: str | None = None,
    pattern: str | None = None,
    tags: Mapping[str, Tag] | Sequence[str] = (),
    tag_table: str | Path | None = None,
    where: Sequence[str] = (),
    channels: Sequence[str] = (),
    axes: str | None = None,
    pixel_size: float | tuple[float, float] | None = None,
    class_name: str = "cell",
    quiet: bool = False,
) -> StepResult:
    """Turn images, with masks or without, into a data set.

    Parameters
    ----------
    sources
        Image files and folders; folders are searched deeply if `pattern` names folders. A
        single COCO file or data set stands for its images and their cells.
    output
        Data set folder. What is already in it stays; images that were imported before from
        the same files with the same settings are skipped.
    masks
        Where the cells are: a folder, a file, a COCO file or a data set. Images without their
        masks are reported and left out.
    mask_kind
        "labels" (one label image an image), "binary" (one file a cell, overlaps are kept),
        "components" (each piece is a cell), "outlines" (lines, are filled), "rois" (ImageJ zip
        or GeoJSON), "coco"; "auto" looks at the files and says in the log what they are.
    mask_pattern
        Pattern of the names of mask files. Masks and images belong together if the fields that
        both patterns name agree. Without it stems must agree (endings such as ``_masks`` of the
        mask are ignored).
    pattern
        Pattern of the names of images, see `cellwright.plate.Pattern`: what it finds become
        tags, files that differ only in ``{z}`` and ``{channel}`` become planes of one image,
        and files that it does not fit are left out.
    tags
        Mapping, or texts ``key=value`` (every image) and ``key=value:other=a,b*`` (images whose
        tag `other` is one of these); the first that fits counts. ``name`` is the image's name.
    tag_table
        CSV or JSON list with one row an image; the first column is its name (or the tag of
        that name), the others become tags.
    where
        Conditions ``key=a,b*``: only images that meet them all are imported.
    channels
        Names of the channels, in order.
    axes, pixel_size
        For files that do not say them. Pixel size in um, one number or (row, column).
    class_name
        Class of the cells (COCO files bring their own).
    quiet
        No progress bar.

    Returns
    -------
    StepResult
        With what failed and why; `details` counts cells and files left out.

    Raises
    ------
    InputError
        If nothing can be imported at all: no images, no name fits, no masks fit.
    """
    if mask_kind not in MASK_KINDS:
        raise InputError(f"mask kind {mask_kind!r} is not known; one of {MASK_KINDS} is wanted")
    size = (pixel_size, pixel_size) if isinstance(pixel_size, int | float) else pixel_size
    failed: list[Failure] = []
    if masks is None and (found_coco := _coco_source(sources)) is not None:
        masks, sources = found_coco, _coco_images(found_coco, failed)
    fields, left_out = _fields(sources, pattern)
    jobs = _tagged(_named(fields), tags, tag_table, where, failed)
    jobs = _whole(jobs, failed)
    coco: Dataset | None = None
    unused: list[str] = []
    if masks is not None and jobs:
        coco, jobs, mask_kind, unused = _with_masks(jobs, Path(masks), mask_kind, mask_pattern,
                                                    failed)  # fmt: skip
    settings = json.dumps([mask_kind if masks else None, class_name, axes, size, list(channels)])
    class_names = coco.class_names if coco else (class_name,)
    done = skipped = cells = 0
    with DatasetWriter(output, class_names=class_names) as writer:
        for job in track(jobs, "import", total=len(jobs), quiet=quiet):
            try:
                key = _fingerprint(job, settings, coco)
                if job.name in writer.done:
                    _check_same(writer.record(job.name), key)
                    skipped += 1
                    continue
                image = replace(_image(job, axes, size, tuple(channels)), tags=job.tags)
                found = _cells(job, coco, mask_kind, image.shape, class_name)
                source = {"files": [p.name for p in job.files], "key": key}
                writer.add(Sample(job.name, image, found), facts={"source": source})
                done, cells = done + 1, cells + (len(found) if found else 0)
            except (InputError, OSError) as error:
                log.warning("%s", error)
                failed.append(Failure(str(job.files[0]), str(error)))
    write_failures(output, failed)
    details = {"cells": cells, "left_out": len(left_out), "masks_unused": len(unused),
               "mask_kind": mask_kind if masks else None}  # fmt: skip
    return StepResult(Path(output), done, skipped, tuple(failed), details)


def _coco_source(sources: str | Path | Sequence[str | Path]) -> Path | None:
    """The COCO file or data set that `sources` is, if it is one."""
    given = [Path(s) for s in ([sources] if isinstance(sources, str | Path) else sources)]
    if len(given) == 1 and (
        given[0].suffix.lower() == ".json" or (given[0] / "annotations.json").is_file()
    ):
        return given[0]
    return None


def _coco_images(path: Path, failed: list[Failure]) -> list[Path]:
    """Image files of a COCO file that are there; the others are reported."""
    dataset = read_coco(path)
    files = [dataset.path(i) for i in range(len(dataset))]
    failed += [Failure(str(f), "the image file is missing") for f in files if not f.exists()]
    found = [f for f in files if f.exists()]
    if not found:
        raise InputError(
            f"{path}: none of its {len(files)} image files are there, such as {files[:1]}; give "
            "the folder of the images and this file as --masks"
        )
    return found


def _fields(
    sources: str | Path | Sequence[str | Path], pattern: str | None
) -> tuple[list[Field], list[Path]]:
    """Files grouped into fields, and the files that the pattern does not fit."""
    grammar = Pattern(pattern) if pattern is not None else None
    files = image_files(sources, recursive=bool(grammar and grammar.folders))
    if grammar is None:
        grammar = detect(files)
        if grammar is None:
            return [Field({}, (((None, None), path),)) for path in files], []
        log.info("file names are read as %s", grammar.text)
    parsed = [(path, grammar.parse(path)) for path in files]
    left_out = [path for path, tags in parsed if tags is None]
    fitting = [(path, tags) for path, tags in parsed if tags is not None]
    if not fitting:
        raise InputError(
            f"--pattern {grammar.text!r} fits none of {len(files)} images, such as "
            f"{files[0].as_posix()!r}"
        )
    if left_out:
        log.warning("%d files do not fit the pattern and are left out, such as %s",
                    len(left_out), left_out[0])  # fmt: skip
    stacked = {"z", "channel"} & set(grammar.fields)
    if "*" in grammar.text and not stacked:  # what tells the files apart has no name
        return [Field(tags, (((None, None), path),)) for path, tags in fitting], left_out
    return group(fitting), left_out


def _named(fields: Sequence[Field]) -> list[_Job]:
    """Jobs with different names: the stem of a single file, else the tags of the field."""
    names = [stem(f.planes[0][1]) if len(f.planes) == 1 else f.name for f in fields]
    for depth in range(2, 6):
        again = {n for n, count in Counter(names).items() if count > 1}
        if not again:
            break
        for i, field in enumerate(fields):
            path = field.planes[0][1]
            if names[i] in again and len(path.parts) >= depth:
                names[i] = "_".join((*path.parts[-depth:-1], stem(path)))
    jobs = []
    for name, field in zip(names, fields, strict=True):
        extra = {}
        if len(field.channels) == 1 and field.channels[0] is not None:
            extra["channel"] = field.channels[0]
        if len(field.zs) == 1 and field.zs[0] is not None:
            extra["z"] = field.zs[0]
        jobs.append(_Job(name, field, {**field.tags, **extra}))
    return jobs


def _tagged(
    jobs: Iterable[_Job],
    tags: Mapping[str, Tag] | Sequence[str],
    tag_table: str | Path | None,
    where: Sequence[str],
    failed: list[Failure],
) -> list[_Job]:
    given, wanted = rules(tags), conditions(where)
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


def _whole(jobs: Sequence[_Job], failed: list[Failure]) -> list[_Job]:
    """Jobs whose planes are all there, each once; the others are reported."""
    broken = {id(p.field): p.message for p in problems([j.field for j in jobs])}
    for job in jobs:
        if id(job.field) in broken:
            failed.append(Failure(str(job.files[0]), f"{job.name}: {broken[id(job.field)]}"))
    return [j for j in jobs if id(j.field) not in broken]


def _with_masks(
    jobs: Sequence[_Job],
    masks: Path,
    kind: str,
    mask_pattern: str | None,
    failed: list[Failure],
) -> tuple[Dataset | None, list[_Job], str, list[str]]:
    """Jobs with their masks, the kind of masks, and the masks that nobody took."""
    if not masks.exists():
        raise InputError(f"{masks}: no such file or folder")
    grammar = Pattern(mask_pattern) if mask_pattern is not None else None
    coco = None
    if kind == "coco" or masks.suffix.lower() == ".json" or (masks / "annotations.json").exists():
        coco, kind = read_coco(masks), "coco"
        place = {name: i for i, name in enumerate(coco.names)}
        taken = {j.name: place[s] for j in jobs for s in _stems(j)[::-1] if s in place}
        found = [
            replace(j, record=(i := taken[j.name]), tags={**coco.tags(i), **j.tags})
            for j in jobs
            if j.name in taken
        ]
        unused = [n for n in coco.names if place[n] not in set(taken.values())]
    else:
        files = _mask_files(masks, kind, deep=bool(grammar and grammar.folders))
        if grammar is not None:
            fitting = [f for f in files if grammar.parse(f) is not None]
            pairs = pair_by_pattern({j.name: {**j.tags, "name": j.name} for j in jobs}, files,
                                    grammar)  # fmt: skip
        else:
            own = {p for j in jobs for p in j.files}
            fitting = [f for f in files if f not in own]
            pairs = pair_by_stem({j.name: _stems(j) for j in jobs}, {f: stem(f) for f in fitting})
        found = [replace(j, masks=tuple(pairs[j.name])) for j in jobs if j.name in pairs]
        used = {p for paths in pairs.values() for p in paths}
        unused = [str(f) for f in fitting if f not in used]
        if found and kind == "auto":
            kind = detect_kind([j.masks for j in found])
            log.info("%s: the masks are read as %s", masks, kind)
    if not found:
        raise InputError(
            f"{masks}: no mask fits an image, such as {jobs[0].name!r}; name what they share "
            'with --pattern and --mask-pattern, for example "{well}_{cell}"'
        )
    having = {j.name for j in found}
    failed += [Failure(str(j.files[0]), f"{j.name} has no mask in {masks}")
               for j in jobs if j.name not in having]  # fmt: skip
    if unused:
        log.info("%d masks belong to none of the images, such as %s", len(unused), unused[0])
    return coco, found, kind, unused


def _stems(job: _Job) -> list[str]:
    return list(dict.fromkeys([job.name, *(stem(p) for p in job.files)]))


def _mask_files(masks: Path, kind: str, *, deep: bool) -> list[Path]:
    if masks.is_file():
        return [masks]
    inside = masks.rglob("*") if deep else masks.iterdir()
    files = sorted(p for p in inside if is_mask(p, kind) and p.is_file())
    if not files:
        raise InputError(f"{masks}: the folder holds no mask files (kind {kind})")
    return files


def _cells(
    job: _Job, coco: Dataset | None, kind: str, shape: tuple[int, int], class_name: str
) -> Instances | None:
    if coco is not None and job.record is not None:
        return coco.instances(job.record)
    if not job.masks:
        return None
    return read_masks(job.masks, kind, shape=shape, class_name=class_name)


def _image(
    job: _Job,
    axes: str | None,
    pixel_size: tuple[float, float] | None,
    channels: tuple[str, ...],
) -> Image:
    """One image from the files of its planes, with axes in the order ``TZCYX``."""
    parts = [read_image(path, axes=axes, pixel_size=pixel_size) for path in job.files]
    first = parts[0]
    for path, part in zip(job.files, parts, strict=True):
        if (part.data.shape, part.axes, part.data.dtype) != (
            first.data.shape, first.axes, first.data.dtype,
        ):  # fmt: skip
            raise InputError(
                f"{path}: shape {part.data.shape} and type {part.data.dtype} came, the first "
                f"plane has {first.data.shape} and {first.data.dtype}"
            )
    count = {"Z": len(job.field.zs), "C": len(job.field.channels)}
    added = "".join(a for a in "ZC" if count[a] > 1)
    if set(added) & set(first.axes):
        raise InputError(
            f"{job.files[0]}: the names number {added} and the files have axes {first.axes}; "
            "leave one of them out of the pattern"
        )
    if not added:
        names = channels or first.channels
        return replace(first, channels=names)
    data = np.stack([p.data for p in parts]).reshape(
        *(count[a] for a in added), *first.data.shape
    )  # planes are sorted by z, then by channel
    letters = added + first.axes
    order = sorted(range(len(letters)), key=lambda i: "TZCYX".index(letters[i]))
    named = tuple(map(str, job.field.channels)) if "C" in added else first.channels
    return Image(
        np.ascontiguousarray(data.transpose(order)), "".join(letters[i] for i in order),
        first.pixel_size, channels or named,
    )  # fmt: skip


def _fingerprint(job: _Job, settings: str, coco: Dataset | None) -> str:
    """Short hash of everything that the imported sample is made of."""
    found = hashlib.sha256(settings.encode())
    found.update(json.dumps([job.name, sorted(job.tags.items())]).encode())
    for path in (*job.files, *job.masks):
        for file in sorted(path.rglob("*")) if path.is_dir() else [path]:
            if file.is_file():
                found.update(file.name.encode() + hashlib.sha256(file.read_bytes()).digest())
    if coco is not None and job.record is not None:
        found.update(json.dumps(coco.file.annotations[job.record], sort_keys=True).encode())
    return found.hexdigest()[:32]


def _check_same(record: Mapping[str, object], key: str) -> None:
    source = record.get("source")
    if not isinstance(source, Mapping) or source.get("key") != key:
        raise InputError(
            f"an image named {record['name']!r} is in the data set already, from other files, "
            "tags or settings; use another output folder"
        )
