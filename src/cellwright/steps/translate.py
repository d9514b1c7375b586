"""Translate images into another kind of picture; the cells of a data set stay with them."""

from __future__ import annotations

import hashlib
import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from cellwright.steps.inputs import image_jobs
from cellwright.steps.progress import track
from cellwright.steps.result import Failure, StepResult, write_failures
from cellwright.steps.settings import note_settings
from cellwright.types import Image, InputError, Instances, Sample

if TYPE_CHECKING:
    from cellwright.formats.dataset import Dataset
    from cellwright.zoo.translator import TranslatorCard

log = logging.getLogger(__name__)
SETTINGS = "translate.json"


@dataclass(frozen=True, slots=True)
class _Job:
    """One image with its cells, not read yet."""

    name: str
    path: Path
    read: Callable[[], Image]
    cells: Callable[[], Instances | None]


def translate(
    images: str | Path | Sequence[str | Path],
    model: str | Path,
    output: str | Path,
    *,
    seed: int = 0,
    tile: int | None = None,
    device: str = "auto",
    jobs: int | None = None,
    quiet: bool = False,
) -> StepResult:
    """Translate images into a new data set.

    Frames of any size are translated in tiles that overlap by half, without seams. The noise of
    an image is drawn from `seed` and its name, so that neither order nor resumption matters.

    Parameters
    ----------
    images
        Image files, folders of images, or data sets, whose cells are kept.
    model
        Folder that `cellwright.learn_translation` wrote.
    output
        Data set to write. Called again, it goes on: images that are in it are skipped.
    seed
        Of the noise (dropout at inference); an autoencoder has none.
    tile
        Rows and columns of a tile; those of the training crops by default.
    device
        ``"auto"``, ``"cpu"``, ``"cuda"`` ...
    jobs
        Threads; all cores if not given.
    quiet
        No progress bar.

    Returns
    -------
    StepResult
        Counts of images; images that cannot be read or lack the channels are in `failed`.

    Raises
    ------
    InputError
        No images, two of one name, no translator, a tile that does not fit, or an output made
        with other settings.
    """
    import torch

    from cellwright.formats.dataset import DatasetWriter
    from cellwright.synth.translate import load_translator
    from cellwright.zoo.translator import CARD

    if jobs:
        torch.set_num_threads(jobs)
    translator = load_translator(model, device)
    size = (tile, tile) if tile else None
    translator.tile_shape(size)
    todo, class_names = _jobs(images, translator.card)
    folder = Path(output)
    card = (Path(model) / CARD).read_bytes()
    note_settings(folder, SETTINGS, {
        "schema_version": 1,
        "model": Path(model).resolve().name,
        "model_sha256": hashlib.sha256(card).hexdigest(),
        "seed": seed,
        "tile": tile,
    })  # fmt: skip
    failed: list[Failure] = []
    started = time.perf_counter()
    with DatasetWriter(folder, class_names=class_names) as writer:
        new = [job for job in todo if job.name not in writer.done]
        for job in track(new, "translating", quiet=quiet):
            try:
                image = job.read()
                _compare_pixel_size(job, image, translator.card.pixel_size)
                made = translator.apply(image, seed_of(seed, job.name), tile=size)
                made = replace(made, tags={**made.tags, "translator": Path(model).resolve().name})
                sample = Sample(job.name, made, job.cells())
            except (OSError, ValueError, MemoryError) as error:
                failed.append(Failure(str(job.path), " ".join(str(error).split())))
                continue
            writer.add(sample, facts={"source": str(job.path.resolve())})
    write_failures(folder, failed)
    spent = round(time.perf_counter() - started, 3)
    return StepResult(
        folder, len(new) - len(failed), len(todo) - len(new), tuple(failed), {"seconds": spent}
    )


def seed_of(seed: int, name: str) -> int:
    """Seed of the noise of the image `name`."""
    return int.from_bytes(hashlib.sha256(f"{seed}/{name}".encode()).digest()[:7], "big")


def _jobs(
    images: str | Path | Sequence[str | Path], card: TranslatorCard
) -> tuple[list[_Job], tuple[str, ...]]:
    """Every image with its cells, and the classes of all."""
    from cellwright.formats.dataset import ANNOTATIONS, open_dataset
    from cellwright.steps.translation_data import MASKS, source_image

    jobs: list[_Job] = []
    classes: dict[str, None] = {}
    given: Sequence[str | Path] = [images] if isinstance(images, str | Path) else images
    masks = card.source == (MASKS,)
    for place in map(Path, given):
        if not ((place / ANNOTATIONS).is_file() or place.name == ANNOTATIONS):
            if masks:
                raise InputError(f"{place} is not a data set: this translator is shown labels")
            jobs += [_Job(j.name, j.path, j.read, lambda: None) for j in image_jobs(place)]
            continue
        dataset = open_dataset(place)
        if masks and dataset.class_names != card.classes:
            raise InputError(
                f"{place} has the classes {', '.join(dataset.class_names)}, the translator knows "
                f"{', '.join(card.classes)}"
            )
        classes |= dict.fromkeys(dataset.class_names)
        for i, name in enumerate(dataset.names):
            read = partial(source_image, dataset, i, card.source) if masks else partial(
                dataset.image, i)  # fmt: skip
            jobs.append(_Job(name, dataset.path(i), read, partial(_cells, dataset, i)))
    names = [job.name for job in jobs]
    twice = sorted({n for n in names if names.count(n) > 1}) if len(set(names)) < len(names) else []
    if twice:
        raise InputError(
            f"{len(twice)} names came twice ({twice[0]!r} ...): rename, or use two output folders"
        )
    return jobs, tuple(classes) or ("cell",)


def _cells(dataset: Dataset, index: int) -> Instances | None:
    return dataset.instances(index) if dataset.labelled(index) else None


def _compare_pixel_size(job: _Job, image: Image, trained: tuple[float, float] | None) -> None:
    """Warn if `image` is magnified otherwise than the pictures that were learnt from."""
    if trained is None or image.pixel_size is None:
        return
    ratio = max(image.pixel_size[0] / trained[0], trained[0] / image.pixel_size[0])
    if ratio > 1.1:
        log.warning(
            "%s: a pixel is %.3g um, the translator learnt at %.3g um; bring it to that first",
            job.path, image.pixel_size[0], trained[0],
        )  # fmt: skip
