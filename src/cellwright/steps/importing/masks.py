"""Which masks belong to which image, and its cells read from them."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from cellwright.formats import Dataset, read_coco, stem
from cellwright.formats.masks import detect_kind, is_mask, read_masks
from cellwright.plate import Pattern
from cellwright.plate.pairing import pair_by_pattern, pair_by_stem
from cellwright.steps.importing.jobs import Job
from cellwright.steps.result import Failure
from cellwright.types import InputError, Instances

log = logging.getLogger(__name__)


def with_masks(
    jobs: Sequence[Job],
    masks: Path,
    kind: str,
    mask_pattern: str | None,
    failed: list[Failure],
) -> tuple[Dataset | None, list[Job], str, list[str]]:
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
    job: Job, coco: Dataset | None, kind: str, shape: tuple[int, int], class_name: str
) -> Instances | None:
    if coco is not None and job.record is not None:
        return coco.instances(job.record)
    if not job.masks:
        return None
    return read_masks(job.masks, kind, shape=shape, class_name=class_name)
