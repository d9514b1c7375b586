"""Find and measure the cells of many images; what is done is not done again."""

from __future__ import annotations

import hashlib
import json
import logging
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cellwright.steps.inputs import ImageJob, image_jobs, kept_once
from cellwright.steps.machine import processor, versions
from cellwright.steps.result import Failure, StepResult, write_failures
from cellwright.steps.settings import refuse_others
from cellwright.types import Image, InputError, Instances, Sample

if TYPE_CHECKING:
    from cellwright.predict import Adapted

log = logging.getLogger(__name__)
#: the cells of an image, and what was done to it before
Found = tuple[Instances, dict[str, Any]]

PREDICTIONS, RUN, TABLE = "predictions.json", "run.json", "measurements.csv"
#: result of an image by format: what stands behind its name
SUFFIXES = {
    "labels": "_masks.tif",
    "zarr": "_labels.zarr",
    "rois": "_rois.zip",
    "geojson": ".geojson",
    "overlay": "_overlay.png",
    "measurements": "_measurements.csv",
}
FORMATS = ("coco", *SUFFIXES)
#: bytes of pixels beyond which an image is read piece by piece
LAZY_BYTES = 2**28
#: images of at most this many pixels are taken several at a time
SMALL_PIXELS, TOGETHER = 2**20, 8


def predict(
    images: str | Path | Sequence[str | Path],
    model: str | Path | None,
    output: str | Path,
    *,
    formats: Sequence[str] = ("coco", "labels", "measurements"),
    tile_shape: tuple[int, int] | None = None,
    halo: tuple[int, int] | None = None,
    average: bool = False,
    diameter: float | str | None = None,
    channel: int | str | None = None,
    invert: bool | None = None,
    device: str = "auto",
    jobs: int | None = None,
    quiet: bool = False,
) -> StepResult:
    """Segment images with a model.

    Parameters
    ----------
    images
        Image files, folders of images, or a data set.
    model
        Model folder, or the name of a model that ships; None takes the one that suits the first
        image: ``nuclei`` for cells bright on dark, else ``cells``.
    output
        Folder of the results: ``predictions.json`` (COCO with scores), ``run.json``, and
        per image ``IMG_masks.tif`` and the like. Called again, it goes on: images that are
        in it are skipped.
    formats
        Any of `FORMATS`; ``coco`` is always written.
    tile_shape, halo
        Rows and columns of a tile, and of what is seen around it.
    average
        Average overlapping windows instead of cutting off their halos.
    diameter
        Typical diameter of the cells in pixels: images are brought to the size that the model
        knows, and the cells back. "auto" finds out by a first look; None leaves images as they
        are with a model of yours, and is "auto" with one that ships.
    channel
        Index or name of the one channel to look at. With a model that ships, None takes the
        channel named as a stain, the grey value of a colour photograph, or the only plane.
    invert
        Turn images bright for dark, or not; None does so where a model that ships knows bright
        cells and the image has dark ones.
    device
        ``"auto"``, ``"cpu"``, ``"cuda"`` ...
    jobs
        Threads; all cores if not given.
    quiet
        No progress bar.

    Returns
    -------
    StepResult
        Counts of images; `details` has the cells and seconds of this call.

    Raises
    ------
    InputError
        No images, two of one name, no model, an unknown format or channel, or an output folder
        with results of another model or other settings.
    """
    unknown = sorted(set(formats) - set(FORMATS))
    if unknown:
        raise InputError(f"unknown formats {unknown}; known are {', '.join(FORMATS)}")
    folder = Path(output)
    todo = image_jobs(images, lazy_beyond=LAZY_BYTES)

    import torch

    from cellwright.formats.dataset import DatasetWriter
    from cellwright.predict import Tiling
    from cellwright.steps.adapting import adapted, chosen_model
    from cellwright.steps.extending.origins import pixel_print
    from cellwright.steps.progress import track

    if jobs:
        torch.set_num_threads(jobs)
    if model is None:
        todo = [kept_once(todo[0]), *todo[1:]]
    place = chosen_model(model, todo)
    tiling = Tiling(tile_shape, halo, average)
    predictor = adapted(
        place, tiling=tiling, diameter=diameter, channel=channel, invert=invert, device=device
    )
    settings: dict[str, Any] = {
        "model": place.resolve().name,
        "model_sha256": _model_hash(place),
        "formats": sorted(set(formats) | {"coco"}),
        "tiling": asdict(tiling),
        "half": predictor.half,
        "diameter": predictor.diameter,
        "channel": predictor.channel,
        "invert": predictor.invert,
    }
    learnt = predictor.card.learnt
    _begin(folder, settings, learnt)
    failed: list[Failure] = []
    cells, started = 0, time.perf_counter()
    with DatasetWriter(
        folder, class_names=predictor.card.class_names, annotations=PREDICTIONS, save_images=False
    ) as writer:
        new = [job for job in todo if job.name not in writer.done]
        for job, image, (result, done_to_it), seconds in _segmented(
            track(new, "predicting", quiet=quiet), predictor, failed
        ):
            try:
                mark = pixel_print(image)
                _write(folder, job, image, result, settings["formats"])
            except (OSError, ValueError, MemoryError) as error:
                failed.append(Failure(str(job.path), _line(error)))
                continue
            sample = Sample(job.name, image, result)
            facts = {
                "seconds": round(seconds, 4),
                "cells": len(result),
                "source": str(job.path.resolve()),
                "pixels": mark,
                **done_to_it,
            }
            writer.add(sample, file_name=job.path.name, facts=facts)
            cells += len(result)
        records = [writer.record(n) for n in sorted(writer.done)]
    if "measurements" in settings["formats"]:
        _one_table(folder, [str(r["name"]) for r in records])
    _write_run(folder, settings, learnt, records)
    write_failures(folder, failed)
    done = len(new) - len(failed)
    spent = round(time.perf_counter() - started, 3)
    details = {"cells": cells, "seconds": spent}
    return StepResult(folder, done, len(todo) - len(new), tuple(failed), details)


def _model_hash(model: Path) -> str:
    return hashlib.sha256((model / "model.json").read_bytes()).hexdigest()


def _begin(folder: Path, settings: Mapping[str, Any], learnt: Mapping[str, str]) -> None:
    """Write the settings of a new run, or make sure that an earlier one had the same."""
    from cellwright.formats.atomic import write_json

    path = folder / RUN
    if not path.is_file():
        write_json({"schema_version": 1, **_run_head(settings, learnt), "images": []}, path)
        return
    refuse_others(
        folder, json.loads(path.read_text(encoding="utf-8")).get("settings", {}), settings
    )


def _run_head(settings: Mapping[str, Any], learnt: Mapping[str, str]) -> dict[str, Any]:
    return {
        "model": settings["model"],
        "settings": dict(settings),
        "versions": versions(),
        "processor": processor(),
        "learnt": dict(learnt),
    }


def _segmented(
    jobs: Iterator[ImageJob], predictor: Adapted, failed: list[Failure]
) -> Iterator[tuple[ImageJob, Image, Found, float]]:
    """Images with their cells and seconds, small ones several at a time; failures are noted."""
    waiting: list[tuple[ImageJob, Image]] = []
    for job in jobs:
        try:
            image = job.read()
            predictor.check(image)
            _compare_pixel_size(job, image, predictor.card.pixel_size)
        except (OSError, ValueError, MemoryError) as error:
            failed.append(Failure(str(job.path), _line(error)))
            continue
        small = image.shape[0] * image.shape[1] <= SMALL_PIXELS
        if waiting and (not small or waiting[0][1].shape != image.shape):
            yield from _batch(waiting, predictor, failed)
            waiting = []
        waiting.append((job, image))
        if not small or len(waiting) == TOGETHER:
            yield from _batch(waiting, predictor, failed)
            waiting = []
    if waiting:
        yield from _batch(waiting, predictor, failed)


def _compare_pixel_size(job: ImageJob, image: Image, trained: tuple[float, float] | None) -> None:
    """Warn if the cells of `image` are magnified otherwise than those the model knows."""
    if trained is None or image.pixel_size is None:
        return
    ratio = max(image.pixel_size[0] / trained[0], trained[0] / image.pixel_size[0])
    if ratio > 1.5:
        log.warning(
            "%s: a pixel is %.3g um, the model was trained at %.3g um; cells may be missed",
            job.path,
            image.pixel_size[0],
            trained[0],
        )


def _batch(
    some: Sequence[tuple[ImageJob, Image]], predictor: Adapted, failed: list[Failure]
) -> Iterator[tuple[ImageJob, Image, Found, float]]:
    start = time.perf_counter()
    try:
        results = predictor.segment_many([image for _, image in some])
    except (OSError, ValueError, MemoryError) as error:
        failed.extend(Failure(str(job.path), _line(error)) for job, _ in some)
        return
    seconds = (time.perf_counter() - start) / len(some)
    for (job, image), result in zip(some, results, strict=True):
        if result[1]:
            told = ", ".join(f"{key} {value}" for key, value in result[1].items())
            log.info("%s: made like the training images: %s", job.path, told)
        if not len(result[0]):
            log.warning("%s: no cell was found; lower thresholds, or another model?", job.path)
        yield job, image, result, seconds


def _write(
    folder: Path, job: ImageJob, image: Image, result: Instances, formats: Sequence[str]
) -> None:
    """The results of one image beside `predictions.json`, each atomically."""
    from cellwright.formats.atomic import atomic_path
    from cellwright.formats.files import write_image, write_instances

    for kind in formats:
        if kind == "coco":
            continue
        path = folder / f"{job.name}{SUFFIXES[kind]}"
        if kind == "overlay":
            import numpy as np

            from cellwright.report.overlay import overlay

            picture = np.moveaxis(overlay(image, result), -1, 0)
            write_image(Image(picture, "CYX"), path)
        elif kind == "measurements":
            from cellwright.measure.regions import measure

            table = measure(image, result)
            with atomic_path(path) as target:
                table.to_csv(target, index=False)
        else:
            write_instances(result, path, format=kind)


def _one_table(folder: Path, names: Sequence[str]) -> None:
    """The tables of all images one under the other, with the image's name in front."""
    import pandas

    from cellwright.formats.atomic import atomic_path

    tables = [pandas.read_csv(folder / f"{n}{SUFFIXES['measurements']}") for n in names]
    for name, table in zip(names, tables, strict=True):
        table.insert(0, "image", name)
    filled = [t for t in tables if len(t)] or tables[:1]
    whole = pandas.concat(filled, ignore_index=True) if filled else pandas.DataFrame()
    with atomic_path(folder / TABLE) as target:
        whole.to_csv(target, index=False)


def _write_run(
    folder: Path,
    settings: Mapping[str, Any],
    learnt: Mapping[str, str],
    records: Sequence[Mapping[str, Any]],
) -> None:
    """``run.json``: settings, versions, what the model learnt from, seconds of each image."""
    from cellwright.formats.atomic import write_json

    images = [
        {
            "name": r["name"],
            "path": r.get("source", r["file_name"]),
            "seconds": r.get("seconds"),
            "cells": r.get("cells"),
            **{k: r[k] for k in ("channel", "inverted", "magnified") if k in r},
        }
        for r in records
    ]
    write_json({"schema_version": 1, **_run_head(settings, learnt), "images": images}, folder / RUN)


def _line(error: BaseException) -> str:
    return " ".join(str(error).split()) or type(error).__name__
