"""The frames to be read: images, data sets, or files put together by a pattern."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

from cellwright.steps.inputs import ImageJob, image_jobs
from cellwright.steps.result import Failure
from cellwright.types import Image, InputError

#: bytes of pixels beyond which a frame is read piece by piece
LAZY_BYTES = 2**29


def frames_of(
    images: str | Path | Sequence[str | Path],
    *,
    pattern: str | Sequence[str] | None = None,
    channel: Sequence[str] = (),
    pixel_size: float | None = None,
) -> tuple[list[ImageJob], list[Failure]]:
    """One job per frame, and what cannot be put together.

    Parameters
    ----------
    images
        Image files, folders, or a data set.
    pattern
        As in `cellwright.import_images`: files that differ only in ``{channel}`` and ``{z}``
        become one frame.
    channel
        ``KEY=NAME``: names by what file names call a channel.
    pixel_size
        Micrometres, where the files do not say them.

    Raises
    ------
    InputError
        If there is no image, two would have results of one name, or a pixel has no size.
    """
    if pixel_size is not None and not pixel_size > 0:
        raise InputError(f"--pixel-size {pixel_size:g} came: more than 0 is wanted")
    size = (pixel_size, pixel_size) if pixel_size is not None else None
    if pattern is None and not channel:
        jobs = image_jobs(images, lazy_beyond=LAZY_BYTES)
        return [ImageJob(j.name, j.path, partial(_sized, j, size)) for j in jobs], []
    from cellwright.steps.importing.layout import Layout, channel_names
    from cellwright.steps.importing.masks import Masks
    from cellwright.steps.importing.plan import plan_of

    layout = Layout(pixel_size=size, channel_names=channel_names(channel))
    masks = Masks(None, "auto", None, None, "cell")
    plan = plan_of(images, layout, masks, pattern, (), None, ())
    found = []
    for job in plan.jobs:
        found.append(ImageJob(job.name, job.files[0], partial(_put_together, job, masks, layout)))
    names = [job.name for job in found]
    twice = [n for n in dict.fromkeys(names) if names.count(n) > 1]
    if twice:
        raise InputError(f"two frames have one name, {twice[0]!r}; --pattern must tell them apart")
    return found, list(plan.failed)


def _sized(job: ImageJob, size: tuple[float, float] | None) -> Image:
    image = job.read()
    return replace(image, pixel_size=size) if size is not None else image


def _put_together(job: object, masks: object, layout: object) -> Image:
    from cellwright.steps.importing.samples import samples_of

    return samples_of(job, masks, layout, (), ())[0].image  # type: ignore[arg-type]
