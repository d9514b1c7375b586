"""Files to a data set: planes are put together, cells are found beside them, tags are set."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from cellwright.formats import Dataset, DatasetWriter
from cellwright.formats.masks import MASK_KINDS
from cellwright.steps.importing.fingerprint import check_same, fingerprint
from cellwright.steps.importing.jobs import named, tagged, whole
from cellwright.steps.importing.masks import cells_of, with_masks
from cellwright.steps.importing.pixels import image_of
from cellwright.steps.importing.sources import coco_images, coco_source, fields_of
from cellwright.steps.progress import track
from cellwright.steps.result import Failure, StepResult, write_failures
from cellwright.types import InputError, Sample, Tag

log = logging.getLogger(__name__)


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
    if masks is None and (found_coco := coco_source(sources)) is not None:
        masks, sources = found_coco, coco_images(found_coco, failed)
    fields, left_out = fields_of(sources, pattern)
    jobs = tagged(named(fields), tags, tag_table, where, failed)
    jobs = whole(jobs, failed)
    coco: Dataset | None = None
    unused: list[str] = []
    if masks is not None and jobs:
        coco, jobs, mask_kind, unused = with_masks(jobs, Path(masks), mask_kind, mask_pattern,
                                                    failed)  # fmt: skip
    settings = json.dumps([mask_kind if masks else None, class_name, axes, size, list(channels)])
    class_names = coco.class_names if coco else (class_name,)
    done = skipped = cells = 0
    with DatasetWriter(output, class_names=class_names) as writer:
        for job in track(jobs, "import", total=len(jobs), quiet=quiet):
            try:
                key = fingerprint(job, settings, coco)
                if job.name in writer.done:
                    check_same(writer.record(job.name), key)
                    skipped += 1
                    continue
                image = replace(image_of(job, axes, size, tuple(channels)), tags=job.tags)
                found = cells_of(job, coco, mask_kind, image.shape, class_name)
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
