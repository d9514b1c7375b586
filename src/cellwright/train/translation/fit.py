"""The loop: a budget, a state from which it goes on exactly, the best weights by FID."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from time import monotonic as clock
from typing import Any

import numpy as np
import torch

from cellwright.train.curves import write_csv
from cellwright.train.state import read_state, write_state
from cellwright.train.translation.learners import TranslationLearner
from cellwright.train.translation.pairs import Pairs, draw_batch
from cellwright.train.translation.statistics import settled
from cellwright.types import InputError

log = logging.getLogger(__name__)

LAST, CURVES = "last.safetensors", "curves.csv"
#: how often the held-out images are looked at over the whole budget
READINGS = 12
#: seconds after which the state is written, at the latest
SAVE_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class FitBudget:
    """How long and how fast.

    Parameters
    ----------
    epochs, minutes
        One of the two; minutes are of learning, over all resumptions, without the readings.
    steps_per_epoch
        Batches of an epoch.
    batch_size, crop
        Crops of a batch; their rows and columns.
    learning_rate
        Of the first half of the budget; it falls to nothing in a straight line in the second
        (as in the authors' code; P4 gives its start only).
    seed
        Of crops and noise.
    """

    epochs: int | None
    minutes: float | None
    steps_per_epoch: int
    batch_size: int
    crop: tuple[int, int]
    learning_rate: float
    seed: int

    def spent(self, step: int, seconds: float) -> float:
        """Share of the budget that is used up, 0 to 1."""
        if self.minutes is not None:
            return min(seconds / (60 * self.minutes), 1.0)
        return min(step / ((self.epochs or 1) * self.steps_per_epoch), 1.0)

    def rate(self, spent: float) -> float:
        """Learning rate at that share.

        Examples
        --------
        >>> budget = FitBudget(1, None, 10, 1, (64, 64), 2e-4, 0)
        >>> [budget.rate(s) for s in (0.0, 0.5, 0.75)]
        [0.0002, 0.0002, 0.0001]
        """
        return self.learning_rate * min(1.0, 2 * (1 - spent))


def fit(
    learner: TranslationLearner,
    pairs: Pairs,
    folder: Path,
    *,
    budget: FitBudget,
    read: Callable[[Any], dict[str, float]],
    device: str,
    tell: Callable[[float, str], None] = lambda share, words: None,
) -> dict[str, Any]:
    """Train `learner`; the state is kept in `folder`, the best weights are left in its net.

    A training that is killed goes on from its last state as if it had not been: crops and noise
    are functions of the seed and the number of the step.

    Parameters
    ----------
    read
        Gives the figures of a net; the weights of the least ``fid`` are the best. It is shown
        the net with settled statistics, which are kept with the weights.
    tell
        Is told the share of the budget and what is going on, at each step.

    Returns
    -------
    Steps, seconds, and the best reading.
    """
    state: dict[str, Any] = {"step": 0, "seconds": 0.0, "read": 0, "best": None, "rows": [],
                             "sums": {}, "summed": 0}  # fmt: skip
    last = folder / LAST
    if last.is_file():
        state = _restored(read_state(last), learner, last)
    net = learner.net
    net.train()
    begun, saved = clock() - state["seconds"], clock()
    while (share := budget.spent(state["step"], clock() - begun)) < 1:
        step = state["step"]
        torch.manual_seed(int(np.random.SeedSequence([budget.seed, step]).generate_state(1)[0]))
        source, target = draw_batch(
            pairs, budget.crop, count=budget.batch_size, seed=budget.seed, step=step
        )
        losses = learner.learn(source.to(device), target.to(device), budget.rate(share))
        if not np.isfinite(losses["loss"]):
            raise InputError(
                f"the loss is {losses['loss']} at step {step}: the training fell apart; lower "
                "--learning-rate, or look for pixels that are not finite"
            )
        state["step"] += 1
        state["summed"] += 1
        state["sums"] = {k: state["sums"].get(k, 0.0) + v for k, v in losses.items()}
        state["seconds"] = clock() - begun
        share = budget.spent(state["step"], state["seconds"])
        due = int(share * READINGS + 1e-9)
        row = {}
        if due > state["read"]:
            stopped = clock()
            kept = settled(
                net, pairs, budget.crop, batch_size=budget.batch_size, seed=budget.seed,
                device=device,
            )  # fmt: skip
            row = read(kept)
            state["read"] = due
            if state["best"] is None or row["fid"] < state["best"]["fid"]:
                state["best"] = {**row, "step": state["step"]}
                write_state(kept.state_dict(), _best(folder, state))
            begun += clock() - stopped
        if row or state["step"] % budget.steps_per_epoch == 0:
            _add_row(state, row, folder)
        if row or clock() - saved > SAVE_SECONDS:
            _save(state, learner, folder)
            saved = clock()
        tell(share, _words(state))
    if state["best"] is not None:
        net.load_state_dict(read_state(_best(folder, state)))
    net.eval()
    return {k: state[k] for k in ("step", "seconds", "best", "rows")}


def _words(state: dict[str, Any]) -> str:
    best = state["best"]
    return f"step {state['step']}" + (f", best FID {best['fid']:.3g}" if best else "")


def _add_row(state: dict[str, Any], row: dict[str, float], folder: Path) -> None:
    """Losses since the last row, and figures of the held-out images if they were read."""
    means = {f"train_{k}": v / state["summed"] for k, v in sorted(state["sums"].items())}
    held_out = {f"held_out_{k}": v for k, v in row.items()}
    place = {"step": state["step"], "seconds": round(state["seconds"], 2)}
    state["rows"].append({**place, **means, **held_out})
    state["sums"], state["summed"] = {}, 0
    write_csv(state["rows"], folder.parent / CURVES)


def _best(folder: Path, state: dict[str, Any]) -> Path:
    """The best weights, by their step: a state never finds those of a later reading."""
    return folder / f"best-{state['best']['step']}.safetensors"


def _save(state: dict[str, Any], learner: TranslationLearner, folder: Path) -> None:
    """Write the state, then remove the best weights that it no longer names."""
    parts = {name: part.state_dict() for name, part in learner.parts.items()}
    write_state({"fit": state, "parts": parts}, folder / LAST)
    for path in folder.glob("best-*.safetensors"):
        if state["best"] is None or path != _best(folder, state):
            path.unlink()


def _restored(found: dict[str, Any], learner: TranslationLearner, path: Path) -> dict[str, Any]:
    try:
        for name, part in learner.parts.items():
            part.load_state_dict(found["parts"][name])
        return found["fit"]
    except (KeyError, RuntimeError, ValueError) as error:
        raise InputError(
            f"{path} does not fit this training ({error}); use another output folder"
        ) from error
