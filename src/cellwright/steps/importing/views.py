"""The images that a field becomes: its stack, a projection, one a plane, one a channel."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from cellwright.plate.stack import plane, project_image
from cellwright.steps.importing.jobs import Job, modality_of
from cellwright.steps.importing.layout import Layout
from cellwright.steps.importing.pixels import image_of
from cellwright.types import Image, InputError, Tag

Z_ROUTE = "z_route"
"""Tag: how the truth of a z-stack comes about. "median", "max", "mean", "focus": on that
projection; "merged": one set of cells for all planes; "plane": each plane has its own."""


@dataclass(frozen=True)
class View:
    """One image of a field; `z` is the plane that it shows, None for all of them."""

    name: str
    image: Image
    z: Tag | None = None


def views_of(job: Job, layout: Layout, *, own_masks: bool) -> Iterator[View]:
    """The images that `job` becomes, with their tags.

    `own_masks` says that planes have cells of their own, not those of the field.
    """
    apart = layout.planes == "each" or layout.modalities == "each"
    image = image_of(job.field, layout, lazy=layout.project is not None or apart)
    tags = _tags(job, image, layout)
    if apart:
        tags.setdefault("field", job.name)
    for channel, one in _channels(image, job, layout):
        named = dict(tags)
        parts = [job.name]
        if channel is not None:
            named |= {"channel": channel, "modality": channel}
            parts.append(channel)
        if layout.project is not None and "Z" in one.axes:
            one = project_image(one, layout.project)
            named.setdefault(Z_ROUTE, layout.project)
        if layout.planes == "each" and "Z" in one.axes:
            for i, z in enumerate(_zs(job, one)):
                route = "plane" if own_masks or not (job.masks or job.truth) else "merged"
                more: dict[str, Tag] = {Z_ROUTE: route, "z": z}
                yield View("_".join([*parts, f"z{z}"]), _done(plane(one, i), {**more, **named}), z)
        else:
            yield View("_".join(parts), _done(one, named), named.get("z"))


def _tags(job: Job, image: Image, layout: Layout) -> dict[str, Tag]:
    tags = dict(job.tags)
    if layout.channel_names and image.channels:
        tags.setdefault("modality", modality_of(image.channels))
        if len(image.channels) == 1:
            tags.setdefault("channel", image.channels[0])
    return tags


def _channels(image: Image, job: Job, layout: Layout) -> Iterator[tuple[str | None, Image]]:
    """The image, or with ``modalities="each"`` each of its channels with its name."""
    if layout.modalities != "each" or "C" not in image.axes:
        yield None, image
        return
    at = image.axes.index("C")
    names = image.channels or tuple(str(i + 1) for i in range(image.size("C")))
    flat = {str(c) for c in job.field.flat}
    for i, name in enumerate(names):
        data = image.data[(*[slice(None)] * at, i)]
        one = replace(image, data=data, axes=image.axes.replace("C", ""), channels=(name,))
        if name in flat and "Z" in one.axes:
            one = plane(one, 0)  # the same picture stands at every z
        yield name, one


def _zs(job: Job, image: Image) -> list[Tag]:
    """What the planes are called: as the file names say, else counted from 1."""
    named = [z for z in job.field.zs if z is not None]
    return named if len(named) == image.size("Z") > 1 else [i + 1 for i in range(image.size("Z"))]


def _done(image: Image, tags: dict[str, Tag]) -> Image:
    image = replace(image, data=np.ascontiguousarray(image.data), tags=tags)
    if np.issubdtype(image.data.dtype, np.floating) and not np.isfinite(image.data).all():
        raise InputError("some pixels are NaN or infinite; finite numbers are wanted")
    return image
