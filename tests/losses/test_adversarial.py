"""Losses of image translation against cases by hand."""

from __future__ import annotations

import math

import pytest
import torch

from cellwright.losses.adversarial import (
    autoencoder_losses,
    discriminator_loss,
    generator_losses,
)

LOG2 = math.log(2)


def test_a_discriminator_that_cannot_tell() -> None:
    nothing = torch.zeros(2, 1, 3, 3)
    assert discriminator_loss(nothing, nothing).item() == pytest.approx(LOG2)


def test_a_discriminator_that_can_and_one_that_is_wrong() -> None:
    sure = torch.full((1, 1, 2, 2), 20.0)
    assert discriminator_loss(sure, -sure).item() == pytest.approx(0, abs=1e-6)
    assert discriminator_loss(-sure, sure).item() == pytest.approx(20)


def test_the_generator_pays_for_being_found_out_and_for_l1() -> None:
    judged = torch.tensor([[[[0.0, -20.0]]]])
    made, wanted = torch.zeros(1, 2, 1, 2), torch.tensor([[[[0.5, 0.0]], [[0.0, -0.5]]]])
    losses = generator_losses(judged, made, wanted)
    assert losses["gan"].item() == pytest.approx((LOG2 + 20) / 2)
    assert losses["l1"].item() == pytest.approx(0.25)
    assert losses["loss"].item() == pytest.approx((LOG2 + 20) / 2 + 25)
    light = generator_losses(judged, made, wanted, l1_weight=1)
    assert light["loss"].item() == pytest.approx((LOG2 + 20) / 2 + 0.25)


def test_the_autoencoder_pays_mse_and_bce() -> None:
    logits, wanted = torch.zeros(1, 1, 1, 2), torch.tensor([[[[1.0, 0.0]]]])
    losses = autoencoder_losses(logits, wanted)
    assert losses["mse"].item() == pytest.approx(0.125)
    assert losses["bce"].item() == pytest.approx(LOG2)
    assert losses["l1"].item() == pytest.approx(0.5)
    assert losses["loss"].item() == pytest.approx(0.125 + LOG2)
    exact = autoencoder_losses(torch.full((1, 1, 1, 1), 30.0), torch.ones(1, 1, 1, 1))
    assert exact["loss"].item() == pytest.approx(0, abs=1e-6)
