"""The settings of a training: what was asked for, else what suits the method."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cellwright.steps.settings import refuse_others
from cellwright.types import InputError

if TYPE_CHECKING:
    from cellwright.train.learner import FitSettings
    from cellwright.zoo.entry import MethodEntry
    from cellwright.zoo.method import Normalisation

log = logging.getLogger(__name__)

STATE, SETTINGS = "training", "settings.json"
#: what holds where neither the user nor the method says otherwise
DEFAULTS: dict[str, Any] = {
    "batch_size": 4,
    "crop": (256, 256),
    "scale": (0.6, 1.7),
    "light": "fluorescence",
    "optimizer": "adamw",
    "learning_rate": 2e-3,
    "weight_decay": 1e-2,
    "momentum": 0.9,
    "schedule": "one-cycle",
    "warm_up_steps": None,
    "milestones": (),
    "least_rate": 0.0,
    "half_cycle": 2000,
    "plateau_patience": 10,
}


def resolved(asked: Mapping[str, Any], entry: MethodEntry) -> dict[str, Any]:
    """Every setting of `DEFAULTS`: as asked for, else the method's own, else the default."""
    unknown = sorted(set(entry.training) - set(DEFAULTS))
    if unknown:
        raise InputError(f"method {entry.name} sets {unknown}; known are {sorted(DEFAULTS)}")
    own = DEFAULTS | dict(entry.training)
    chosen = {k: own[k] if asked.get(k) is None else asked[k] for k in DEFAULTS}
    if isinstance(chosen["crop"], int):
        chosen["crop"] = (chosen["crop"], chosen["crop"])
    return {k: list(v) if isinstance(v, tuple) else v for k, v in chosen.items()}


def fit_settings(options: Mapping[str, Any], crops: int) -> FitSettings:
    """The loop's numbers from the options of a training."""
    from cellwright.train.curriculum import Curriculum
    from cellwright.train.learner import FitSettings
    from cellwright.train.pace import Budget
    from cellwright.train.schedule import StepSettings

    return FitSettings(
        Budget(options["epochs"], options["minutes"]),
        StepSettings(
            optimizer=options["optimizer"],
            learning_rate=options["learning_rate"],
            weight_decay=options["weight_decay"],
            momentum=options["momentum"],
            schedule=options["schedule"],
            warm_up_steps=options["warm_up_steps"],
            milestones=tuple(options["milestones"]),
            least_rate=options["least_rate"],
            half_cycle=options["half_cycle"],
            plateau_patience=options["plateau_patience"],
        ),
        batch_size=options["batch_size"],
        crops_per_epoch=max(crops, options["batch_size"]),
        patience=options["patience"],
        accumulate=options["accumulate"],
        loss_weights=options["loss_weights"],
        curriculum=Curriculum(*options["curriculum"]) if options["curriculum"] else None,
    )


def normalisation_of(kind: str | None, init: str | Path | None) -> Normalisation:
    """As asked for, else that of the model to start from, else the default."""
    from cellwright.zoo.checkpoint import read_card
    from cellwright.zoo.method import Normalisation
    from cellwright.zoo.shipped import model_folder

    if kind is not None:
        return Normalisation(kind=kind)
    return read_card(model_folder(init))[0].normalisation if init else Normalisation()


def begin(folder: Path, options: Mapping[str, Any], *, resume: bool) -> bool:
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
        write_json(dict(options), record)
        return False
    refuse_others(folder, json.loads(record.read_text(encoding="utf-8")), options)
    return model.is_file()
