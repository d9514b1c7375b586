"""Train a method on a data set; a model folder comes out."""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cellwright.steps.machine import processor, versions
from cellwright.steps.result import StepResult
from cellwright.types import InputError

if TYPE_CHECKING:
    from cellwright.formats.dataset import Dataset
    from cellwright.zoo.checkpoint import ModelCard
    from cellwright.zoo.method import DenseMethod, Normalisation

log = logging.getLogger(__name__)

STATE, SETTINGS = "training", "settings.json"
#: pixels of the fold that thresholds are tuned on at most
TUNING_PIXELS = 12_000_000


@dataclass(frozen=True, slots=True)
class _Data:
    """Images to train on and the fold to watch and tune on."""

    train: Dataset
    fold: Dataset
    source: str
    digest: str


def train(
    dataset: str | Path,
    output: str | Path,
    *,
    method: str = "unet-distance",
    val: str | Path | None = None,
    val_fraction: float = 0.15,
    where: Sequence[tuple[str, str]] | Mapping[str, str] = (),
    init: str | Path | None = None,
    epochs: int | None = None,
    minutes: float | None = None,
    batch_size: int = 4,
    crop: tuple[int, int] = (256, 256),
    scale: tuple[float, float] = (0.6, 1.7),
    learning_rate: float = 2e-3,
    patience: int | None = None,
    accumulate: int = 1,
    widths: Sequence[int] | None = None,
    normalise: str | None = None,
    seed: int = 0,
    device: str = "auto",
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
    val
        Data set of the fold; without it, `val_fraction` of the fields is kept back.
    where
        Tags and values that images must have; values of a repeated tag are alternatives.
    init
        Model folder to start from; tensors that do not fit are listed.
    epochs, minutes
        Budget, one of the two; 60 epochs without either.
    batch_size, crop, scale, learning_rate, accumulate
        Crops per step, their rows and columns, their magnification, the peak of the
        learning-rate cycle, and batches added up before a step.
    patience
        Epochs without a better validation loss before stopping early; None never does.
    widths
        Channels of each level of the network, if not the method's own.
    normalise
        "percentile" (1 and 99.8), "min-max" or "z-score", per image and channel; that of
        `init` if not given, else percentiles. The model keeps it and predicts with it.
    seed
        Of weights and crops.
    device
        ``"auto"``, ``"cpu"``, ``"cuda"``, ``"cuda:1"``, ``"mps"``.
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
        Nothing to train on, an unknown method, a budget given twice, an output that holds a
        model already or was begun with other settings.
    """
    if epochs is not None and minutes is not None:
        raise InputError("epochs and minutes were both given; a training has one budget")
    if minutes is not None and minutes <= 0:
        raise InputError(f"{minutes} minutes came; a training needs more than none")
    from cellwright.augment import NORMALISATIONS
    from cellwright.zoo.builders import entry

    entry(method)
    if normalise not in (None, *NORMALISATIONS):
        raise InputError(
            f"normalisation {normalise!r} is not known; one of {', '.join(NORMALISATIONS)} is "
            "wanted"
        )
    folder = Path(output)
    data = _data(Path(dataset), val, val_fraction, _tags(where))
    options = {
        "method": method,
        "data": data.digest,
        "val_fraction": val_fraction,
        "init": str(init) if init else None,
        "epochs": epochs if epochs or minutes else 60,
        "minutes": minutes,
        "batch_size": batch_size,
        "crop": list(crop),
        "scale": list(scale),
        "learning_rate": learning_rate,
        "patience": patience,
        "accumulate": accumulate,
        "widths": list(widths) if widths else None,
        "normalise": normalise,
        "seed": seed,
    }
    if _begin(folder, options, resume):
        log.warning("%s is finished already; nothing was trained", folder)
        return StepResult(folder, skipped=1)
    return _train(folder, data, options, init=init, device=device, jobs=jobs, quiet=quiet)


def _normalisation(kind: str | None, init: str | Path | None) -> Normalisation:
    """As asked for, else that of the model to start from, else the default."""
    from cellwright.zoo.checkpoint import read_card
    from cellwright.zoo.method import Normalisation

    if kind is not None:
        return Normalisation(kind=kind)
    return read_card(Path(init))[0].normalisation if init else Normalisation()


def _tags(where: Sequence[tuple[str, str]] | Mapping[str, str]) -> dict[str, list[str]]:
    pairs = list(where.items()) if isinstance(where, Mapping) else list(where)
    return {key: [v for k, v in pairs if k == key] for key, _ in pairs}


def _data(
    path: Path, val: str | Path | None, fraction: float, where: dict[str, list[str]]
) -> _Data:
    """Labelled images that `where` asks for, split into training part and fold."""
    from cellwright.formats.dataset import open_dataset
    from cellwright.label.zstack import mixed_routes
    from cellwright.train.fold import tuning_fold

    whole = _labelled(open_dataset(path))
    part = whole.where(**where) if where else whole
    splits = [str(part.tags(i).get("split", "")) for i in range(len(part))]
    if "split" not in where and "test" in splits:
        log.info("%d images of split test are left out", splits.count("test"))
        part = part.subset([i for i, s in enumerate(splits) if s != "test"])
        splits = [s for s in splits if s != "test"]
    tags = [part.tags(i) for i in range(len(part))]
    if val is not None:
        train, fold = part, _labelled(open_dataset(val))
    elif "split" not in where and "val" in splits and set(splits) != {"val"}:
        train = part.subset([i for i, s in enumerate(splits) if s != "val"])
        fold = part.subset([i for i, s in enumerate(splits) if s == "val"])
    else:
        first, second = tuning_fold(part.names, tags, fraction=fraction)
        train, fold = part.subset(first), part.subset(second)
    parts = {"training": train, "the fold": fold}
    for line in mixed_routes(
        {name: [data.tags(i) for i in range(len(data))] for name, data in parts.items()}
    ):
        log.warning("%s", line)
    if not any(len(train.instances(i)) for i in range(len(train))):
        raise InputError(f"{path}: none of the {len(train)} training images holds a cell")
    text = json.dumps([path.name, _content(train), _content(fold)])
    return _Data(train, fold, path.name, hashlib.sha256(text.encode()).hexdigest())


def _labelled(dataset: Dataset) -> Dataset:
    return dataset.subset([i for i in range(len(dataset)) if dataset.labelled(i)])


def _content(dataset: Dataset) -> list[Any]:
    """What makes a data set the one it is: names, sizes and numbers of cells."""
    return [
        (name, dataset.shape(i), len(dataset.instances(i))) for i, name in enumerate(dataset.names)
    ]


def _begin(folder: Path, options: dict[str, Any], resume: bool) -> bool:
    """Prepare the output folder; True if the model in it is finished."""
    from cellwright.formats.atomic import write_json

    record, model = folder / STATE / SETTINGS, folder / "model.json"
    if not resume and (model.is_file() or record.is_file()):
        kind = "a model" if model.is_file() else "a training that was begun"
        raise InputError(
            f"{folder} holds {kind}; give --resume to go on with it, or another output folder"
        )
    if not record.is_file():
        if model.is_file():
            raise InputError(f"{folder} holds a model without its training; use another folder")
        if resume:
            log.warning("%s holds no training to resume; it begins anew", folder)
        write_json(options, record)
        return False
    earlier = json.loads(record.read_text(encoding="utf-8"))
    changed = [k for k in options if earlier.get(k) != options[k]]
    if changed:
        told = ", ".join(f"{k} was {earlier.get(k)}, now {options[k]}" for k in changed)
        raise InputError(f"{folder} was begun with other settings ({told}); use another folder")
    return model.is_file()


def _train(
    folder: Path,
    data: _Data,
    options: dict[str, Any],
    *,
    init: str | Path | None,
    device: str,
    jobs: int | None,
    quiet: bool,
) -> StepResult:
    import torch

    from cellwright.train.batches import CropSettings, Frames, crops_per_epoch, frame_shapes
    from cellwright.train.fit import Budget, FitSettings, Learner, fit
    from cellwright.zoo.builders import build
    from cellwright.zoo.checkpoint import ModelCard, save_model

    if jobs:
        torch.set_num_threads(jobs)
    inputs, channels = _inputs(data)
    names = data.train.class_names
    arguments: dict[str, Any] = {"inputs": inputs, "class_names": list(names)}
    if options["widths"]:
        arguments["widths"] = options["widths"]
    torch.manual_seed(options["seed"])
    method = build(options["method"], **arguments)
    unfit = _start_from(Path(init), method) if init else []
    normalisation = _normalisation(options["normalise"], init)
    frames, fold = (
        Frames(part, codec=method.codec, normalisation=normalisation)
        for part in (data.train, data.fold)
    )
    crops = CropSettings(tuple(options["crop"]), tuple(options["scale"]), options["seed"])
    settings = FitSettings(
        Budget(options["epochs"], options["minutes"]),
        batch_size=options["batch_size"],
        crops_per_epoch=max(
            crops_per_epoch(frame_shapes(data.train), crops.size), options["batch_size"]
        ),
        learning_rate=options["learning_rate"],
        patience=options["patience"],
        accumulate=options["accumulate"],
    )
    learner = Learner(method, train=frames, fold=fold, crops=crops, settings=settings)
    outcome = fit(learner, folder / STATE, device=device, resume=True, quiet=quiet)
    card = ModelCard(
        options["method"],
        arguments,
        normalisation,
        pixel_size=_pixel_size(data.train),
        channels=channels,
    )
    method, thresholds, scores = _tuned(method, card, data.fold, device=device, quiet=quiet)
    card = replace(
        card,
        thresholds=thresholds,
        scores=scores,
        provenance=_provenance(data, options, outcome),
        versions=versions(),
    )
    save_model(method, card, folder)
    for state in (folder / STATE).glob("*.safetensors"):
        state.unlink()
    details = {**outcome, "thresholds": thresholds, "scores": scores, "not_taken_from_init": unfit}
    return StepResult(folder, done=1, details=details)


def _inputs(data: _Data) -> tuple[int, tuple[str, ...]]:
    """Planes that all images share, and the names of their channels."""
    kinds: dict[tuple[int, str], str] = {}
    channels: set[tuple[str, ...]] = set()
    for part in (data.train, data.fold):
        for i, name in enumerate(part.names):
            image = part.image(i, lazy=True)
            kinds.setdefault((image.planes, image.axes), name)
            channels.add(image.channels)
    if len({planes for planes, _ in kinds}) > 1:
        told = "; ".join(f"{n} has {p} planes ({a})" for (p, a), n in sorted(kinds.items()))
        raise InputError(f"the images differ in their planes: {told}; choose one kind with --where")
    return next(iter(kinds))[0], channels.pop() if len(channels) == 1 else ()


def _start_from(folder: Path, method: DenseMethod) -> list[str]:
    """Take over the tensors that fit; the names of those that do not are returned and logged."""
    from cellwright.zoo.checkpoint import load_model

    source = load_model(folder)[0].net.state_dict()
    target = method.net.state_dict()
    fits = {k: v for k, v in source.items() if k in target and target[k].shape == v.shape}
    if not fits:
        raise InputError(f"{folder}: no tensor fits the network of this method; choose another")
    method.net.load_state_dict(fits, strict=False)
    unfit = sorted(set(source) ^ set(fits) | (set(target) - set(fits)))
    for name in unfit:
        log.warning("%s: tensor %s does not fit and starts afresh", folder, name)
    return unfit


def _tuned(
    method: DenseMethod, card: ModelCard, fold: Dataset, *, device: str, quiet: bool
) -> tuple[DenseMethod, dict[str, Any], dict[str, Any]]:
    """Thresholds tuned on the fold, and the fold's scores with them."""
    from cellwright.predict import predictor_for
    from cellwright.steps.progress import track
    from cellwright.train.tune import tune

    chosen: list[int] = []
    pixels = 0
    for i in range(len(fold)):
        rows, cols = fold.shape(i)
        if chosen and pixels + rows * cols > TUNING_PIXELS:
            continue
        chosen.append(i)
        pixels += rows * cols
    predictor = predictor_for(method, card, device=device)
    bar = track(chosen, "tuning", quiet=quiet)
    maps = [predictor.probabilities(fold.image(i)) for i in bar]
    truth = [fold.instances(i) for i in chosen]
    method, thresholds, score = tune(method, maps, truth, progress=log.debug)
    cells = sum(len(t) for t in truth)
    return (
        method,
        thresholds,
        {"mean_accuracy": score, "images": len(chosen), "cells": cells, "on": "tuning fold"},
    )


def _pixel_size(dataset: Dataset) -> tuple[float, float] | None:
    sizes = {tuple(dataset.record(i).get("pixel_size") or ()) for i in range(len(dataset))}
    size = sizes.pop() if len(sizes) == 1 else ()
    return (float(size[0]), float(size[1])) if size else None


def _provenance(data: _Data, options: dict[str, Any], outcome: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "dataset": data.source,
        "dataset_digest": data.digest,
        "images": len(data.train),
        "cells": sum(len(data.train.instances(i)) for i in range(len(data.train))),
        "fold": list(data.fold.names),
        "options": options,
        "training": dict(outcome),
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "processor": processor(),
        "licence": "that of the training images",
    }
