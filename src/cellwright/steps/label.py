"""Label images without training and without a hand: the pseudo-labels of a data set."""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from cellwright.steps.inputs import image_jobs
from cellwright.steps.progress import track
from cellwright.steps.result import Failure, StepResult, write_failures
from cellwright.steps.settings import note_settings
from cellwright.types import InputError, Sample

log = logging.getLogger(__name__)

SETTINGS_NAME = "label.json"


def label(
    images: str | Path | Sequence[str | Path],
    output: str | Path,
    *,
    segmenter: str = "watershed",
    options: Mapping[str, Any] | None = None,
    quiet: bool = False,
) -> StepResult:
    """Find the cells of `images` with a segmenter and write them as a data set.

    Images that are in `output` already are skipped, so that a stopped call is finished
    by the same call. An image that cannot be used is reported and the rest is done.

    Parameters
    ----------
    images
        Image files, folders of images, or a data set (its own labels are left behind).
    output
        Folder of the data set. Scores of the cells are the segmenter's confidence.
    segmenter
        Name of a segmenter of `cellwright.label.segmenters`.
    options
        Arguments of the segmenter, for example ``{"foreground": "texture"}``.
    quiet
        No progress bar.

    Returns
    -------
    StepResult
        Counts of images; `details` has ``cells`` and ``seconds`` of this call.

    Raises
    ------
    InputError
        No images, two of one name, an unknown segmenter or option, or an `output` that
        was labelled in another way.
    """
    from cellwright.formats.dataset import DatasetWriter
    from cellwright.label.segmenters import segmenter as build

    output, chosen = Path(output), dict(options or {})
    worker = build(segmenter, **chosen)
    jobs = image_jobs(images)
    if any(job.path.resolve().is_relative_to(output.resolve()) for job in jobs):
        raise InputError(f"{output}: the images lie in the output folder; name another one")
    note_settings(output, SETTINGS_NAME, {"segmenter": segmenter, "options": chosen})
    failed: list[Failure] = []
    cells, started = 0, time.perf_counter()
    with DatasetWriter(output) as writer:
        new = [job for job in jobs if job.name not in writer.done]
        for job in track(new, "labelling", quiet=quiet):
            try:
                image = job.read()
                found = worker.segment(image)
                writer.add(Sample(job.name, image, found))
            except (InputError, OSError, MemoryError) as error:
                message = " ".join(str(error).split()) or type(error).__name__
                log.warning("%s was left out: %s", job.path, message)
                failed.append(Failure(str(job.path), message))
                continue
            cells += len(found)
    write_failures(output, failed)
    seconds = time.perf_counter() - started
    done, skipped = len(new) - len(failed), len(jobs) - len(new)
    log.info("labelled %d images, %d cells, %.1f s", done, cells, seconds)
    details = {"segmenter": segmenter, "cells": cells, "seconds": seconds}
    return StepResult(output, done, skipped, tuple(failed), details)
