"""Train a method on a data set; a model folder comes out."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cellwright.steps.fold_scores import tuned, watched
from cellwright.steps.learnt import learnt_images
from cellwright.steps.machine import processor, versions
from cellwright.steps.result import StepResult
from cellwright.steps.together import processes, train_together
from cellwright.steps.training_data import TrainingData, gather
from cellwright.steps.training_settings import (
    STATE,
    begin,
    fit_settings,
    normalisation_of,
    resolved,
)
from cellwright.steps.where import Where, wanted_tags
from cellwright.types import InputError

if TYPE_CHECKING:
    from cellwright.train.fit import Hardware

log = logging.getLogger(__name__)


def train(
    dataset: str | Path,
    output: str | Path,
    *,
    method: str = "unet-distance",
    options: Mapping[str, Any] | None = None,
    classes: Sequence[str] | None = None,
    val: str | Path | None = None,
    val_fraction: float = 0.15,
    where: Where = (),
    init: str | Path | None = None,
    epochs: int | None = None,
    minutes: float | None = None,
    crops_per_epoch: int | None = None,
    batch_size: int | None = None,
    crop: tuple[int, int] | None = None,
    scale: tuple[float, float] | None = None,
    light: str | None = None,
    to_diameter: float | None = None,
    optimizer: str | None = None,
    learning_rate: float | None = None,
    weight_decay: float | None = None,
    momentum: float | None = None,
    schedule: str | None = None,
    warm_up_steps: int | None = None,
    milestones: Sequence[int] | None = None,
    least_rate: float | None = None,
    half_cycle: int | None = None,
    plateau_patience: int | None = None,
    loss_weights: Mapping[str, float] | None = None,
    curriculum: tuple[float, float] | None = None,
    patience: int | None = None,
    accumulate: int = 1,
    widths: Sequence[int] | None = None,
    normalise: str | None = None,
    seed: int = 0,
    device: str = "auto",
    precision: str = "auto",
    devices: int | None = None,
    nodes: int = 1,
    strategy: str = "auto",
    jobs: int | None = None,
    resume: bool = False,
    quiet: bool = False,
) -> StepResult:
    """Train `method` on a data set and write a model folder.

    Parameters
    ----------
    dataset
        Data set whose labelled images are trained on; images tagged ``split=test`` are
        left out unless `where` asks for a split, those tagged ``split=val`` become the fold.
    output
        Model folder: ``model.safetensors``, ``model.json``, ``curves.csv``, ``curves.png``,
        and ``training/`` with the state to resume from.
    method
        Name of a registered method.
    options
        Arguments of the method's builder, for example ``{"queries": 200}``.
    classes
        Learn the cells of these classes only.
    val
        Data set of the fold; without it, `val_fraction` of the fields is kept back.
    where
        Tags and values that images must have; values of a repeated tag are alternatives.
    init
        Model folder, or name of a model that ships, to start from; tensors that do not fit are
        listed.
    epochs, minutes
        Budget, one of the two; 60 epochs without either.
    crops_per_epoch
        Crops between two readings of the validation loss; None shows every frame about once.
        With a number of its own, trainings on data sets of unequal sizes take equal steps.
    batch_size, crop, scale, light, accumulate
        Crops per batch, their rows and columns, their magnification, how their intensities are
        changed ("fluorescence" or "transmitted"), and batches added up before a step. Those
        that are None, here and below, are the method's own.
    to_diameter
        As of `cellwright.train.batches.CropSettings`: half of the crops have the cells of their
        frame brought to this typical diameter in pixels first.
    optimizer, learning_rate, weight_decay, momentum, schedule, warm_up_steps, milestones, \
least_rate, half_cycle, plateau_patience
        As of `cellwright.train.schedule.StepSettings`.
    loss_weights
        Factors of the method's losses by name.
    curriculum
        Share of the images, the least dense and overlapping ones, that is learnt from at the
        start, and share of the budget until all are in (`cellwright.train.curriculum`); None
        learns from all from the start. The model keeps it.
    patience
        Epochs without a better validation loss before stopping early; None never does.
    widths
        Channels of each level of the network; the same as the option of this name.
    normalise
        "percentile" (1 and 99.8), "min-max" or "z-score", per image and channel; that of
        `init` if not given, else percentiles. The model keeps it and predicts with it.
    seed
        Of weights and crops.
    device
        ``"auto"``, ``"cpu"``, ``"cuda"``, ``"cuda:1"``, ``"mps"``.
    precision, devices, nodes, strategy
        As of `cellwright.train.fit.Hardware`.
    jobs
        Threads; all cores if not given.
    resume
        Go on where an interrupted training with the same settings stopped.
    quiet
        No progress bar.

    Returns
    -------
    StepResult
        `done` is 1 (0 if the model was finished before); `details` holds epochs, steps,
        seconds, thresholds, the fold's score and tensors that did not fit.

    Raises
    ------
    InputError
        Nothing to train on, an unknown method or setting, a budget given twice, an output that
        holds a model already or was begun with other settings.
    RuntimeError
        One of several processes that train together ended with an error.
    """
    arguments = dict(locals())
    if epochs is not None and minutes is not None:
        raise InputError("epochs and minutes were both given; a training has one budget")
    if minutes is not None and minutes <= 0:
        raise InputError(f"{minutes} minutes came; a training needs more than none")
    if crops_per_epoch is not None and crops_per_epoch < 1:
        raise InputError(f"{crops_per_epoch} crops per epoch came; at least one is wanted")
    from cellwright.augment import LIGHTS, NORMALISATIONS
    from cellwright.train.fit import Hardware
    from cellwright.zoo.builders import entry

    known = entry(method)
    if light not in (None, *LIGHTS):
        raise InputError(f"light {light!r} is not known; one of {', '.join(LIGHTS)} is wanted")
    if normalise not in (None, *NORMALISATIONS):
        raise InputError(
            f"normalisation {normalise!r} is not known; one of {', '.join(NORMALISATIONS)} is "
            "wanted"
        )
    data = gather(
        Path(dataset), val=val, fraction=val_fraction, where=wanted_tags(where), classes=classes
    )
    asked = {
        "batch_size": batch_size, "crop": crop, "scale": scale, "light": light,
        "optimizer": optimizer,
        "learning_rate": learning_rate, "weight_decay": weight_decay, "momentum": momentum,
        "schedule": schedule, "warm_up_steps": warm_up_steps, "milestones": milestones,
        "least_rate": least_rate, "half_cycle": half_cycle, "plateau_patience": plateau_patience,
    }  # fmt: skip
    if to_diameter is not None and not to_diameter > 0:
        raise InputError(f"to_diameter {to_diameter} came: more than 0 pixels are wanted")
    settings = {
        "method": method,
        "options": dict(options or {}) | ({"widths": list(widths)} if widths else {}),
        "data": data.digest,
        "classes": list(classes) if classes else None,
        "val_fraction": val_fraction,
        "init": str(init) if init else None,
        "epochs": epochs if epochs or minutes else 60,
        "minutes": minutes,
        "crops_per_epoch": crops_per_epoch,
        **resolved(asked, known),
        "to_diameter": to_diameter,
        "loss_weights": dict(loss_weights or {}),
        "curriculum": list(curriculum) if curriculum else None,
        "patience": patience,
        "accumulate": accumulate,
        "normalise": normalise,
        "seed": seed,
    }
    fit_settings(settings, 1)
    hardware = Hardware(device, precision, devices, nodes, strategy)
    hardware.trainer_arguments()
    folder = Path(output)
    if begin(folder, settings, resume=resume or nodes > 1 or _joins()):
        log.warning("%s is finished already; nothing was trained", folder)
        return StepResult(folder, skipped=1)
    together = processes(hardware)
    if together > 1:
        return train_together(arguments, together)
    return _train(folder, data, settings, hardware=hardware, jobs=jobs, quiet=quiet)


def _joins() -> bool:
    """Whether this process was started to help one that trains already."""
    import os

    return int(os.environ.get("LOCAL_RANK", "0")) > 0


def _train(
    folder: Path,
    data: TrainingData,
    settings: dict[str, Any],
    *,
    hardware: Hardware,
    jobs: int | None,
    quiet: bool,
) -> StepResult:
    import torch

    from cellwright.train.batches import CropSettings, crops_per_epoch
    from cellwright.train.fit import fit
    from cellwright.train.frames import Frames, frame_shapes
    from cellwright.train.learner import Learner
    from cellwright.zoo.builders import built, entry
    from cellwright.zoo.checkpoint import ModelCard, save_model

    if jobs:
        torch.set_num_threads(jobs)
    inputs, channels = data.inputs()
    known, options = entry(settings["method"]), settings["options"]
    prepared = known.prepare(data.tags, options) if known.prepare else {}
    arguments = {"inputs": inputs, "class_names": list(data.train.class_names)}
    arguments |= dict(options) | prepared
    torch.manual_seed(settings["seed"])
    method = built(known, arguments)
    init = settings["init"]
    unfit = _start_from(Path(init), method) if init else []
    normalisation = normalisation_of(settings["normalise"], init)
    member_of = getattr(method, "member_of", None)
    frames, fold = (
        Frames(part, codec=method.codec, normalisation=normalisation, member_of=member_of)
        for part in (data.train, data.fold)
    )
    crops = CropSettings(
        tuple(settings["crop"]),
        tuple(settings["scale"]),
        settings["seed"],
        settings["light"],
        settings["to_diameter"],
    )
    count = settings["crops_per_epoch"]
    count = count or crops_per_epoch(frame_shapes(data.train), crops.size)
    numbers = fit_settings(settings, count)
    learner = Learner(method, train=frames, fold=fold, crops=crops, settings=numbers)
    card = ModelCard(
        settings["method"],
        known.settled(arguments),
        normalisation,
        pixel_size=data.pixel_size(),
        diameter=data.diameter(),
        window=crops.size,
        channels=channels,
    )
    read = partial(watched, method, card, data.fold, device=hardware.device)
    outcome = dict(
        fit(learner, folder / STATE, hardware=hardware, score=read, resume=True, quiet=quiet)
    )
    if not outcome.pop("first"):
        return StepResult(folder)
    method, thresholds, scores = tuned(method, card, data.fold, device=hardware.device, quiet=quiet)
    card = replace(
        card,
        thresholds=thresholds,
        scores=scores,
        provenance=_provenance(data, settings, outcome),
        learnt=_before(init) | learnt_images(data.train),
        versions=versions(),
    )
    save_model(method, card, folder)
    for state in (folder / STATE).glob("*.safetensors"):
        state.unlink()
    details = {**outcome, "thresholds": thresholds, "scores": scores, "not_taken_from_init": unfit}
    return StepResult(folder, done=1, details=details)


def _start_from(folder: Path, method: Any) -> list[str]:
    """Take over the tensors that fit; the names of those that do not are returned and logged."""
    from cellwright.zoo.checkpoint import load_model
    from cellwright.zoo.shipped import model_folder

    source = load_model(model_folder(folder))[0].net.state_dict()
    target = method.net.state_dict()
    fits = {k: v for k, v in source.items() if k in target and target[k].shape == v.shape}
    if not fits:
        raise InputError(f"{folder}: no tensor fits the network of this method; choose another")
    method.net.load_state_dict(fits, strict=False)
    unfit = sorted(set(source) ^ set(fits) | (set(target) - set(fits)))
    for name in unfit:
        log.warning("%s: tensor %s does not fit and starts afresh", folder, name)
    return unfit


def _before(init: str | None) -> dict[str, str]:
    """Images that the model learnt from which a training starts."""
    from cellwright.zoo.checkpoint import read_card
    from cellwright.zoo.shipped import model_folder

    return read_card(model_folder(init))[0].learnt if init else {}


def _provenance(
    data: TrainingData, settings: dict[str, Any], outcome: Mapping[str, Any]
) -> dict[str, Any]:
    return {
        "dataset": data.source,
        "dataset_digest": data.digest,
        "images": len(data.train),
        "cells": data.cells,
        "fold": list(data.fold.names),
        "options": settings,
        "training": dict(outcome),
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "processor": processor(),
        "licence": "that of the training images",
    }
