"""Pixels that are ignored cost nothing, have no gradient and change nothing, whatever the loss."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch

from cellwright.losses.ignored import IGNORE, judged
from cellwright.losses.overlap import WEIGHTINGS, OverlapCriterion
from cellwright.losses.pixel import BordersCriterion, cross_entropy, squared_error
from cellwright.losses.weighted import WeightedSum

MAPS = ("foreground", "distance", "border", "overlap")
CRITERIA: dict[str, tuple[Callable, tuple[str, ...]]] = {
    "borders": (BordersCriterion(), MAPS[:3]),
    "cross entropy": (WeightedSum({"foreground": 1.0}, loss=cross_entropy), MAPS[:1]),
    "squared error": (WeightedSum({"foreground": 1.0}, loss=squared_error), MAPS[:1]),
    **{
        f"overlap {weighting}": (
            OverlapCriterion({"foreground": 1.0, "overlap": 2.0}, weighting=weighting),
            ("foreground", "overlap"),
        )
        for weighting in WEIGHTINGS
    },
}


@pytest.fixture(params=list(CRITERIA))
def criterion(request: pytest.FixtureRequest) -> tuple[Callable, tuple[str, ...]]:
    return CRITERIA[request.param]


def some(names: tuple[str, ...], seed: int = 0) -> tuple[dict, dict]:
    """Logits and targets of two images with two classes; half of the second is ignored."""
    make = torch.Generator().manual_seed(seed)
    shape = (2, 2, 6, 8)
    logits = {n: 3 * torch.randn(shape, generator=make) for n in names}
    targets = {n: torch.rand(shape, generator=make) for n in (*names, "likelihood")}
    targets[IGNORE] = torch.zeros(2, 1, 6, 8)
    targets[IGNORE][1, :, :, 4:] = 1
    return logits, targets


def test_what_lies_under_it_changes_nothing(criterion: tuple[Callable, tuple[str, ...]]) -> None:
    loss, names = criterion
    logits, targets = some(names)
    other, truth = some(names, seed=1)
    unknown = targets[IGNORE] > 0
    mixed = {n: torch.where(unknown, other[n], logits[n]) for n in names}
    moved = {n: torch.where(unknown, truth[n], v) for n, v in targets.items()}
    before, after = loss(*judged(logits, targets)), loss(*judged(mixed, moved))
    assert before.keys() == after.keys()
    for name in before:
        assert torch.equal(before[name], after[name])
        assert before[name] > 0


def test_no_gradient_there_and_one_elsewhere(criterion: tuple[Callable, tuple[str, ...]]) -> None:
    loss, names = criterion
    logits, targets = some(names)
    leaves = {n: v.requires_grad_() for n, v in logits.items()}
    torch.stack(list(loss(*judged(leaves, targets)).values())).sum().backward()
    unknown = (targets[IGNORE] > 0).expand(2, 2, 6, 8)
    for leaf in leaves.values():
        assert not leaf.grad[unknown].any()
        assert leaf.grad[~unknown].all()


@pytest.mark.parametrize("kind", [torch.float32, torch.bfloat16, torch.float16])
def test_all_ignored_costs_nothing(
    criterion: tuple[Callable, tuple[str, ...]], kind: torch.dtype
) -> None:
    loss, names = criterion
    logits, targets = some(names)
    targets[IGNORE][:] = 1
    losses = loss(*judged({n: v.to(kind) for n, v in logits.items()}, targets))
    assert all(float(v) == pytest.approx(0, abs=1e-6) for v in losses.values())


def test_other_pixels_weigh_what_they_weighed() -> None:
    """The mean is over all pixels: the gradient elsewhere is that without anything ignored."""
    logits, targets = some(("foreground",))
    grads = []
    for aims in (targets, {n: v for n, v in targets.items() if n != IGNORE}):
        leaf = logits["foreground"].clone().requires_grad_()
        cross_entropy(*(m["foreground"] for m in judged({"foreground": leaf}, aims))).backward()
        grads.append(leaf.grad)
    known = (targets[IGNORE] == 0).expand(2, 2, 6, 8)
    assert torch.equal(grads[0][known], grads[1][known])
    assert grads[1][~known].all()


def test_nothing_ignored_leaves_all_as_it_is() -> None:
    logits, targets = some(("foreground",))
    del targets[IGNORE]
    found, aims = judged(logits, targets)
    assert found["foreground"] is logits["foreground"]
    assert aims == targets
