"""The clock of a training: learning rate and random numbers at each step, the end."""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass
from typing import Any

import lightning
import numpy as np
import torch
from lightning.pytorch.callbacks import Callback

from cellwright.train.schedule import Progress, StepSettings, share_of_peak

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Budget:
    """How long to train: a number of epochs, or minutes of wall time over all resumptions.

    Exactly one of the two is set.
    """

    epochs: int | None = None
    minutes: float | None = None


class Pace(Callback):
    """Sets the learning rate and ends the training when its budget is spent.

    The random numbers of torch are seeded anew for each batch, so that a training that is
    resumed goes on as if it had not been interrupted.

    Parameters
    ----------
    budget, steps
        How long, and how large the steps are.
    accumulate
        Batches per step.
    seed
        Of the random numbers of dropout and sampling.
    """

    def __init__(
        self,
        budget: Budget,
        steps: StepSettings,
        *,
        accumulate: int = 1,
        seed: int = 0,
    ) -> None:
        self.budget = budget
        self.steps = steps
        self.accumulate = accumulate
        self.seed = seed
        self.seconds = 0.0
        self._since: float | None = None
        self._drops = 0
        self._best = float("inf")
        self._waited = 0

    def spent(self, trainer: lightning.Trainer) -> float:
        """Share of the budget used up, 0 to 1."""
        if self.budget.minutes is not None:
            return min(self.elapsed / (60 * self.budget.minutes), 1.0)
        batches = (self.budget.epochs or 1) * trainer.num_training_batches
        return min(trainer.fit_loop.total_batch_idx / max(batches, 1), 1.0)

    def spent_before(self, epoch: int) -> float:
        """Share of the budget used up when `epoch` begins; of epochs it is exact."""
        if self.budget.minutes is not None:
            return min(self.elapsed / (60 * self.budget.minutes), 1.0)
        return min(epoch / (self.budget.epochs or 1), 1.0)

    @property
    def elapsed(self) -> float:
        """Seconds trained, those before a resumption included."""
        return self.seconds + (time.monotonic() - self._since if self._since else 0.0)

    def pause(self, seconds: float) -> None:
        """Leave `seconds` that went by out of the budget."""
        self.seconds -= seconds

    def on_train_start(self, trainer: lightning.Trainer, module: lightning.LightningModule) -> None:
        """Start the clock."""
        self._since = time.monotonic()

    def on_train_batch_start(
        self, trainer: lightning.Trainer, module: lightning.LightningModule, batch: Any, index: int
    ) -> None:
        """Seed the random numbers of the batch and set the learning rate."""
        place = [self.seed, trainer.current_epoch, index, trainer.global_rank]
        torch.manual_seed(int(np.random.SeedSequence(place).generate_state(1)[0]))
        taken = trainer.fit_loop.total_batch_idx // self.accumulate
        share = share_of_peak(self.steps, Progress(taken, self.spent(trainer)))
        rate = self.steps.learning_rate * share * 0.1**self._drops
        for group in trainer.optimizers[0].param_groups:
            group["lr"] = rate

    def on_train_batch_end(
        self,
        trainer: lightning.Trainer,
        module: lightning.LightningModule,
        outputs: Any,
        batch: Any,
        index: int,
    ) -> None:
        """Stop when the minutes are spent, on all machines at once."""
        if self.budget.minutes is None:
            return
        over = self.spent(trainer) >= 1
        trainer.should_stop |= trainer.strategy.reduce_boolean_decision(over, all=False)

    def on_validation_end(
        self, trainer: lightning.Trainer, module: lightning.LightningModule
    ) -> None:
        """Count the epochs without a better validation loss; a plateau lowers the rate."""
        if self.steps.schedule != "plateau":
            return
        loss = float(trainer.callback_metrics["val_loss"])
        if loss < self._best * (1 - 1e-4):
            self._best, self._waited = loss, 0
            return
        self._waited += 1
        if self._waited > self.steps.plateau_patience:
            self._drops, self._waited = self._drops + 1, 0
            log.info("the validation loss stays at %.4g: the learning rate is a tenth", self._best)

    def state_dict(self) -> dict[str, Any]:
        """Seconds trained so far, and what is known of plateaus."""
        return {
            "seconds": self.elapsed,
            "drops": self._drops,
            "best": self._best,
            "waited": self._waited,
        }

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Go on counting from there."""
        self.seconds = float(state_dict["seconds"])
        self._drops = int(state_dict["drops"])
        self._best = float(state_dict["best"])
        self._waited = int(state_dict["waited"])
