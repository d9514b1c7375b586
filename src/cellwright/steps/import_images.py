"""Files to a data set: planes are put together, cells are found beside them, tags are set."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from cellwright.formats import DatasetWriter
from cellwright.formats.masks import MASK_KINDS
from cellwright.plate.tags import rules
from cellwright.steps.importing.fingerprint import check_same, fingerprint, finished, source_of
from cellwright.steps.importing.layout import MASK_TILES, Layout, channel_names
from cellwright.steps.importing.masks import Masks
from cellwright.steps.importing.plan import Plan, plan_of
from cellwright.steps.importing.samples import samples_of
from cellwright.steps.importing.splits import split_jobs
from cellwright.steps.importing.survey import survey
from cellwright.steps.progress import track
from cellwright.steps.result import Failure, StepResult, write_failures
from cellwright.types import InputError, Tag

log = logging.getLogger(__name__)


def import_images(
    sources: str | Path | Sequence[str | Path],
    output: str | Path | None = None,
    *,
    masks: str | Path | None = None,
    mask_kind: str = "auto",
    mask_pattern: str | None = None,
    mask_tiles: str | None = None,
    pattern: str | Sequence[str] | None = None,
    tags: Mapping[str, Tag] | Sequence[str] = (),
    tag_table: str | Path | None = None,
    where: Sequence[str] = (),
    split: Sequence[str] = (),
    group: Sequence[str] = (),
    seed: int = 0,
    channels: Sequence[str] = (),
    channel: Mapping[str, str] | Sequence[str] = (),
    keep_channels: Sequence[str] = (),
    modalities: str = "stack",
    planes: str = "stack",
    project: str | None = None,
    split_columns: int = 1,
    split_rows: int = 1,
    split_as: str = "z",
    resize: tuple[int, int] | None = None,
    axes: str | None = None,
    pixel_size: float | tuple[float, float] | None = None,
    class_name: str = "cell",
    dry_run: bool = False,
    focus: bool = False,
    quiet: bool = False,
) -> StepResult:
    """Turn images, with masks or without, into a data set.

    Parameters
    ----------
    sources
        Image files and folders; folders are searched deeply if `pattern` names folders. A
        single COCO file or data set stands for its images and their cells, the folder of
        LIVECell for its three splits.
    output
        Data set folder. What is already in it stays; images that were imported before from
        the same files with the same settings are skipped.
    masks
        Where the cells are: a folder, a file, a COCO file, a data set or a Label Studio export.
        Images without their masks are reported and left out.
    mask_kind
        "labels" (one label image an image), "binary" (one file a cell, overlaps are kept),
        "components" (each piece is a cell), "outlines" (lines, are filled), "rois" (ImageJ zip
        or GeoJSON), "coco"; "auto" looks at the files and says in the log what they are.
    mask_pattern
        Pattern of the names of mask files. Masks and images belong together if the fields that
        both patterns name agree. Without it stems must agree (endings such as ``_masks`` of the
        mask are ignored).
    mask_tiles
        What the tiles of a mask picture hold that is made of tiles of the image's size: "cells"
        (one cell a tile, overlaps are kept) or "planes" (the mask of one z-plane a tile).
    pattern
        Pattern of the names of images, or several that are tried in order, see
        `cellwright.plate.Pattern`: what it finds become tags, files that differ only in ``{z}``
        and ``{channel}`` become planes of one image, and files that none fits are left out.
        Names such as ``day1t1c1xy10z15``, in any order and any subset, need none.
    tags
        Mapping, or texts ``key=value`` (every image) and ``key=value:other=a,b*`` (images whose
        tag `other` is one of these); the first that fits counts. ``name`` is the image's name.
    tag_table
        CSV or JSON list with one row an image; the first column is its name (or the tag of
        that name), the others become tags.
    where
        Conditions ``key=a,b*``: only images that meet them all are imported.
    split
        Rules ``val:position=14`` or shares of the fields ``val:0.2``; they become the tag
        ``split``, the rest is "train". No field is divided.
    group
        Tags of what may not be divided instead of a field, such as ``position``.
    seed
        Draws the fields of shares.
    channels
        Names of the channels, in order.
    channel
        Names by what file names call a channel, or by its name or number (from 1) in the file:
        ``["1=brightfield", "2=fluorescence"]``. They become the tag ``modality``.
    keep_channels
        The only channels to import, by name; planes of others are not missed.
    modalities
        "each": one image a channel, tagged with its modality, instead of one with all.
    planes
        "each": one image a z-plane with the tag ``z``, instead of a stack.
    project
        "median", "max", "mean" or "focus": one plane instead of the stack, see
        `cellwright.plate.stack.project`; the tag ``z_route`` says so.
    split_columns, split_rows, split_as
        Tiles of a picture across and down, and what they are: "z" or "channel".
    resize
        New rows and columns, of images, masks and boxes.
    axes, pixel_size
        For files that do not say them. Pixel size in um, one number or (row, column).
    class_name
        Class of the cells (COCO files bring their own).
    dry_run
        Write nothing; ``details["survey"]`` says what was found.
    focus
        With `dry_run`: read all pixels and tell how sharp each plane is.
    quiet
        No progress bar.

    Returns
    -------
    StepResult
        With what failed and why; `details` counts cells and files left out.

    Raises
    ------
    InputError
        If nothing can be imported at all: no images, no name fits, no masks fit; or if a split
        would divide a field.
    """
    if mask_kind not in MASK_KINDS:
        raise InputError(f"mask kind {mask_kind!r} is not known; one of {MASK_KINDS} is wanted")
    if mask_tiles not in (None, *MASK_TILES):
        raise InputError(f"--mask-tiles {mask_tiles!r} is not known; cells or planes is wanted")
    if mask_tiles == "planes" and project is not None:
        raise InputError("--mask-tiles planes gives each plane its own cells, --project makes one "
                         "plane of them; use --planes each")  # fmt: skip
    if output is None and not dry_run:
        raise InputError("no output was given; a folder for the data set is wanted")
    layout = Layout(
        axes=axes,
        pixel_size=(pixel_size, pixel_size) if isinstance(pixel_size, int | float) else pixel_size,
        channels=tuple(channels), channel_names=channel_names(channel),
        keep_channels=tuple(keep_channels), split_rows=split_rows, split_columns=split_columns,
        split_as=split_as, project=project, planes=planes, modalities=modalities, resize=resize,
    )  # fmt: skip
    how = Masks(Path(masks) if masks is not None else None, mask_kind, mask_pattern, mask_tiles,
                class_name)  # fmt: skip
    plan = plan_of(sources, layout, how, pattern, tags, tag_table, where)
    place = Path(output) if output is not None else Path()
    jobs = split_jobs(plan.jobs, split, group=group, seed=seed, late=layout.late_tags,
                      output=None if output is None else place)  # fmt: skip
    plan = replace(plan, jobs=jobs)
    details: dict[str, object] = {
        "left_out": len(plan.left_out), "masks_unused": len(plan.unused),
        "mask_kind": plan.masks.kind if plan.masks.place else None,
    }  # fmt: skip
    if dry_run:
        found = survey(jobs, plan.broken, layout, left_out=plan.left_out, focus=focus, quiet=quiet)
        return StepResult(place, failed=(*plan.failed, *found.failed),
                          details={**details, "survey": found})  # fmt: skip
    result = _write(plan, layout, place, tags, where, quiet)
    return replace(result, details={"cells": result.details["cells"], **details})


def _write(
    plan: Plan,
    layout: Layout,
    output: Path,
    tags: Mapping[str, Tag] | Sequence[str],
    where: Sequence[str],
    quiet: bool,
) -> StepResult:
    masks, failed = plan.masks, list(plan.failed)
    settings = _settings(masks, layout, tags, where)
    done = skipped = cells = 0
    with DatasetWriter(output, class_names=plan.class_names) as writer:
        there = finished(writer)
        for job in track(plan.jobs, "import", total=len(plan.jobs), quiet=quiet):
            try:
                key = fingerprint(job, settings)
                if key in there:
                    skipped += there[key]
                    continue
                samples = samples_of(job, masks, layout, tags, where)
                for sample in samples:
                    if sample.name in writer.done:
                        check_same(writer.record(sample.name), key)
                        skipped += 1
                        continue
                    source = source_of(job, key, len(samples))
                    writer.add(sample, facts={"source": source})
                    done += 1
                    cells += len(sample.instances) if sample.instances else 0
            except (InputError, OSError) as error:
                log.warning("%s", error)
                failed.append(Failure(str(job.files[0]), str(error)))
    write_failures(output, failed)
    return StepResult(output, done, skipped, tuple(failed), {"cells": cells})


def _settings(
    masks: Masks, layout: Layout, tags: Mapping[str, Tag] | Sequence[str], where: Sequence[str]
) -> str:
    """The settings that change images, as text; what is left at its default is not said."""
    found: list[object] = [masks.kind if masks.place else None, masks.class_name, layout.axes,
                           layout.pixel_size, list(layout.channels)]  # fmt: skip
    more = layout.unusual() | ({"mask_tiles": masks.tiles} if masks.tiles else {})
    if layout.late_tags:
        more |= {"tags": [str(r) for r in rules(tags)], "where": list(where)}
    return json.dumps([*found, more] if more else found)
