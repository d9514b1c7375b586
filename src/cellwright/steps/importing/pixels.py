"""The pixels of one image from the files of its planes."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from cellwright.formats import read_image
from cellwright.steps.importing.jobs import Job
from cellwright.types import Image, InputError


def image_of(
    job: Job,
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
