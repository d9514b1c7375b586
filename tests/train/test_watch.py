"""Scores are read in the midst of long epochs, and the training does not notice."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.numpy import load_file

from cellwright import train
from cellwright.formats import write_dataset
from cellwright.synth import simulate_field
from cellwright.train.fit import PARTLY, Hardware
from cellwright.train.pace import Pace
from cellwright.train.watch import READINGS, Watch

#: batches of the training
BATCHES = 24


@pytest.fixture
def data(tmp_path: Path) -> Path:
    samples = [simulate_field(seed=4, field=i, shape=(64, 80), cells=5) for i in range(3)]
    write_dataset(samples, tmp_path / "fields")
    return tmp_path / "fields"


def trained(data: Path, out: Path, **more: Any) -> list[dict[str, str]]:
    """Rows of the curves of one training; its batches, not its minutes, are the budget."""
    settings = {"widths": (4, 8), "crop": (32, 32), "quiet": True, "device": "cpu"}
    train(data, out, method="seunet-overlap", batch_size=4, **settings, **more)
    return list(csv.DictReader((out / "curves.csv").open()))


def by_batches(self: Pace, trainer: Any) -> float:
    return min(trainer.fit_loop.total_batch_idx / BATCHES, 1.0)


def test_a_long_epoch_has_readings_and_the_same_weights(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Pace, "spent", by_batches)
    rows = trained(data, tmp_path / "read", minutes=9.0)
    read = [row for row in rows if row["fold_accuracy50"]]
    between = [row for row in read if not row["train_loss"]]
    assert len(read) == READINGS
    assert len(between) > READINGS // 2, "epochs are longer than an eighth here"
    steps = [int(row["step"]) for row in rows]
    assert steps == sorted(steps)
    monkeypatch.setattr(Watch, "_look", lambda *_: None)
    blind = trained(data, tmp_path / "blind", minutes=9.0)
    assert not any(row.get("fold_accuracy50") for row in blind)
    one, two = (load_file(tmp_path / n / "model.safetensors") for n in ("read", "blind"))
    assert all((one[k] == two[k]).all() for k in one)


def test_a_budget_of_epochs_has_a_row_for_each(data: Path, tmp_path: Path) -> None:
    rows = trained(data, tmp_path / "m", epochs=2)
    assert [row["epoch"] for row in rows] == ["0", "1"]
    assert all(row["fold_accuracy50"] and row["train_loss"] for row in rows)


def test_parts_in_another_mode_keep_it() -> None:
    class Trainer:
        is_global_zero = True

    class Clock:
        paused = 0.0

        def spent(self, trainer: Trainer) -> float:
            return 1 / READINGS

        def pause(self, seconds: float) -> None:
            self.paused += seconds

    module = torch.nn.Sequential(torch.nn.Linear(1, 1), torch.nn.BatchNorm1d(1))
    module[1].eval()
    clock = Clock()

    def score() -> dict[str, float]:
        assert not torch.is_grad_enabled()
        module.eval()
        return {"fold_accuracy50": 0.5}

    watch = Watch(score, clock)  # type: ignore[arg-type]
    watch.on_validation_epoch_end(Trainer(), module)  # type: ignore[arg-type]
    assert [module.training, module[0].training, module[1].training] == [True, True, False]
    assert clock.paused > 0
    assert [watch.take(), watch.take()] == [{"fold_accuracy50": 0.5}, {}]
    assert watch.state_dict() == {"read": 1}
    watch.on_validation_epoch_end(Trainer(), module)  # type: ignore[arg-type]
    assert watch.take() == {}, "the next eighth is not over"


@pytest.mark.parametrize(
    ("hardware", "strategy"),
    [
        (Hardware("cpu", devices=2), PARTLY),
        (Hardware("cpu", nodes=2), PARTLY),
        (Hardware("cpu"), "auto"),
        (Hardware("cpu", devices=2, strategy="fsdp"), "fsdp"),
    ],
)
def test_methods_of_which_a_batch_trains_a_part(hardware: Hardware, strategy: str) -> None:
    assert hardware.trainer_arguments(partly=True)["strategy"] == strategy
    assert hardware.trainer_arguments()["strategy"] == hardware.strategy
