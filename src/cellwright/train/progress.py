"""A progress bar of the training on stderr, drawn only for a person."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import lightning
from lightning.pytorch.callbacks import Callback


class Bar(Callback):
    """Share of the budget used, epoch and losses.

    Parameters
    ----------
    spent
        Gives the share of the budget used up, 0 to 1.
    """

    def __init__(self, spent: Callable[[lightning.Trainer], float]) -> None:
        self.spent = spent
        self._bar: Any = None

    def on_train_start(self, trainer: lightning.Trainer, module: lightning.LightningModule) -> None:
        """Open the bar if stderr is a terminal."""
        if not sys.stderr.isatty():
            return
        from rich.console import Console
        from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn
        from rich.progress import TimeRemainingColumn as Remaining

        columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), Remaining())
        self._bar = Progress(*columns, console=Console(stderr=True), transient=True)
        self._bar.add_task("training", total=1.0)
        self._bar.start()

    def on_train_batch_end(
        self,
        trainer: lightning.Trainer,
        module: lightning.LightningModule,
        outputs: Any,
        batch: Any,
        index: int,
    ) -> None:
        """Move the bar."""
        if self._bar is None:
            return
        metrics = trainer.callback_metrics
        losses = ", ".join(
            f"{label} {float(metrics[key]):.3f}"
            for key, label in (("train_loss", "loss"), ("val_loss", "validation"))
            if key in metrics
        )
        text = f"epoch {trainer.current_epoch + 1}{': ' + losses if losses else ''}"
        self._bar.update(self._bar.task_ids[0], completed=self.spent(trainer), description=text)

    def on_train_end(self, trainer: lightning.Trainer, module: lightning.LightningModule) -> None:
        """Close the bar."""
        self._close()

    def on_exception(
        self,
        trainer: lightning.Trainer,
        module: lightning.LightningModule,
        exception: BaseException,
    ) -> None:
        """Close the bar."""
        self._close()

    def _close(self) -> None:
        if self._bar is not None:
            self._bar.stop()
            self._bar = None
