"""The loop: Lightning with mixed precision, checkpoints, resume, one machine or several."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import lightning
import torch
from lightning.pytorch.callbacks import Callback, EarlyStopping, ModelCheckpoint

from cellwright.device import computes_in_half, resolve
from cellwright.train.curves import Curves
from cellwright.train.learner import FitSettings, Learner
from cellwright.train.pace import Pace
from cellwright.train.progress import Bar
from cellwright.train.state import StateIO, read_state
from cellwright.train.watch import Watch
from cellwright.types import InputError

LAST = "last.safetensors"
PRECISIONS = {"32": "32-true", "bf16": "bf16-mixed", "16": "16-mixed"}
#: Lightning's strategy for methods of which a batch trains only a part
PARTLY = "ddp_find_unused_parameters_true"


@dataclass(frozen=True, slots=True)
class Hardware:
    """On what a training runs.

    Parameters
    ----------
    device
        ``auto`` takes the accelerators there are, else the CPU.
    precision
        "auto" (bfloat16 where the device computes with it natively), "32", "bf16" or "16".
    devices
        How many of the machine's; None takes all accelerators, or one CPU process.
    nodes
        Machines.
    strategy
        Lightning's name of the way they work together ("ddp", "fsdp" ...). With "auto" several
        devices are told to expect weights without a gradient where the method needs that.
    """

    device: str = "auto"
    precision: str = "auto"
    devices: int | None = None
    nodes: int = 1
    strategy: str = "auto"

    def trainer_arguments(self, *, partly: bool = False) -> dict[str, Any]:
        """In the words of Lightning's trainer.

        `partly` says that a batch may leave weights without a gradient.
        """
        if self.precision not in ("auto", *PRECISIONS):
            known = ", ".join(("auto", *PRECISIONS))
            raise InputError(f"there is no precision {self.precision!r}; known are {known}")
        half = computes_in_half(resolve(self.device))
        precision = ("bf16" if half else "32") if self.precision == "auto" else self.precision
        arguments = accelerator(self.device) | {
            "precision": PRECISIONS[precision],
            "num_nodes": self.nodes,
            "strategy": PARTLY if partly and self._several_by_default else self.strategy,
        }
        return arguments | ({} if self.devices is None else {"devices": self.devices})

    @property
    def here(self) -> int:
        """Processes that train together on this machine."""
        if self.devices is not None:
            return self.devices
        every = self.device == "auto" or self.device == "cuda"
        return max(1, torch.cuda.device_count()) if every else 1

    @property
    def _several_by_default(self) -> bool:
        """Whether several processes train together, in a way that nobody has named."""
        return self.strategy == "auto" and (self.here > 1 or self.nodes > 1)


def fit(
    learner: Learner,
    folder: Path,
    *,
    hardware: Hardware | None = None,
    score: Callable[[], dict[str, float]] | None = None,
    resume: bool = False,
    quiet: bool = False,
) -> Mapping[str, Any]:
    """Train `learner`, keeping the state in `folder`; its best weights are left in the method.

    `score` gives figures of the method as it stands, for the curves; it is called eight times.

    Returns
    -------
    Epochs, steps, seconds, the best validation loss, and whether this process is the first
    of those that trained together.
    """
    settings = learner.settings
    last = folder / LAST
    pace = Pace(
        settings.budget,
        settings.steps,
        accumulate=settings.accumulate,
        seed=learner.crops.seed,
    )
    best, callbacks = _callbacks(settings, folder, pace, score=score, quiet=quiet)
    logging.getLogger("lightning.pytorch").setLevel(logging.WARNING)
    trainer = lightning.Trainer(
        **(hardware or Hardware()).trainer_arguments(
            partly=getattr(learner.method, "trains_partly", False)
        ),
        max_epochs=settings.budget.epochs or -1,
        accumulate_grad_batches=settings.accumulate,
        gradient_clip_val=1.0,
        reload_dataloaders_every_n_epochs=1,
        num_sanity_val_steps=0,
        logger=False,
        callbacks=callbacks,
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
        "seconds": round(pace.elapsed, 1),
        "val_loss": float(best.best_model_score) if best.best_model_score is not None else None,
        "resumed": begun,
        "first": trainer.is_global_zero,
    }


def _callbacks(
    settings: FitSettings,
    folder: Path,
    pace: Pace,
    *,
    score: Callable[[], dict[str, float]] | None,
    quiet: bool,
) -> tuple[ModelCheckpoint, list[Callback]]:
    """The checkpoint of the best weights, and all callbacks in their order."""
    best = ModelCheckpoint(
        folder,
        filename="best",
        monitor="val_loss",
        save_top_k=1,
        save_last=False,
        enable_version_counter=False,
    )
    keep_last = ModelCheckpoint(
        folder,
        filename="last",
        save_top_k=1,
        monitor=None,
        enable_version_counter=False,
        every_n_epochs=1,
        save_on_train_epoch_end=True,
    )
    best.FILE_EXTENSION = keep_last.FILE_EXTENSION = ".safetensors"
    watch = [Watch(score, pace)] if score else []
    curves = Curves(
        folder.parent,
        schedule=lambda: pace.elapsed,
        scores=lambda: {k: v for w in watch for k, v in w.take().items()},
    )
    callbacks: list[Callback] = [pace, *watch, curves, best]
    if settings.patience:
        callbacks.append(EarlyStopping("val_loss", patience=settings.patience, mode="min"))
    if not quiet:
        callbacks.append(Bar(pace.spent))
    return best, [*callbacks, keep_last]


def accelerator(device: str) -> dict[str, Any]:
    """Lightning's words for a device: ``auto`` takes all accelerators there are."""
    kind, _, number = device.partition(":")
    names = {"auto": "auto", "cpu": "cpu", "cuda": "gpu", "mps": "mps"}
    if kind not in names or (number and not number.isdigit()):
        raise InputError(f"there is no device {device!r}; known are auto, cpu, cuda, cuda:N, mps")
    if number:
        return {"accelerator": names[kind], "devices": [int(number)]}
    return {"accelerator": names[kind], "devices": 1 if kind == "cpu" else "auto"}
