"""The images a step is to work on: files, folders and data sets, each read when its turn comes."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from cellwright.types import Image, InputError


@dataclass(frozen=True, slots=True)
class ImageJob:
    """One image, not read yet.

    Parameters
    ----------
    name
        Name of the image and of its results.
    path
        Where its pixels lie.
    read
        Reads it.
    """

    name: str
    path: Path
    read: Callable[[], Image]


def image_jobs(
    sources: str | Path | Sequence[str | Path], *, lazy_beyond: int | None = None
) -> list[ImageJob]:
    """One job per image of files, folders and data sets, in their order.

    Parameters
    ----------
    sources
        Image files, folders of images, data sets.
    lazy_beyond
        Bytes of pixels beyond which an image is read piece by piece, whatever its file's
        size; None reads all as a whole.

    Raises
    ------
    InputError
        If a source holds no image, or two images have one name, as their results would.
    """
    from cellwright.formats.dataset import ANNOTATIONS, open_dataset
    from cellwright.formats.files import image_files, read_image, stem

    jobs: list[ImageJob] = []
    for source in map(Path, [sources] if isinstance(sources, str | Path) else sources):
        if (source / ANNOTATIONS).is_file() or source.name == ANNOTATIONS:
            dataset = open_dataset(source)
            for i, name in enumerate(dataset.names):
                path = dataset.path(i)
                jobs.append(
                    ImageJob(name, path, partial(_read, partial(dataset.image, i), lazy_beyond))
                )
        else:
            for path in image_files(source):
                read = partial(_read, partial(read_image, path), lazy_beyond)
                jobs.append(ImageJob(stem(path), path, read))
    seen: dict[str, Path] = {}
    for job in jobs:
        if job.name in seen:
            raise InputError(
                f"{seen[job.name]} and {job.path} have one name, {job.name!r}, and so would "
                "their results; rename one of them, or use two output folders"
            )
        seen[job.name] = job.path
    return jobs


def kept_once(job: ImageJob) -> ImageJob:
    """A job whose image, read to be looked at, is there for the next who reads it."""
    waiting: list[Image] = []

    def read() -> Image:
        if waiting:
            return waiting.pop()
        waiting.append(job.read())
        return waiting[0]

    return replace(job, read=read)


def _read(reader: Callable[..., Image], lazy_beyond: int | None) -> Image:
    if lazy_beyond is not None:
        image = reader(lazy=True)
        if math.prod(image.data.shape) * image.data.dtype.itemsize > lazy_beyond:
            return image
    return reader(lazy=False)
