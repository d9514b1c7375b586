"""Ground truth of z-stacks by one of three routes, for a whole data set."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from cellwright.steps.progress import track
from cellwright.steps.result import Failure, StepResult, write_failures
from cellwright.steps.settings import note_settings
from cellwright.types import Image, InputError, Instances, Sample, Tag

if TYPE_CHECKING:
    from cellwright.formats.dataset import Dataset

log = logging.getLogger(__name__)

SETTINGS_NAME = "zstack.json"
SHOWN = ("planes", "stack", "median")


@dataclass(frozen=True, slots=True)
class _Field:
    """A stack, or planes that make one with the names `zs`; nothing is read yet."""

    name: str
    indices: tuple[int, ...]
    planes: int
    zs: tuple[Tag, ...] | None = None


def zstack(
    data: str | Path,
    output: str | Path,
    *,
    route: str,
    shown: str | None = None,
    channel: int | str | None = None,
    least: float = 0.5,
    share: float = 0.25,
    iou: float = 0.5,
    gap: int = 1,
    min_planes: int = 1,
    mask: str = "union",
    quiet: bool = False,
) -> StepResult:
    """Write a data set whose z-stacks have their ground truth by one route.

    Parameters
    ----------
    data
        Data set of stacks with one set of cells each, or of planes with cells of their own:
        images that share the tag ``field`` and differ in the tag ``z``.
    output
        Folder of the new data set; its images have the tag ``z_route``. Fields that are there
        already are skipped.
    route
        ``"median"``: the cells of a stack, taken as drawn on its median projection.
        ``"merged"``: one set from those of the planes, by IoU.
        ``"z-aware"``: each plane with the cells seen there, as drawn, or told from the set of
        a stack by their detail in each plane.
    shown
        What the images of the output are: ``"planes"``, ``"stack"`` or ``"median"``. By default
        the projection for "median", planes for the others; "z-aware" is always planes.
    channel, least, share
        As in `cellwright.label.plane_cells.seen_in_planes`.
    iou, gap, min_planes, mask
        As in `cellwright.label.plane_links.merge_planes`.
    quiet
        No progress bar.

    Returns
    -------
    StepResult
        Counts of fields; ``details``: ``images`` and ``cells`` written in this call.

    Raises
    ------
    InputError
        If nothing is a z-stack, settings make no sense, or `output` was made in another way.
    """
    from cellwright.formats.dataset import DatasetWriter, open_dataset
    from cellwright.label.zstack import ROUTES

    if route not in ROUTES:
        raise InputError(f"route {route!r} is unknown; choose one of {', '.join(ROUTES)}")
    view = shown or ("median" if route == "median" else "planes")
    if view not in SHOWN or (route == "z-aware" and view != "planes"):
        raise InputError(f"images as {view!r} came for the route {route}: see cellwright zstack -h")
    options = {"channel": channel, "least": least, "share": share, "iou": iou, "gap": gap,
               "min_planes": min_planes, "mask": mask}  # fmt: skip
    output, dataset = Path(output), open_dataset(data)
    if output.resolve() == dataset.root.resolve():
        raise InputError(f"{output}: the data set itself came as output; name another folder")
    fields = _fields(dataset)
    note_settings(output, SETTINGS_NAME, {"route": route, "shown": view, **options})
    failed: list[Failure] = []
    done = skipped = images = cells = 0
    with DatasetWriter(output, class_names=dataset.class_names) as writer:
        for field in track(fields, route, quiet=quiet):
            if _names(field, view) <= writer.done:
                skipped += 1
                continue
            try:
                for sample in _truth(dataset, field, route, view, options):
                    if sample.name not in writer.done:
                        writer.add(sample)
                        images += 1
                        cells += len(sample.instances or ())
                done += 1
            except (InputError, OSError, MemoryError) as error:
                message = " ".join(str(error).split()) or type(error).__name__
                log.warning("%s was left out: %s", field.name, message)
                failed.append(Failure(field.name, message))
    write_failures(output, failed)
    details = {"images": images, "cells": cells}
    return StepResult(output, done, skipped, tuple(failed), details)


def _fields(dataset: Dataset) -> list[_Field]:
    """Stacks, and planes grouped by their field, in order of first appearance."""
    found: dict[str, list[tuple[float, int]]] = {}
    fields: dict[str, _Field] = {}
    for i, name in enumerate(dataset.names):
        image, tags = dataset.image(i, lazy=True), dataset.tags(i)
        if image.size("Z") > 1:
            fields[name] = _Field(name, (i,), image.size("Z"))
        elif "field" in tags and "z" in tags:
            key = "_".join(str(tags[k]) for k in ("field", "channel") if k in tags)
            found.setdefault(key, []).append((float(tags["z"]), i))
            fields.setdefault(key, _Field(key, (), 0))
    for key, members in found.items():
        if len({z for z, _ in members}) < len(members):
            raise InputError(f"field {key!r} has two images of one plane: their tags z must differ")
        order = tuple(i for _, i in sorted(members))
        zs = tuple(dataset.tags(i)["z"] for i in order)
        fields[key] = _Field(key, order, len(members), zs)
    several = [f for f in fields.values() if f.planes > 1]
    if not several:
        raise InputError(
            f"{dataset.file.path}: no z-stack; images with a z axis, or planes with the tags "
            "field and z are wanted"
        )
    return several


def _names(field: _Field, view: str) -> frozenset[str]:
    """Names of the images that become of a field."""
    from cellwright.label.zstack import plane_name

    if view != "planes":
        return frozenset({field.name})
    return frozenset(plane_name(field.name, z, field.planes, field.zs) for z in range(field.planes))


def _truth(
    dataset: Dataset, field: _Field, route: str, view: str, options: Mapping[str, Any]
) -> Sequence[Sample]:
    from cellwright.label import zstack as routes

    sample, planes = _read(dataset, field)
    linked = {k: options[k] for k in ("iou", "gap")}
    if route == "z-aware":
        seen = {k: options[k] for k in ("channel", "least", "share")}
        return routes.z_aware(sample, planes, zs=field.zs, **seen, **linked)
    if route == "merged":
        if planes is None:
            raise InputError(
                "the stack has one set of cells: the merged route wants those of each plane "
                "(tags field and z)"
            )
        merging = {k: options[k] for k in ("channel", "min_planes", "mask")}
        sample = routes.merged(sample, planes, **merging, **linked)
    elif planes is not None:
        raise InputError(
            "every plane has cells of its own: the median route wants one set, drawn on the "
            "projection; take the route merged"
        )
    if view == "planes":
        if sample.instances is None:
            raise InputError("nobody looked for cells in it")
        return routes.in_planes(sample, sample.instances, route=route, zs=field.zs)
    if view == "median":
        return (routes.on_projection(sample, route=route),)
    tags = {**sample.image.tags, routes.Z_ROUTE: route}
    return (replace(sample, image=replace(sample.image, tags=tags)),)


def _read(dataset: Dataset, field: _Field) -> tuple[Sample, list[Instances] | None]:
    """The stack of a field, and the cells of its planes if they have their own."""
    if len(field.indices) == 1:
        return dataset[field.indices[0]], None
    samples = [dataset[i] for i in field.indices]
    first = samples[0].image
    if len({(s.image.axes, s.image.data.shape) for s in samples}) > 1:
        raise InputError("its planes differ in size or axes")
    missing = [s.name for s in samples if s.instances is None]
    if missing:
        raise InputError(f"nobody looked for cells in {', '.join(missing[:5])}")
    axes = first.axes.replace("T", "")
    parts = [s.image.data.reshape(s.image.data.shape[-len(axes) :]) for s in samples]
    tags = {k: v for k, v in first.tags.items()
            if k != "z" and all(s.image.tags.get(k) == v for s in samples)}  # fmt: skip
    image = Image(np.stack(parts), "Z" + axes, first.pixel_size, first.channels, tags)
    planes = [s.instances for s in samples if s.instances is not None]
    return Sample(field.name, image), planes
