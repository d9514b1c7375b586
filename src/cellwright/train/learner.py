"""A method inside Lightning's loop, with its data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import lightning
import torch
from torch import Tensor
from torch.utils.data import DataLoader

from cellwright.train.batches import Batch, Crops, CropSettings, FixedCrops, collate
from cellwright.train.curriculum import Curriculum, easiest_first
from cellwright.train.frames import Frames, ragged_targets
from cellwright.train.pace import Budget, Pace
from cellwright.train.schedule import StepSettings, optimizer
from cellwright.types import InputError


@dataclass(frozen=True, slots=True)
class FitSettings:
    """The loop's numbers.

    Parameters
    ----------
    budget
        How long.
    steps
        Optimiser and learning rate.
    batch_size
        Crops per batch.
    crops_per_epoch
        Crops between two readings of the validation loss.
    patience
        Epochs without a better validation loss before stopping; None never stops early.
    accumulate
        Batches whose gradients are added before a step.
    loss_weights
        Factors of losses by name; 1 where none is given.
    curriculum
        Which images are learnt from when; None for all at all times.
    """

    budget: Budget
    steps: StepSettings = field(default_factory=StepSettings)
    batch_size: int = 8
    crops_per_epoch: int = 256
    patience: int | None = None
    accumulate: int = 1
    loss_weights: Mapping[str, float] = field(default_factory=dict)
    curriculum: Curriculum | None = None


class Learner(lightning.LightningModule):
    """A method inside the loop, with its data."""

    def __init__(
        self,
        method: Any,
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
        self._order = easiest_first(train.samples) if settings.curriculum else None

    def train_dataloader(self) -> DataLoader[Batch]:
        """The crops of the current epoch; built anew for each."""
        crops = Crops(
            self.frames,
            settings=self.crops,
            epoch=self.trainer.current_epoch,
            count=self.settings.crops_per_epoch,
            allowed=self._allowed(),
        )
        return DataLoader(
            crops,
            self.settings.batch_size,
            num_workers=self.jobs,
            drop_last=True,
            collate_fn=self._collate,
        )

    def _allowed(self) -> Any:
        """Frames that the curriculum lets this epoch draw from; None for all."""
        if self.settings.curriculum is None or self._order is None:
            return None
        pace = next(c for c in self.trainer.callbacks if isinstance(c, Pace))  # type: ignore[attr-defined]
        # All processes draw from the same frames, whose clocks may differ a little.
        spent = self.trainer.strategy.broadcast(pace.spent_before(self.trainer.current_epoch))
        return self.settings.curriculum.allowed(self._order, spent)

    def val_dataloader(self) -> DataLoader[Batch]:
        """The fold's fixed crops."""
        crops = FixedCrops(self.fold, settings=self.crops)
        return DataLoader(crops, self.settings.batch_size, collate_fn=self._collate)

    @property
    def _collate(self) -> Any:
        return partial(collate, ragged=ragged_targets(self.method.codec))

    def training_step(self, batch: Batch, index: int) -> Tensor:
        """Sum of the method's losses, each logged."""
        return self._step(batch, "train")

    def validation_step(self, batch: Batch, index: int) -> Tensor:
        """Sum of the method's losses, each logged."""
        return self._step(batch, "val")

    def _step(self, batch: Batch, part: str) -> Tensor:
        images, targets = batch
        images = images.contiguous(memory_format=torch.channels_last)
        losses = weighted(self.method.losses(images, targets), self.settings.loss_weights)
        total = torch.stack(list(losses.values())).sum()
        logged = {f"{part}_{k}": v.detach() for k, v in losses.items()}
        self.log_dict(
            {f"{part}_loss": total.detach(), **logged},
            on_step=False,
            on_epoch=True,
            prog_bar=False,
            batch_size=len(images),
            sync_dist=part == "val",
        )
        return total

    def configure_optimizers(self) -> torch.optim.Optimizer:
        """The optimiser; its learning rate is set by `Pace`."""
        return optimizer(self.settings.steps, self.method.parameters())


def weighted(losses: Mapping[str, Tensor], factors: Mapping[str, float]) -> dict[str, Tensor]:
    """`losses` times their factors; a factor of a loss that the method has not is an error."""
    unknown = sorted(set(factors) - set(losses))
    if unknown:
        raise InputError(
            f"loss weights came for {', '.join(unknown)}; the losses of this method are "
            f"{', '.join(losses)}"
        )
    return {name: factors.get(name, 1.0) * value for name, value in losses.items()}
