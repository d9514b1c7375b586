"""Loss curves: a row per epoch in ``curves.csv``, a picture beside it, both rewritten whole.

A score that is read in the midst of an epoch has a row of its own, without losses.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import lightning
from lightning.pytorch.callbacks import Callback

from cellwright.formats.atomic import atomic_path


class Curves(Callback):
    """Writes the curves after each epoch; they survive a resumption.

    Parameters
    ----------
    folder
        Where ``curves.csv`` and ``curves.png`` go.
    schedule
        Gives the seconds trained so far.
    scores
        Gives the scores read since it was last asked, by name; mostly none.
    """

    def __init__(
        self,
        folder: Path,
        *,
        schedule: Callable[[], float],
        scores: Callable[[], Mapping[str, float]] = dict,
    ) -> None:
        self.folder = folder
        self.seconds = schedule
        self.scores = scores
        self.rows: list[dict[str, float]] = []

    def on_train_epoch_end(
        self, trainer: lightning.Trainer, module: lightning.LightningModule
    ) -> None:
        """Add the epoch's row; of several processes the first one writes."""
        if trainer.is_global_zero:
            losses = {k: float(v) for k, v in sorted(trainer.callback_metrics.items())}
            self._add(trainer, losses | dict(self.scores()))

    def on_train_batch_end(
        self,
        trainer: lightning.Trainer,
        module: lightning.LightningModule,
        outputs: Any,
        batch: Any,
        index: int,
    ) -> None:
        """Add a row if a score was read after this batch."""
        if scores := dict(self.scores()):
            self._add(trainer, scores)

    def _add(self, trainer: lightning.Trainer, figures: Mapping[str, float]) -> None:
        place = {
            "epoch": trainer.current_epoch,
            "step": trainer.global_step,
            "seconds": round(self.seconds(), 2),
            "learning_rate": trainer.optimizers[0].param_groups[0]["lr"],
        }
        self.rows.append({**place, **figures})
        write_csv(self.rows, self.folder / "curves.csv")

    def on_fit_end(self, trainer: lightning.Trainer, module: lightning.LightningModule) -> None:
        """Draw the picture."""
        if not trainer.is_global_zero:
            return
        draw(self.rows, self.folder / "curves.png")

    def state_dict(self) -> dict[str, Any]:
        """The rows so far."""
        return {"rows": self.rows}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Go on from these rows."""
        self.rows = list(state_dict["rows"])


def write_csv(rows: list[dict[str, float]], path: Path) -> None:
    """Rows as a table; columns in the order of first appearance."""
    names = list(dict.fromkeys(k for row in rows for k in row))
    text = io.StringIO()
    writer = csv.DictWriter(text, names, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    with atomic_path(path) as target:
        target.write_text(text.getvalue(), encoding="utf-8")


def draw(rows: list[dict[str, float]], path: Path) -> None:
    """Training and validation losses over epochs as a PNG."""
    if not rows:
        return
    from matplotlib.figure import Figure

    figure = Figure(figsize=(6, 3.5), layout="constrained")
    axes = figure.add_subplot()
    learned = [row for row in rows if "train_loss" in row]
    epochs = [row["epoch"] for row in learned]
    read = [row for row in rows if "fold_accuracy50" in row]
    if read:
        right = axes.twinx()
        x, y = [r["epoch"] for r in read], [r["fold_accuracy50"] for r in read]
        right.plot(x, y, "k.-", label="accuracy at IoU 0.50 on the fold")
        right.set(ylabel="TP/(TP+FP+FN) at IoU 0.50", ylim=(0, 1))
    for name in (k for k in (learned or [{}])[-1] if k.startswith(("train_", "val_"))):
        style = "-" if name.startswith("train_") else "--"
        values = [row.get(name, float("nan")) for row in learned]
        axes.plot(epochs, values, style, label=name, linewidth=2 if name.endswith("loss") else 1)
    axes.set(xlabel="epoch", ylabel="loss", yscale="log")
    axes.legend(fontsize=7, ncols=2)
    with atomic_path(path) as target:
        figure.savefig(target, dpi=120, format="png")
