"""A score on the fold at some points of a training, for the curve of score over time."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import lightning
from lightning.pytorch.callbacks import Callback

from cellwright.train.pace import Pace

#: how often the score is read over the whole budget
READINGS = 8


class Watch(Callback):
    """Reads the score whenever another eighth of the budget is spent.

    The time it takes is not counted as training.

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
        self.latest: dict[str, float] = {}
        self._read = 0

    def on_validation_epoch_end(
        self, trainer: lightning.Trainer, module: lightning.LightningModule
    ) -> None:
        """Read the score if it is time."""
        self.latest = {}
        due = int(self.pace.spent(trainer) * READINGS + 1e-6)
        if due <= self._read or not trainer.is_global_zero:
            return
        started = time.monotonic()
        self.latest, self._read = self.score(), due
        module.eval()
        self.pace.pause(time.monotonic() - started)

    def state_dict(self) -> dict[str, Any]:
        """How many readings were taken."""
        return {"read": self._read}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Go on from there."""
        self._read = int(state_dict["read"])
