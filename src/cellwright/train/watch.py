"""A score on the fold at some points of a training, for the curve of score over time."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import lightning
import torch
from lightning.pytorch.callbacks import Callback

from cellwright.train.pace import Pace

#: how often the score is read over the whole budget
READINGS = 8


class Watch(Callback):
    """Reads the score whenever another eighth of the budget is spent.

    Of a budget of minutes in the midst of an epoch too, which may take longer than an eighth;
    of a budget of epochs at their ends. The time it takes is not counted as training, and the
    training goes on as if it had not been read.

    Parameters
    ----------
    score
        Gives the figures by name, of the method as it stands.
    pace
        The clock.
    """

    def __init__(self, score: Callable[[], dict[str, float]], pace: Pace) -> None:
        self.score = score
        self.pace = pace
        self._latest: dict[str, float] = {}
        self._read = 0

    def on_train_batch_end(
        self,
        trainer: lightning.Trainer,
        module: lightning.LightningModule,
        outputs: Any,
        batch: Any,
        index: int,
    ) -> None:
        """Read the score if it is time and the budget is one of minutes."""
        if self.pace.budget.minutes is not None:
            self._look(trainer, module)

    def on_validation_epoch_end(
        self, trainer: lightning.Trainer, module: lightning.LightningModule
    ) -> None:
        """Read the score if it is time."""
        self._look(trainer, module)

    def take(self) -> dict[str, float]:
        """The figures read since this was last called; none if there was no reading."""
        latest, self._latest = self._latest, {}
        return latest

    def _look(self, trainer: lightning.Trainer, module: lightning.LightningModule) -> None:
        due = int(self.pace.spent(trainer) * READINGS + 1e-6)
        if due <= self._read or not trainer.is_global_zero:
            return
        started = time.monotonic()
        # Normalisation is frozen in some layers: each gets back the mode that it had.
        modes = {part: part.training for part in module.modules()}
        with torch.no_grad():
            self._latest, self._read = self.score(), due
        for part, training in modes.items():
            part.training = training
        self.pace.pause(time.monotonic() - started)

    def state_dict(self) -> dict[str, Any]:
        """How many readings were taken."""
        return {"read": self._read}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Go on from there."""
        self._read = int(state_dict["read"])
