"""Optimisers and learning rates: how large the steps are, and when training ends."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass

import torch
from torch import nn

from cellwright.types import InputError


@dataclass(frozen=True, slots=True)
class StepSettings:
    """How weights are changed.

    Parameters
    ----------
    optimizer
        "adamw", "adam" (its weight decay is an L2 penalty) or "sgd".
    learning_rate
        The peak.
    weight_decay, momentum
        Of the optimiser; momentum is that of "sgd".
    schedule
        A name of `SCHEDULES`, or "plateau": the rate falls to a tenth whenever the
        validation loss has not fallen for `plateau_patience` epochs (P1, P5).
    warm_up_steps
        Steps of a linear rise at the beginning; None is 5% of the budget for "one-cycle",
        else none.
    milestones
        Steps after which "steps" divides the rate by ten (P3).
    least_rate
        Of "cyclic": the rate rises from it to the peak and falls back (P2).
    half_cycle
        Steps of a rise of "cyclic".
    plateau_patience
        Epochs.
    """

    optimizer: str = "adamw"
    learning_rate: float = 2e-3
    weight_decay: float = 1e-2
    momentum: float = 0.9
    schedule: str = "one-cycle"
    warm_up_steps: int | None = None
    milestones: tuple[int, ...] = ()
    least_rate: float = 0.0
    half_cycle: int = 2000
    plateau_patience: int = 10

    def __post_init__(self) -> None:
        if self.optimizer not in OPTIMIZERS:
            raise InputError(f"there is no optimizer {self.optimizer!r}; known are "
                             f"{', '.join(OPTIMIZERS)}")  # fmt: skip
        if self.schedule not in (*SCHEDULES, "plateau"):
            known = ", ".join((*SCHEDULES, "plateau"))
            raise InputError(f"there is no schedule {self.schedule!r}; known are {known}")


@dataclass(frozen=True, slots=True)
class Progress:
    """Where a training stands: steps taken, share of the budget used (0 to 1)."""

    steps: int
    spent: float


def optimizer(settings: StepSettings, parameters: Iterable[nn.Parameter]) -> torch.optim.Optimizer:
    """The optimiser of `settings`."""
    return OPTIMIZERS[settings.optimizer](list(parameters), settings)


def share_of_peak(settings: StepSettings, progress: Progress) -> float:
    """Learning rate as a share of its peak, plateaus left out.

    Examples
    --------
    >>> cycle = StepSettings()
    >>> [round(share_of_peak(cycle, Progress(0, s)), 2) for s in (0.025, 0.05, 0.525, 1.0)]
    [0.5, 1.0, 0.5, 0.0]
    >>> steps = StepSettings(schedule="steps", warm_up_steps=10, milestones=(100, 200))
    >>> [round(share_of_peak(steps, Progress(n, 0)), 3) for n in (4, 50, 100, 250)]
    [0.5, 1.0, 0.1, 0.01]
    """
    if settings.schedule == "plateau":
        return _warm(settings, progress)
    return SCHEDULES[settings.schedule](settings, progress)


def _one_cycle(settings: StepSettings, progress: Progress) -> float:
    """Linear warm-up, then a cosine to zero at the end of the budget (Smith 2018)."""
    if settings.warm_up_steps is None and progress.spent < 0.05:
        return max(progress.spent / 0.05, 0.01)
    first = 0.05 if settings.warm_up_steps is None else 0.0
    wave = 0.5 * (1 + math.cos(math.pi * (progress.spent - first) / (1 - first)))
    return wave * _warm(settings, progress)


def _cyclic(settings: StepSettings, progress: Progress) -> float:
    """Up and down in a straight line between `least_rate` and the peak (Smith 2017)."""
    low = settings.least_rate / settings.learning_rate
    place = progress.steps / settings.half_cycle % 2
    return low + (1 - low) * (place if place <= 1 else 2 - place)


def _steps(settings: StepSettings, progress: Progress) -> float:
    """A tenth less after each milestone."""
    passed = sum(progress.steps >= m for m in settings.milestones)
    return _warm(settings, progress) * 0.1**passed


def _warm(settings: StepSettings, progress: Progress) -> float:
    """Share reached by the linear warm-up."""
    rise = settings.warm_up_steps or 0
    return min((progress.steps + 1) / rise, 1.0) if rise else 1.0


SCHEDULES: dict[str, Callable[[StepSettings, Progress], float]] = {
    "one-cycle": _one_cycle,
    "cyclic": _cyclic,
    "steps": _steps,
    "constant": _warm,
}

OPTIMIZERS: dict[str, Callable[[list[nn.Parameter], StepSettings], torch.optim.Optimizer]] = {
    "adamw": lambda p, s: torch.optim.AdamW(p, lr=s.learning_rate, weight_decay=s.weight_decay),
    "adam": lambda p, s: torch.optim.Adam(p, lr=s.learning_rate, weight_decay=s.weight_decay),
    "sgd": lambda p, s: torch.optim.SGD(
        p, lr=s.learning_rate, weight_decay=s.weight_decay, momentum=s.momentum
    ),
}
