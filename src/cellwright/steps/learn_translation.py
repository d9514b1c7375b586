"""Learn to translate one kind of picture into another; a translator's folder comes out."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cellwright.steps.machine import processor, versions
from cellwright.steps.result import StepResult
from cellwright.steps.where import Where, wanted_tags
from cellwright.types import InputError

if TYPE_CHECKING:
    from cellwright.steps.translation_data import TranslationData
    from cellwright.train.translation.watch import HeldOut

log = logging.getLogger(__name__)

STATE, SETTINGS = "training", "settings.json"
HOWS = ("pix2pix", "autoencoder")
#: held-out crops in ``examples.png``
SHOWN = 4


def learn_translation(
    dataset: str | Path,
    output: str | Path,
    *,
    source: Sequence[str],
    target: Sequence[str],
    how: str = "pix2pix",
    widths: Sequence[int] | None = None,
    crop: int = 512,
    batch_size: int = 4,
    epochs: int | None = None,
    minutes: float | None = None,
    learning_rate: float = 2e-4,
    l1_weight: float = 100.0,
    val: str | Path | None = None,
    val_fraction: float = 0.15,
    where: Where = (),
    features: str = "cells",
    seed: int = 0,
    device: str = "auto",
    jobs: int | None = None,
    resume: bool = False,
    quiet: bool = False,
) -> StepResult:
    """Learn a translation from images that hold both kinds of picture as channels.

    Parameters
    ----------
    dataset
        Data set whose images hold the channels `source` and `target`; labels are needed for
        masks only. Images tagged ``split=test`` are left out unless `where` asks for a split,
        those tagged ``split=val`` are held out.
    output
        Folder of the translator: ``translator.safetensors``, ``translator.json``,
        ``curves.csv``, ``curves.png``, ``examples.png``, and ``training/`` with the state to
        resume from.
    source, target
        Names (or numbers from 0) of the channels; ``("masks",)`` shows the labels, how many
        cells of each class lie at each pixel; ``("all",)`` is every plane.
    how
        "pix2pix" (Isola 2017; P4, 4.4.2), or "autoencoder", the plain U-Net it is compared with.
    widths
        Channels of each level; for pix2pix nine levels from 64 to 512 by default, for the
        autoencoder five from 64 to 1024.
    crop
        Rows and columns of a crop: a multiple of 2 to the number of levels (of those less one
        for the autoencoder).
    batch_size
        Crops per batch.
    epochs, minutes
        Budget, one of the two; 200 epochs without either.
    learning_rate
        Of AdamW with momentum 0.5, in the first half; it falls to nothing in the second.
    l1_weight
        Weight of L1 beside the adversarial loss.
    val, val_fraction
        A data set to watch and choose the weights on, or the part of the fields kept for that.
    where
        Tags and values that images must have; values of a repeated tag are alternatives.
    features
        Feature network of the FID: "cells" or "inception-v3" (see
        `cellwright.zoo.feature_networks`). The weights of the least FID are kept.
    seed
        Of weights, crops and noise.
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
        `done` is 1 (0 if it was finished before); `details` holds steps, seconds, and FID and L1
        of the held-out images with the name of the features.

    Raises
    ------
    InputError
        Unknown channels, a crop that the levels do not fit, a budget given twice, an output
        that holds a translator already or was begun with other settings.
    """
    if how not in HOWS:
        raise InputError(f"there is no way {how!r}; known are {', '.join(HOWS)}")
    if epochs is not None and minutes is not None:
        raise InputError("epochs and minutes were both given; a training has one budget")
    if minutes is not None and minutes <= 0:
        raise InputError(f"{minutes} minutes came; a training needs more than none")
    if batch_size < 1 or not learning_rate > 0:
        raise InputError(f"batches of {batch_size} at a learning rate of {learning_rate} came: "
                         "more than none is wanted")  # fmt: skip
    levels = check_levels(how, widths, crop)
    from cellwright.steps.training_settings import begin
    from cellwright.steps.translation_data import gather_pairs
    from cellwright.zoo.feature_networks import feature_network

    feature_network(features)
    tags = wanted_tags(where)
    data = gather_pairs(
        Path(dataset), source=source, target=target, val=val, fraction=val_fraction, where=tags
    )
    settings = {
        "how": how,
        "data": data.digest,
        "source": list(source),
        "target": list(target),
        "widths": list(widths) if widths else None,
        "levels": levels,
        "crop": crop,
        "batch_size": batch_size,
        "epochs": epochs if epochs or minutes else 200,
        "minutes": minutes,
        "learning_rate": learning_rate,
        "l1_weight": l1_weight,
        "features": features,
        "seed": seed,
    }
    folder = Path(output)
    finished = (folder / "translator.json").is_file()
    if finished and not resume:
        raise InputError(
            f"{folder} holds a translator; give --resume to go on with it, or another output folder"
        )
    # Before anything is written, so that too few held-out images leave no folder behind.
    held_out = None if finished else _held_out(data, settings)
    begin(folder, settings, resume=resume)
    if held_out is None:
        log.warning("%s is finished already; nothing was trained", folder)
        return StepResult(folder, skipped=1)
    return _learn(folder, data, held_out, settings, device=device, jobs=jobs, quiet=quiet)


def check_levels(how: str, widths: Sequence[int] | None, crop: int) -> int:
    """Number of levels, after making sure that a crop can be halved so often.

    Raises
    ------
    InputError
        If it cannot; the message says what fits.
    """
    levels = len(widths) if widths else (9 if how == "pix2pix" else 5)
    halvings = levels if how == "pix2pix" else levels - 1
    if halvings < 1 or (widths and min(widths) < 1) or (how == "pix2pix" and levels < 2):
        raise InputError(f"widths {tuple(widths or ())} came: two or more positive ones are wanted")
    if crop < 32 or crop % 2**halvings:
        most = (crop & -crop).bit_length() - 1 if crop > 0 else 0
        fits = most if how == "pix2pix" else most + 1
        raise InputError(
            f"{how} with {levels} levels halves a crop {halvings} times and takes multiples of "
            f"{2**halvings} pixels (32 at least), {crop} came: give another --crop"
            + (f", or at most {fits} --widths" if fits >= 2 else "")
        )
    return levels


def _held_out(data: TranslationData, settings: dict[str, Any]) -> HeldOut:
    from cellwright.train.translation.watch import HeldOut

    return HeldOut(
        data.pairs(held_out=True),
        (settings["crop"], settings["crop"]),
        features=settings["features"],
        seed=settings["seed"],
    )


def _learn(
    folder: Path,
    data: TranslationData,
    held_out: HeldOut,
    settings: dict[str, Any],
    *,
    device: str,
    jobs: int | None,
    quiet: bool,
) -> StepResult:
    import torch

    from cellwright.device import resolve
    from cellwright.train.batches import crops_per_epoch
    from cellwright.train.translation.fit import FitBudget, fit
    from cellwright.train.translation.learners import Adversarial, Regression
    from cellwright.train.translation.pictures import draw_curves, draw_examples
    from cellwright.zoo.translator import TranslatorCard, save_translator

    if jobs:
        torch.set_num_threads(jobs)
    where = resolve(device)
    crop, batch = (settings["crop"],) * 2, settings["batch_size"]
    card = TranslatorCard(
        settings["how"],
        data.source,
        data.target,
        data.source_range,
        data.target_range,
        widths=tuple(settings["widths"]) if settings["widths"] else None,
        dtype=str(data.first.data.dtype),
        axes=data.first.axes,
        leading=tuple(int(n) for n in data.first.data.shape[:-2]),
        crop=crop,
        classes=data.classes,
        pixel_size=data.pixel_size(),
    )
    torch.manual_seed(settings["seed"])
    net = card.build().to(where, memory_format=torch.channels_last)
    learner: Any = Regression(net)
    if settings["how"] == "pix2pix":
        channels = (len(card.source_range), len(card.target_range))
        width = net.widths[0]
        learner = Adversarial(net, channels=channels, width=width, l1_weight=settings["l1_weight"])
        learner.judge.to(where, memory_format=torch.channels_last)
    pairs = data.pairs()
    count = crops_per_epoch(pairs.shapes, crop)
    budget = FitBudget(
        settings["epochs"], settings["minutes"], -(-count // batch), batch, crop,
        settings["learning_rate"], settings["seed"],
    )  # fmt: skip
    with _bar(quiet) as tell:
        outcome = fit(
            learner, pairs, folder / STATE, budget=budget, device=where, tell=tell,
            read=lambda kept: held_out.read(kept, where),
        )  # fmt: skip
    rows = outcome.pop("rows")
    scores = {**outcome["best"], "features": settings["features"], "crops": len(held_out.crops),
              "on": "held-out images, on which the weights were chosen"}  # fmt: skip
    card = replace(
        card, provenance=_provenance(data, settings, outcome), scores=scores, versions=versions()
    )
    draw_curves(rows, folder / "curves.png", features=settings["features"])
    made = held_out.translated(net, where, SHOWN)
    shown = [
        (s.numpy(), t.numpy(), m.numpy())
        for (s, t), m in zip(held_out.crops[:SHOWN], made, strict=True)
    ]
    draw_examples(shown, folder / "examples.png", source=data.source, target=data.target)
    save_translator(net, card, folder)
    for state in (folder / STATE).glob("*.safetensors"):
        state.unlink()
    details = {"steps": outcome["step"], "seconds": round(outcome["seconds"], 1), **scores}
    return StepResult(folder, done=1, details=details)


def _provenance(
    data: TranslationData, settings: dict[str, Any], outcome: dict[str, Any]
) -> dict[str, Any]:
    return {
        "dataset": data.train.root.resolve().name,
        "images": len(data.train),
        "held_out": list(data.held_out.names),
        "settings": settings,
        "steps": outcome["step"],
        "seconds": round(outcome["seconds"], 1),
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "processor": processor(),
    }


@contextmanager
def _bar(quiet: bool) -> Iterator[Callable[[float, str], None]]:
    """A progress bar on stderr, drawn only for a person; gives what moves it."""
    import sys

    if quiet or not sys.stderr.isatty():
        yield lambda share, words: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn
    from rich.progress import TimeRemainingColumn as Remaining

    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), Remaining())
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task("learning", total=1.0)
        yield lambda share, words: progress.update(task, completed=share, description=words)
