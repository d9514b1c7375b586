"""A training that is killed at any step and resumed gives the weights of one that is not killed."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import pytest
from safetensors.numpy import load_file

from cellwright import train
from cellwright.formats import write_dataset
from cellwright.synth import simulate_field
from cellwright.train.learner import Learner
from cellwright.types import Sample

SMALL: dict[str, dict[str, Any]] = {
    "unet-distance": {"widths": [4, 8]},
    "seunet-overlap": {"widths": [4, 8]},
    "iaunet": {"widths": [4, 8, 8], "queries": 8, "dim": 16, "heads": 2, "dropout": 0.1},
    "maskrcnn": {
        "backbone": "resnet18",
        "channels": 8,
        "hidden": 8,
        "proposals": 12,
        "detections": 5,
        "box_samples": 8,
    },
}


class Killed(Exception):
    """What stands for the end of the process."""


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("resume") / "fields"
    samples = (simulate_field(seed=s, shape=(64, 64), cells=4, overlap=0.5) for s in range(5))
    write_dataset((Sample(f"f{n}", s.image, s.instances) for n, s in enumerate(samples)), path)
    return path


@pytest.mark.parametrize(
    ("name", "schedule", "curriculum"),
    [
        ("unet-distance", "plateau", None),
        ("unet-distance", "one-cycle", (0.3, 1.0)),
        *((n, "one-cycle", None) for n in SMALL),
    ],
)
def test_killed_and_resumed_is_as_never_killed(
    name: str,
    schedule: str,
    curriculum: tuple[float, float] | None,
    data: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    arguments = {
        "method": name,
        "options": SMALL[name],
        "epochs": 2,
        "batch_size": 16,
        "crop": (32, 32),
        "schedule": schedule,
        "plateau_patience": 0,
        "curriculum": curriculum,
        "device": "cpu",
        "quiet": True,
    }
    train(data, tmp_path / "whole", **arguments)
    moment = random.Random(f"{name}{schedule}").randrange(5, 8)
    step, taken = Learner.training_step, 0

    def interrupted(self: Learner, batch: Any, index: int) -> Any:
        nonlocal taken
        taken += 1
        if taken == moment:
            raise Killed
        return step(self, batch, index)

    monkeypatch.setattr(Learner, "training_step", interrupted)
    with pytest.raises(Killed):
        train(data, tmp_path / "killed", **arguments)
    monkeypatch.setattr(Learner, "training_step", step)
    assert not (tmp_path / "killed" / "model.json").exists()
    result = train(data, tmp_path / "killed", resume=True, **arguments)
    assert result.details["resumed"]
    one, two = (load_file(tmp_path / n / "model.safetensors") for n in ("whole", "killed"))
    assert one.keys() == two.keys()
    assert all((one[k] == two[k]).all() for k in one)
