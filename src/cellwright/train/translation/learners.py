"""What learns a translation in one step: the adversarial game of pix2pix, and the autoencoder.

Source: Isola et al. 2017, arXiv 1611.07004, sections 3.1-3.3; P4 (Prytula 2023), sections 4.4.2
and 5.6: AdamW, learning rate 2e-4, momentum (0.5, 0.999).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

import torch
from torch import Tensor, nn

from cellwright.losses.adversarial import (
    autoencoder_losses,
    discriminator_loss,
    generator_losses,
)
from cellwright.nets.patch_gan import PatchDiscriminator

MOMENTUM = (0.5, 0.999)


class TranslationLearner(Protocol):
    """Learns from a batch; `net` is what translates."""

    net: Any
    parts: Mapping[str, Any]

    def learn(self, source: Tensor, target: Tensor, rate: float) -> dict[str, float]:
        """One step of the optimisers at this learning rate; the losses by name."""
        ...


class Adversarial:
    """Generator against discriminator, one step each per batch, and L1.

    Parameters
    ----------
    net
        The generator.
    channels
        Channels in and out.
    width
        Of the discriminator's first layer.
    l1_weight
        Weight of L1 in the generator's loss.
    """

    def __init__(
        self, net: Any, *, channels: tuple[int, int], width: int, l1_weight: float = 100.0
    ) -> None:
        self.net = net
        self.l1_weight = l1_weight
        self.judge = PatchDiscriminator(sum(channels), width=width)
        self._making, self._judging = _adamw(net), _adamw(self.judge)
        self.parts = {
            "net": net, "judge": self.judge, "making": self._making, "judging": self._judging
        }  # fmt: skip

    def learn(self, source: Tensor, target: Tensor, rate: float) -> dict[str, float]:
        """The discriminator first, then the generator against it."""
        made = self.net(source)
        wrong = discriminator_loss(self.judge(source, target), self.judge(source, made.detach()))
        _take(self._judging, wrong, rate)
        self.judge.requires_grad_(False)
        losses = generator_losses(self.judge(source, made), made, target, l1_weight=self.l1_weight)
        _take(self._making, losses["loss"], rate)
        self.judge.requires_grad_(True)
        return {k: float(v.detach()) for k, v in {**losses, "judge": wrong}.items()}


class Regression:
    """The autoencoder: mean-square error and binary cross-entropy.

    Parameters
    ----------
    net
        Has `logits`.
    """

    def __init__(self, net: Any) -> None:
        self.net = net
        self._steps = _adamw(net)
        self.parts = {"net": net, "steps": self._steps}

    def learn(self, source: Tensor, target: Tensor, rate: float) -> dict[str, float]:
        """One step."""
        losses = autoencoder_losses(self.net.logits(source), target.clamp(-1, 1))
        _take(self._steps, losses["loss"], rate)
        return {k: float(v.detach()) for k, v in losses.items()}


def _adamw(net: nn.Module) -> torch.optim.Optimizer:
    return torch.optim.AdamW(net.parameters(), lr=2e-4, betas=MOMENTUM)


def _take(steps: torch.optim.Optimizer, loss: Tensor, rate: float) -> None:
    """One step downhill."""
    for group in steps.param_groups:
        group["lr"] = rate
    steps.zero_grad(set_to_none=True)
    loss.backward()
    steps.step()
