"""The loop: Lightning with mixed precision, one learning-rate cycle, checkpoints, resume."""

from __future__ import annotations

import logging
import time
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import lightning
import torch
from lightning.pytorch.callbacks import Callback, EarlyStopping, ModelCheckpoint
from torch import Tensor
from torch.utils.data import DataLoader

from cellwright.device import computes_in_half, resolve
from cellwright.train.batches import Batch, Crops, CropSettings, FixedCrops, Frames
from cellwright.train.curves import Curves
from cellwright.train.progress import Bar
from cellwright.train.state import StateIO, read_state
from cellwright.types import InputError
from cellwright.zoo.method import DenseMethod

LAST = "last.safetensors"


@dataclass(frozen=True, slots=True)
class Budget:
    """How long to train: a number of epochs, or minutes of wall time over all resumptions.

    Exactly one of the two is set.
    """

    epochs: int | None = None
    minutes: float | None = None


@dataclass(frozen=True, slots=True)
class FitSettings:
    """The loop's numbers.

    Parameters
    ----------
    budget
        How long.
    batch_size
        Crops per step.
    crops_per_epoch
        Crops between two readings of the validation loss.
    learning_rate
        Peak of the one cycle (linear warm-up over 5% of the budget, then a cosine to zero).
    weight_decay
        Of AdamW.
    patience
        Epochs without a better validation loss before stopping; None never stops early.
    accumulate
        Batches whose gradients are added before a step.
    """

    budget: Budget
    batch_size: int = 8
    crops_per_epoch: int = 256
    learning_rate: float = 2e-3
    weight_decay: float = 1e-2
    patience: int | None = None
    accumulate: int = 1


class Learner(lightning.LightningModule):
    """A method inside the loop, with its data."""

    def __init__(
        self,
        method: DenseMethod,
        *,
        train: Frames,
        fold: Frames,
        crops: CropSettings,
        settings: FitSettings,
        jobs: int = 0,
    ) -> None:
        super().__init__()
        self.method = method
        self.frames, self.fold = train, fold
        self.crops, self.settings, self.jobs = crops, settings, jobs

    def train_dataloader(self) -> DataLoader[Batch]:
        """The crops of the current epoch; built anew for each."""
        crops = Crops(
            self.frames,
            settings=self.crops,
            epoch=self.trainer.current_epoch,
            count=self.settings.crops_per_epoch,
        )
        return DataLoader(crops, self.settings.batch_size, num_workers=self.jobs, drop_last=True)

    def val_dataloader(self) -> DataLoader[Batch]:
        """The fold's fixed crops."""
        crops = FixedCrops(self.fold, settings=self.crops)
        return DataLoader(crops, self.settings.batch_size, num_workers=0)

    def training_step(self, batch: Batch, index: int) -> Tensor:
        """Sum of the method's losses, each logged."""
        return self._step(batch, "train")

    def validation_step(self, batch: Batch, index: int) -> Tensor:
        """Sum of the method's losses, each logged."""
        return self._step(batch, "val")

    def _step(self, batch: Batch, part: str) -> Tensor:
        images, targets = batch
        images = images.contiguous(memory_format=torch.channels_last)
        losses = self.method.losses(images, targets)
        total = torch.stack(list(losses.values())).sum()
        logged = {f"{part}_{k}": v.detach() for k, v in losses.items()}
        self.log_dict(
            {f"{part}_loss": total.detach(), **logged},
            on_step=False,
            on_epoch=True,
            prog_bar=False,
            batch_size=len(images),
        )
        return total

    def configure_optimizers(self) -> torch.optim.Optimizer:
        """AdamW; its learning rate is set by `OneCycle`."""
        return torch.optim.AdamW(
            self.method.parameters(),
            lr=self.settings.learning_rate,
            weight_decay=self.settings.weight_decay,
        )


class OneCycle(Callback):
    """Learning rate and end of training by the spent share of the budget."""

    def __init__(self, settings: FitSettings, steps_per_epoch: int) -> None:
        self.settings = settings
        self.steps_per_epoch = max(steps_per_epoch, 1)
        self.seconds = 0.0
        self._since: float | None = None

    def spent(self, trainer: lightning.Trainer) -> float:
        """Share of the budget used up, 0 to 1."""
        budget = self.settings.budget
        if budget.minutes is not None:
            return min(self.elapsed / (60 * budget.minutes), 1.0)
        steps = (budget.epochs or 1) * self.steps_per_epoch
        return min(trainer.fit_loop.total_batch_idx / steps, 1.0)

    @property
    def elapsed(self) -> float:
        """Seconds trained, those before a resumption included."""
        return self.seconds + (time.monotonic() - self._since if self._since else 0.0)

    def on_train_start(self, trainer: lightning.Trainer, module: lightning.LightningModule) -> None:
        """Start the clock."""
        self._since = time.monotonic()

    def on_train_batch_start(
        self, trainer: lightning.Trainer, module: lightning.LightningModule, batch: Any, index: int
    ) -> None:
        """Set the learning rate."""
        rate = self.settings.learning_rate * cycle(self.spent(trainer))
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
        """Stop when the minutes are spent."""
        if self.settings.budget.minutes is not None and self.spent(trainer) >= 1:
            trainer.should_stop = True

    def state_dict(self) -> dict[str, Any]:
        """Seconds trained so far."""
        return {"seconds": self.elapsed}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Go on counting from there."""
        self.seconds = float(state_dict["seconds"])


def cycle(spent: float, *, warm_up: float = 0.05) -> float:
    """Share of the peak learning rate: linear warm-up, cosine to zero (Smith 2018's one cycle).

    Examples
    --------
    >>> [round(cycle(s), 2) for s in (0.025, 0.05, 0.525, 1.0)]
    [0.5, 1.0, 0.5, 0.0]
    """
    if spent < warm_up:
        return max(spent / warm_up, 0.01)
    angle = torch.pi * (spent - warm_up) / (1 - warm_up)
    return float(0.5 * (1 + torch.cos(torch.tensor(angle, dtype=torch.float64))))


def fit(
    learner: Learner,
    folder: Path,
    *,
    device: str = "auto",
    resume: bool = False,
    quiet: bool = False,
) -> Mapping[str, Any]:
    """Train `learner`, keeping the state in `folder`; its best weights are left in the method.

    Returns
    -------
    Epochs, steps, seconds, and the best validation loss.
    """
    settings = learner.settings
    last = folder / LAST
    steps = settings.crops_per_epoch // settings.batch_size
    schedule = OneCycle(settings, steps)
    curves = Curves(folder.parent, schedule=lambda: schedule.elapsed)
    best = ModelCheckpoint(
        folder,
        filename="best",
        monitor="val_loss",
        save_top_k=1,
        save_last=False,
        enable_version_counter=False,
    )
    best.FILE_EXTENSION = ".safetensors"
    keep_last = ModelCheckpoint(
        folder,
        filename="last",
        save_top_k=1,
        monitor=None,
        enable_version_counter=False,
        every_n_epochs=1,
        save_on_train_epoch_end=True,
    )
    keep_last.FILE_EXTENSION = ".safetensors"
    stopping = (
        (EarlyStopping("val_loss", patience=settings.patience, mode="min"),)
        if settings.patience
        else ()
    )
    bar = () if quiet else (Bar(schedule.spent),)
    logging.getLogger("lightning.pytorch").setLevel(logging.WARNING)
    trainer = lightning.Trainer(
        **accelerator(device),
        precision="bf16-mixed" if computes_in_half(resolve(device)) else "32-true",
        max_epochs=settings.budget.epochs or -1,
        accumulate_grad_batches=settings.accumulate,
        gradient_clip_val=1.0,
        reload_dataloaders_every_n_epochs=1,
        num_sanity_val_steps=0,
        logger=False,
        callbacks=[schedule, curves, best, *stopping, *bar, keep_last],
        enable_progress_bar=False,
        enable_model_summary=False,
        plugins=[StateIO()],
        default_root_dir=folder,
    )
    begun = resume and last.is_file()
    learner.method.to(memory_format=torch.channels_last)
    with warnings.catch_warnings():
        for known in ("Checkpoint directory", r".isinstance\(treespec", ".*many workers"):
            warnings.filterwarnings("ignore", message=known)
        trainer.fit(learner, ckpt_path=last if begun else None)
    if best.best_model_path and Path(best.best_model_path).is_file():
        weights = read_state(Path(best.best_model_path))["state_dict"]
        learner.load_state_dict(weights)
    learner.method.eval()
    return {
        "epochs": trainer.current_epoch,
        "steps": trainer.global_step,
        "seconds": round(schedule.elapsed, 1),
        "val_loss": float(best.best_model_score) if best.best_model_score is not None else None,
        "resumed": begun,
    }


def accelerator(device: str) -> dict[str, Any]:
    """Lightning's words for a device: ``auto`` takes all accelerators there are."""
    kind, _, number = device.partition(":")
    names = {"auto": "auto", "cpu": "cpu", "cuda": "gpu", "mps": "mps"}
    if kind not in names or (number and not number.isdigit()):
        raise InputError(f"there is no device {device!r}; known are auto, cpu, cuda, cuda:N, mps")
    if number:
        return {"accelerator": names[kind], "devices": [int(number)]}
    return {"accelerator": names[kind], "devices": 1 if kind == "cpu" else "auto"}
