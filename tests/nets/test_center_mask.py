"""CenterMask: adaptive RoI assignment, the mask branch, losses in both modes, detections."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from cellwright.nets.center_mask import CenterMask, Limits
from cellwright.nets.fcos import Head, Matching
from cellwright.nets.fpn import Pyramid
from cellwright.nets.mask_scoring import MaskScoring, score_targets
from cellwright.nets.sag_mask import (
    MaskBranch,
    SpatialAttention,
    adaptive_levels,
    pooled_features,
)
from cellwright.nets.vovnet import VoVNet, VoVNetSize

TINY = VoVNetSize((8, 8, 8), (8, 8, 8, 8), (8, 8, 16, 16), 1, (1, 1, 1, 1), depthwise=True)


def small_net(
    *, inputs: int = 1, classes: int = 1, scoring: bool = False, levels=(3, 6), **limits
) -> CenterMask:
    torch.manual_seed(0)
    pyramid = Pyramid(VoVNet(inputs, TINY), channels=8, first=levels[0], last=levels[1])
    return CenterMask(
        pyramid,
        Head(8, classes, towers=1, levels=len(pyramid.strides)),
        MaskBranch(8, classes, channels=8, convs=1),
        matching=Matching(pyramid.strides),
        limits=Limits(**limits),
        scoring=MaskScoring(8, classes, channels=8, convs=1, hidden=16) if scoring else None,
    )


def two_cells() -> dict[str, list[torch.Tensor]]:
    crops = torch.zeros(2, 24, 20, dtype=torch.bool)
    crops[0, :20, :20] = True
    crops[1, :24, :12] = True
    boxes = torch.tensor([[4.0, 8, 24, 28], [30, 40, 54, 52]])
    return {"boxes": [boxes], "classes": [torch.tensor([0, 0])], "crops": [crops]}


def no_cells() -> dict[str, list[torch.Tensor]]:
    return {
        "boxes": [torch.zeros(0, 4)],
        "classes": [torch.zeros(0, dtype=torch.int64)],
        "crops": [torch.zeros(0, 0, 0, dtype=torch.bool)],
    }


@settings(deadline=None, max_examples=30)
@given(st.floats(4, 500), st.floats(4, 500), st.integers(64, 1024))
def test_levels_follow_equation_2(height, width, side):
    box = torch.tensor([[0.0, 0.0, width, height]], dtype=torch.float64)
    level = int(adaptive_levels(box, side * side, first=3, last=5))
    ratio = width * height / side**2
    assert level == (5 if ratio > 1 / 2 else 4 if ratio > 1 / 4 else 3)


def test_features_come_from_the_level_and_the_image_of_the_box():
    levels = [torch.full((2, 1, 16 >> k, 16 >> k), 10.0 * k) for k in range(3)]
    for level in levels:
        level[1] += 1
    large, small = torch.tensor([[0.0, 0, 120, 120]]), torch.tensor([[8.0, 8, 20, 20]])
    features = pooled_features(levels, [(0, large), (1, small)], area=128 * 128, first=3, last=5)
    assert features.shape == (2, 1, 14, 14)
    assert features[0].unique().tolist() == [20.0]
    assert features[1].unique().tolist() == [1.0]


def test_a_box_is_seen_where_it_lies():
    column = torch.arange(16.0).repeat(16, 1)[None, None] * 8 + 4
    features = pooled_features(
        [column], [(0, torch.tensor([[24.0, 24, 66, 66]]))], area=1e9, first=3, last=3
    )
    torch.testing.assert_close(features[0, 0, 0], 24 + 3 * (torch.arange(14) + 0.5))


def test_attention_weights_places_and_not_channels():
    attention = SpatialAttention()
    x = torch.rand(2, 5, 4, 4)
    weight = attention(x) / x
    torch.testing.assert_close(weight, weight[:, :1].expand_as(weight))
    both = torch.stack([x.mean(1), x.amax(1)], dim=1)
    torch.testing.assert_close(weight[:, :1], attention.conv(both).sigmoid())


def test_mask_branch_attends_before_it_enlarges():
    branch = MaskBranch(8, 3, channels=4, convs=2)
    assert [name for name, _ in branch.named_children()] == [
        "convs", "attention", "deconv", "relu", "predictor",
    ]  # fmt: skip
    assert branch(torch.rand(2, 8, 14, 14)).shape == (2, 3, 28, 28)


@pytest.mark.parametrize("scoring", [False, True])
@pytest.mark.parametrize("training", [False, True])
def test_losses_of_both_modes_reach_every_weight(training, scoring):
    net = small_net(scoring=scoring).train(training)
    before = {name: value.clone() for name, value in net.named_buffers()}
    losses = net.losses(torch.rand(1, 1, 64, 64), two_cells())
    names = {"classes", "boxes", "centreness", "mask"} | ({"mask_iou"} if scoring else set())
    assert set(losses) == names
    assert all(value.ndim == 0 and bool(value.isfinite()) for value in losses.values())
    sum(losses.values()).backward()
    assert all(p.grad is not None for p in net.parameters())
    same = all(torch.equal(value, before[name]) for name, value in net.named_buffers())
    assert same is not training


def test_evaluation_losses_repeat():
    net = small_net(mask_boxes=1).eval()
    images = torch.rand(1, 1, 64, 64)
    first, second = net.losses(images, two_cells()), net.losses(images, two_cells())
    assert all(torch.equal(first[name], second[name]) for name in first)


@pytest.mark.parametrize("scoring", [False, True])
def test_an_image_without_cells_costs_background_only(scoring):
    net = small_net(scoring=scoring)
    losses = net.losses(torch.rand(1, 1, 64, 64), no_cells())
    assert float(losses["classes"].detach()) > 0
    others = [float(value.detach()) for name, value in losses.items() if name != "classes"]
    assert others == [0.0] * len(others)
    sum(losses.values()).backward()
    assert all(p.grad is not None for p in net.parameters())


@pytest.mark.parametrize("mask_boxes", [1, 2, 3, 4, 9])
def test_masks_are_learnt_in_true_boxes_and_then_in_good_found_ones(mask_boxes):
    net = small_net(mask_boxes=mask_boxes).eval()
    cells = [[0.0, 0, 10, 10], [20, 20, 30, 30]]
    elsewhere, other_class = [50.0, 50, 60, 60], [0.0, 1, 10, 10]
    good = [[21.0, 20, 30, 30], [20, 20, 30, 30]]
    found = {
        "boxes": torch.tensor([elsewhere, good[0], other_class, good[1]]),
        "labels": torch.tensor([1, 1, 2, 1]),
    }
    places, whose = net._sampled(torch.tensor(cells), torch.tensor([0, 0]), found)
    assert places.tolist() == (cells + good)[:mask_boxes]
    assert whose.tolist() == [0, 1, 1, 1][:mask_boxes]


@pytest.mark.parametrize("magnify", [1.0, 2.0])
def test_the_mask_branch_is_taught_the_cell_in_its_box(magnify, monkeypatch):
    net = small_net(magnify=magnify, levels=(2, 5)).eval()
    seen = []

    def loss(logits, labels, targets):
        seen.append(targets)
        return logits.sum() * 0

    monkeypatch.setattr("cellwright.nets.center_mask.mask_loss", loss)
    targets = two_cells()
    targets["crops"][0][0, :, :10] = False
    net.losses(torch.rand(1, 1, 64, 64), targets)
    drawn = seen[0] >= 0.5
    assert drawn[0].float().mean(dim=0).tolist() == [0.0] * 14 + [1.0] * 14
    assert bool(drawn[1].all())


@pytest.mark.parametrize("magnify", [1.0, 2.0])
def test_detections_lie_in_pixels_of_the_image(magnify, monkeypatch):
    net = small_net(classes=2, magnify=magnify, detections=40).eval()
    boxes = torch.tensor([[4.0, 6, 20, 24], [30, 8, 60, 31]])
    answer = {"boxes": boxes * magnify, "labels": torch.tensor([1, 2])}
    answer["scores"] = torch.tensor([0.9, 0.8])
    monkeypatch.setattr("cellwright.nets.center_mask.detections", lambda *a, **k: [dict(answer)])
    with torch.inference_mode():
        (one,) = net.detect(torch.rand(1, 1, 64, 64))
    torch.testing.assert_close(one["boxes"], boxes)
    assert one["masks"].shape == (2, 1, 28, 28)
    assert bool(((one["masks"] >= 0) & (one["masks"] <= 1)).all())


@pytest.mark.parametrize("scoring", [False, True])
def test_detect_gives_every_image_its_own(scoring):
    net = small_net(classes=2, scoring=scoring, detections=7, least_score=0.0).eval()
    with torch.no_grad():
        net.head.classification_head.cls_logits.bias[:] = torch.tensor([0.5, 0.0])
    images = torch.rand(2, 1, 64, 64)
    with torch.inference_mode():
        both = net.detect(images)
        alone = [net.detect(image[None])[0] for image in images]
    for one, single in zip(both, alone, strict=True):
        assert one["boxes"].shape == (7, 4)
        assert one["masks"].shape == (7, 1, 28, 28)
        assert set(one["labels"].tolist()) <= {1, 2}
        torch.testing.assert_close(one["boxes"], single["boxes"])
        torch.testing.assert_close(one["masks"], single["masks"])


def test_nothing_found_has_no_masks():
    net = small_net(least_score=0.99).eval()
    (one,) = net.detect(torch.rand(1, 1, 32, 32))
    assert one["boxes"].shape == (0, 4)
    assert one["masks"].shape == (0, 1, 28, 28)


def test_half_precision_gives_finite_losses_and_masks():
    net = small_net(scoring=True)
    with torch.autocast("cpu", torch.bfloat16):
        losses = net.losses(torch.rand(1, 1, 64, 64), two_cells())
        found = net.eval().detect(torch.rand(1, 1, 64, 64))
    assert all(value.dtype == torch.float32 and value.isfinite() for value in losses.values())
    assert found[0]["masks"].dtype == torch.float32


def test_score_targets_are_ious_with_whole_cells():
    truth = torch.zeros(2, 4, 4)
    truth[:, :, :2] = 1
    drawn = torch.zeros(2, 4, 4)
    drawn[0, :, :2] = 0.9
    drawn[1, :, 1:3] = 0.9
    area = torch.tensor([1.0, 0.5])  # the box holds half of the first cell
    torch.testing.assert_close(score_targets(drawn, truth, area), torch.tensor([0.5, 1 / 3]))


def test_a_factor_that_breaks_the_stride_is_refused():
    with pytest.raises(ValueError, match="magnify"):
        small_net(magnify=3.0)
    assert small_net(magnify=2.0).stride == 16


def test_it_learns_two_cells():
    net = small_net(levels=(2, 5)).train()
    optimiser = torch.optim.AdamW(net.parameters(), lr=1e-2)
    targets = two_cells()
    image = torch.rand(1, 1, 64, 64) * 0.1
    for (row0, col0, row1, col1), crop in zip(
        targets["boxes"][0].int(), targets["crops"][0], strict=True
    ):
        image[0, 0, row0:row1, col0:col1] += crop[: row1 - row0, : col1 - col0]
    for _ in range(60):
        optimiser.zero_grad()
        sum(net.losses(image, targets).values()).backward()
        optimiser.step()
    (found,) = net.eval().detect(image)
    best = found["boxes"][:2]
    best = best[best[:, 0].argsort()]
    wanted = targets["boxes"][0][:, [1, 0, 3, 2]]
    torch.testing.assert_close(best, wanted, atol=3.0, rtol=0)
