"""Images in, trained model out, without one label: P5's route whole, and self-training."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from cellwright.steps.inputs import ImageJob, image_jobs
from cellwright.steps.pseudo_labels import (
    REJECTED,
    first_labels,
    next_labels,
    summary,
    verdicts,
    write_labels,
)
from cellwright.steps.result import Failure, StepResult, write_failures
from cellwright.steps.self_training import best, goes_on, held_out_agreement, take_over
from cellwright.steps.settings import note_settings
from cellwright.types import Image, InputError, Instances

log = logging.getLogger(__name__)

#: what is trained unless another method is asked for
METHOD = "unet-fast"
#: part of the images that is kept out of training
HELD_OUT = 0.15
SETTINGS_NAME, KEPT_NAME, AGREEMENT_NAME = "zero_shot.json", "kept.json", "agreement.json"


def zero_shot(
    images: str | Path | Sequence[str | Path],
    output: str | Path,
    *,
    coarse: str = "watershed",
    prompts: str = "none",
    rejected: str = "fill",
    method: str = METHOD,
    options: Mapping[str, Any] | None = None,
    minutes: float = 10.0,
    rounds: int = 2,
    seed: int = 0,
    device: str = "auto",
    jobs: int | None = None,
    quiet: bool = False,
) -> StepResult:
    """Train a model on images alone: coarse cells, prompts, filter, training, self-training.

    A stopped call is finished by the same call. No label is read, not even those that a data set
    may hold; images tagged ``split=test`` are labelled but not trained on.

    Parameters
    ----------
    images
        Image files, folders of images, or a data set.
    output
        Model folder. ``rounds/N`` holds the labels and the model of each round: ``labels`` is a
        COCO data set (scores are consistencies; cells left out are in ``left_out.json`` with
        their reasons). ``kept.json`` has the counts and the agreement of each round,
        ``report.html`` shows the labels of the chosen round.
    coarse
        Name of a coarse segmenter.
    prompts
        Promptable segmenter that draws the masks; "none" takes the coarse cells themselves.
    rejected
        What becomes of cells that are left out: "fill" puts background in their place, as P5
        does; "ignore" leaves the image as it is and their pixels out of the loss (the labels hold
        a region tagged ``iscrowd`` there; methods that draw each cell by itself see background).
    method, options
        What is trained, and arguments of its builder.
    minutes
        Time given to the first training; each further round gets half of it.
    rounds
        Rounds of self-training at most; it stops when held-out agreement stops rising.
    seed
        Of weights and crops.
    device
        ``"auto"``, ``"cpu"``, ``"cuda"`` ...
    jobs
        Threads; all cores if not given.
    quiet
        No progress bar.

    Returns
    -------
    StepResult
        Counts of images; ``details`` holds ``rounds`` (kept and left out by reason, agreement),
        ``chosen`` (the round whose model was taken) and ``report``.

    Raises
    ------
    InputError
        No images, no cell kept, an unknown segmenter or method, rounds or minutes that make no
        sense, or an output that was begun with other settings.
    """
    if rounds < 0 or minutes <= 0:
        raise InputError(
            f"{rounds} rounds and {minutes} minutes came: wanted are 0 or more, and more than 0"
        )
    if rejected not in REJECTED:
        raise InputError(f"rejected {rejected!r} came; one of {', '.join(REJECTED)} is wanted")
    from cellwright.train.fold import tuning_fold
    from cellwright.zoo.builders import entry

    entry(method)
    folder, find = Path(output), first_labels(coarse, prompts)
    work = image_jobs(images)
    log.info("%d images; masks that came along with them, if any, are not read", len(work))
    settings = {
        "images": [job.name for job in work], "coarse": coarse, "prompts": prompts,
        "rejected": rejected, "method": method, "options": dict(options or {}), "minutes": minutes,
        "seed": seed,
    }  # fmt: skip
    note_settings(folder, SETTINGS_NAME, settings)
    names = [job.name for job in work]
    _, second = tuning_fold(names, [{}] * len(names), fraction=HELD_OUT)
    held = {names[i] for i in second}
    fold = held if len(names) > 1 else set()
    run = {"device": device, "jobs": jobs, "quiet": quiet}
    fit = {"method": method, "options": options, "seed": seed, **run}
    failed: list[Failure] = []
    done: list[dict[str, Any]] = []
    curve: list[float] = []
    while not curve or goes_on(curve, rounds=rounds):
        number = len(curve)
        here = folder / "rounds" / str(number)
        labels, model = here / "labels", here / "model"
        if number:
            find = _relabel(folder / "rounds" / str(number - 1), fold, device)
        failed += write_labels(
            work, labels, find, rejected=rejected, held_out=fold, quiet=quiet,
            say=f"labels of round {number}",
        )  # fmt: skip
        if number == 0:
            work = _usable(work, failed)
        counts = summary(labels)
        if not _learnable(labels, fold):
            if number:
                log.warning("round %d keeps no cell: self-training ends before it", number)
                break
            raise InputError(f"{labels}: no cell was kept, {counts}: try another coarse segmenter")
        _train(labels, model, fit, minutes if number == 0 else minutes / 2, number)
        seen = _agreement(here, partial(_segmenter, model, device), labels, held)
        done.append({"cells": counts, **seen})
        curve.append(seen["agreement"])
    chosen = best(curve)
    here = folder / "rounds" / str(chosen)
    take_over(here / "model", folder)
    page = _finish(folder, here, done, chosen, quiet)
    write_failures(folder, failed)
    details = {"rounds": done, "chosen": chosen, "report": str(page)}
    return StepResult(folder, len(work), 0, tuple(failed), details)


def _usable(work: Sequence[ImageJob], failed: Sequence[Failure]) -> list[ImageJob]:
    """The images that were labelled; those that failed are not tried again in each round."""
    bad = {failure.path for failure in failed}
    return [job for job in work if str(job.path) not in bad]


def _learnable(labels: Path, fold: set[str]) -> bool:
    """Whether an image that is trained on holds a cell."""
    return any(len(kept) for name, (kept, _) in verdicts(labels).items() if name not in fold)


def _segmenter(model: Path, device: str) -> Callable[[Image], Instances]:
    from cellwright.predict import predictor_for
    from cellwright.zoo.checkpoint import load_model

    method, card = load_model(model)
    return predictor_for(method, card, device=device).segment


def _relabel(before: Path, held: set[str], device: str) -> Callable[[ImageJob, Image], Any]:
    old = verdicts(before / "labels")
    return next_labels(_segmenter(before / "model", device), old, held)


def _train(labels: Path, model: Path, fit: dict[str, Any], minutes: float, number: int) -> None:
    """Train, or finish a training; round 0 begins afresh, the others from the model before."""
    from cellwright.steps.train import train

    init = model.parent.parent / str(number - 1) / "model" if number else None
    train(labels, model, init=init, minutes=minutes, resume=model.exists(), **fit)


def _agreement(
    here: Path, load: Callable[[], Callable[[Image], Instances]], labels: Path, held: set[str]
) -> dict[str, float]:
    """Agreement on the held-out images, kept in a file once it is known."""
    from cellwright.formats.atomic import write_json

    note = here / AGREEMENT_NAME
    if not note.is_file():
        write_json(held_out_agreement(load(), labels, held), note)
    return dict(json.loads(note.read_text(encoding="utf-8")))


def _finish(
    folder: Path, here: Path, done: Sequence[Mapping[str, Any]], chosen: int, quiet: bool
) -> Path:
    """Counts of every round and the page about the chosen one."""
    from cellwright.formats.atomic import write_json
    from cellwright.steps.report import report

    write_json({"schema_version": 1, "chosen": chosen, "rounds": list(done)}, folder / KEPT_NAME)
    lines = [
        f"round {i}: {row['cells']['kept']} cells kept, "
        + ", ".join(f"{n} left out ({r})" for r, n in row["cells"].items() if r != "kept")
        + f"; held-out agreement {row['agreement']:.3f}"
        for i, row in enumerate(done)
    ]
    page = folder / "report.html"
    first = f"Labels made without a hand; the model is that of round {chosen}. " + ". ".join(lines)
    report(
        [here / "model", here / "labels"], page, title="Zero-shot training", first_line=first,
        quiet=quiet,
    )  # fmt: skip
    return page
