"""Focal loss against torchvision's, and what each weighting does to single pixels."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torchvision.ops import sigmoid_focal_loss

from cellwright.losses.overlap import WEIGHTINGS, OverlapCriterion, focal, overlap_focal
from cellwright.losses.pixel import cross_entropy


@settings(max_examples=20, deadline=None)
@given(
    seed=st.integers(0, 10_000),
    alpha=st.floats(0, 1),
    gamma=st.sampled_from([0.0, 0.5, 1.0, 2.0, 5.0]),
)
def test_focal_is_torchvisions_for_hard_targets(seed: int, alpha: float, gamma: float) -> None:
    draw = torch.Generator().manual_seed(seed)
    logits = 6 * torch.randn(3, 1, 5, 7, generator=draw)
    target = (torch.rand(3, 1, 5, 7, generator=draw) < 0.3).float()
    wanted = sigmoid_focal_loss(logits, target, alpha=alpha, gamma=gamma)
    torch.testing.assert_close(focal(logits, target, alpha=alpha, gamma=gamma), wanted)


def test_focal_of_a_soft_target_is_the_equation() -> None:
    p, y, alpha, gamma = 0.3, 0.4, 0.25, 2.0
    logit = torch.tensor(math.log(p / (1 - p)))
    wanted = -alpha * (1 - p) ** gamma * y * math.log(p)
    wanted -= (1 - alpha) * p**gamma * (1 - y) * math.log(1 - p)
    assert focal(logit, torch.tensor(y)).item() == pytest.approx(wanted, rel=1e-5)


def test_half_the_focal_loss_without_focus_is_cross_entropy() -> None:
    logits, target = torch.randn(1, 1, 4, 4), torch.rand(1, 1, 4, 4)
    found = overlap_focal(logits, target, alpha=0.5, gamma=0.0)
    torch.testing.assert_close(2 * found, cross_entropy(logits, target))


@pytest.mark.parametrize("gamma", [0.0, 0.5, 2.0])
def test_extreme_logits_have_finite_gradients(gamma: float) -> None:
    logits = torch.tensor([-200.0, -30, 0, 30, 200]).repeat(2, 1).requires_grad_()
    target = torch.stack([torch.zeros(5), torch.ones(5)])
    focal(logits, target, gamma=gamma).sum().backward()
    assert torch.isfinite(logits.grad).all()


def one(y: float, likelihood: float, logit: float, **options) -> tuple[float, float]:
    """Loss and its slope of a single pixel."""
    x = torch.tensor([[[[logit]]]], requires_grad=True)
    loss = overlap_focal(x, torch.full_like(x, y), torch.full_like(x, likelihood), **options)
    loss.backward()
    return loss.item(), x.grad.item()


def at(y: float, logit: float) -> float:
    return one(y, 0.0, logit, weighting="none")[0]


@pytest.mark.parametrize("y", [0.0, 1.0])
@pytest.mark.parametrize("logit", [-2.0, 1.0])
@pytest.mark.parametrize("p", [0.1, 0.9])
def test_weightings_to_the_letter(y: float, logit: float, p: float) -> None:
    loss = at(y, logit)
    assert one(y, p, logit, weighting="none")[0] == loss
    assert one(y, p, logit, weighting="complement")[0] == pytest.approx((1 - p) * loss)
    assert one(y, p, logit, weighting="map")[0] == pytest.approx(p * loss)
    kept = 1 if y else 1 - p
    assert one(y, p, logit, weighting="relaxed")[0] == pytest.approx(kept * loss)
    soft = focal(torch.tensor(logit), torch.tensor(y * (1 - p))).item()
    assert one(y, p, logit, weighting="target")[0] == pytest.approx(soft, rel=1e-5)


def test_what_the_letter_does() -> None:
    likely, unlikely = 0.9, 0.1
    # A false overlap: the text's weighting punishes it most where overlaps are unlikely,
    # Eq. 5.1 where they are likely, and Eq. 4.5 the same anywhere.
    false = {w: [one(0, p, 2.0, weighting=w)[0] for p in (likely, unlikely)] for w in WEIGHTINGS}
    assert false["complement"][0] < false["complement"][1]
    assert false["map"][0] > false["map"][1]
    assert false["target"][0] == false["target"][1] == at(0, 2.0)
    # A missed overlap: the text's weighting and Eq. 4.5 forgive it where overlaps are likely.
    missed = {w: [one(1, p, -2.0, weighting=w)[0] for p in (likely, unlikely)] for w in WEIGHTINGS}
    assert missed["complement"][0] < missed["complement"][1]
    assert missed["target"][0] < missed["target"][1]
    assert missed["map"][0] > missed["map"][1]
    assert false["relaxed"] == false["complement"]
    assert missed["relaxed"][0] == missed["relaxed"][1] == at(1, -2.0)


def test_a_map_of_one_leaves_nothing_of_an_overlap_to_the_letter() -> None:
    assert one(1, 1.0, -2.0, weighting="complement") == (0, 0)
    assert one(1, 1.0, -2.0, weighting="target")[1] > 0, "the prediction is pushed down"
    assert one(1, 1.0, -2.0, weighting="map")[1] < 0, "the prediction is pushed up"


def test_the_complement_of_the_map_makes_the_target_favour_likely_overlaps() -> None:
    kept = [one(1, p, -2.0, weighting="target", invert=True)[1] for p in (0.9, 0.1)]
    assert kept[0] < kept[1], "pushed up more where likely"
    for y in (0, 1):
        a = one(y, 0.8, 0.3, weighting="complement", invert=True)
        b = one(y, 0.8, 0.3, weighting="map")
        assert a == pytest.approx(b)
        a = one(y, 0.8, 0.3, weighting="map", invert=True)
        b = one(y, 0.8, 0.3, weighting="complement")
        assert a == pytest.approx(b)


ANSWERS = (
    ("none", (0.227, 0.326, 0.399, 0.601)),
    ("complement", (0.227, 0.326, 0.399, 0.601)),
    ("map", (0.227, 0.326, 0.399, 0.601)),
    ("target", (0.108, 0.154, 0.182, 0.219)),
    ("relaxed", (0.408, 0.533, 0.611, 0.780)),
)


@pytest.mark.parametrize(("weighting", "wanted"), ANSWERS)
def test_the_answer_of_least_expected_loss(weighting: str, wanted: tuple[float, ...]) -> None:
    """Where overlaps are there with frequency 0.1, 0.3, 0.5 and 0.9: docs/networks/overlap.md.

    By "target" it stays below P4's threshold of 0.3 even where an overlap is certain.
    """
    answers = torch.linspace(0.001, 0.999, 999)
    high = torch.tensor([0.9])
    yes, no = (
        torch.stack(
            [
                overlap_focal(a[None], torch.tensor([y]), high, weighting=weighting)
                for a in answers.logit()
            ]
        )
        for y in (1.0, 0.0)
    )
    best = [float(answers[(q * yes + (1 - q) * no).argmin()]) for q in (0.1, 0.3, 0.5, 0.9)]
    assert best == pytest.approx(wanted, abs=0.002)
    if weighting == "target":
        assert float(answers[yes.argmin()]) == pytest.approx(0.227, abs=0.002)


@pytest.mark.parametrize("weighting", WEIGHTINGS)
def test_the_criterion_adds_the_heads(weighting: str) -> None:
    shape = (2, 1, 4, 6)
    logits = {"cytoplasm": torch.randn(2, 2, 4, 6), "overlap": torch.randn(shape)}
    targets = {
        "cytoplasm": torch.rand(2, 2, 4, 6).round(),
        "overlap": torch.rand(shape).round(),
        "likelihood": torch.rand(shape),
    }
    criterion = OverlapCriterion({"cytoplasm": 0.5, "overlap": 3.0}, weighting=weighting, gamma=1)
    losses = criterion(logits, targets)
    assert list(losses) == ["cytoplasm", "overlap"]
    torch.testing.assert_close(
        losses["cytoplasm"], 0.5 * cross_entropy(logits["cytoplasm"], targets["cytoplasm"])
    )
    wanted = overlap_focal(
        logits["overlap"], targets["overlap"], targets["likelihood"], weighting=weighting, gamma=1
    )
    torch.testing.assert_close(losses["overlap"], 3 * wanted)


def test_half_precision_computes_in_single() -> None:
    logits = torch.randn(1, 1, 3, 3).bfloat16()
    target = torch.ones(1, 1, 3, 3).half()
    assert overlap_focal(logits, target, target, weighting="map").dtype == torch.float32


def test_bad_arguments() -> None:
    x = torch.zeros(1, 1, 2, 2)
    with pytest.raises(ValueError, match="without a map"):
        overlap_focal(x, x, weighting="map")
    with pytest.raises(ValueError, match="none, target, complement, map, relaxed"):
        OverlapCriterion({"cytoplasm": 1, "overlap": 1}, weighting="both")
    with pytest.raises(ValueError, match="overlap"):
        OverlapCriterion({"cytoplasm": 1})
    with pytest.raises(ValueError, match="alpha"):
        OverlapCriterion({"cytoplasm": 1, "overlap": 1}, alpha=2)
