"""The weighted sum against formulas written out, and torch's own losses."""

from __future__ import annotations

import pytest
import torch
from torch.nn import functional

from cellwright.losses.pixel import cross_entropy, squared_error
from cellwright.losses.weighted import WeightedSum


def some(seed: int) -> tuple[torch.Tensor, torch.Tensor]:
    make = torch.Generator().manual_seed(seed)
    return 3 * torch.randn(2, 1, 5, 7, generator=make), torch.rand(2, 1, 5, 7, generator=make)


def test_it_is_the_papers_equation() -> None:
    logits, targets = {}, {}
    for seed, name in enumerate(("cytoplasm", "nuclei", "border", "background")):
        logits[name], targets[name] = some(seed)
    weights = {"cytoplasm": 1.0, "nuclei": 0.5, "border": 2.0, "background": 0.0}
    losses = WeightedSum(weights)(logits, {**targets, "more": torch.zeros(1)})
    for name, weight in weights.items():
        p, y = logits[name].sigmoid(), targets[name]
        by_hand = -(y * p.log() + (1 - y) * (1 - p).log()).mean()
        torch.testing.assert_close(losses[name], weight * by_hand)


def test_squared_error_is_that_of_the_probability() -> None:
    logits, target = some(0)
    torch.testing.assert_close(
        squared_error(logits, target), functional.mse_loss(torch.sigmoid(logits), target)
    )
    loss = WeightedSum({"a": 2.0}, loss=squared_error)({"a": logits}, {"a": target})["a"]
    torch.testing.assert_close(loss, 2 * (logits.sigmoid() - target).square().mean())


def test_half_precision_computes_in_full() -> None:
    logits, target = some(1)
    for loss in (cross_entropy, squared_error):
        exact = loss(logits.bfloat16().float(), target.bfloat16().float())
        assert torch.equal(loss(logits.bfloat16(), target.bfloat16()), exact)


@pytest.mark.parametrize("weights", [{}, {"a": -1.0}, {"a": float("nan")}])
def test_wrong_weights(weights: dict) -> None:
    with pytest.raises(ValueError, match="0 or more"):
        WeightedSum(weights)


def test_a_map_without_weight_is_refused() -> None:
    logits, target = some(0)
    with pytest.raises(ValueError, match="one weight per map"):
        WeightedSum({"a": 1.0})({"a": logits, "b": logits}, {"a": target, "b": target})
