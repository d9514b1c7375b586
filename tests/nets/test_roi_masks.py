"""Targets of the mask heads from crops equal those of dense frames."""

from __future__ import annotations

import pytest
import torch
from torchvision.models.detection.roi_heads import maskrcnn_loss, project_masks_on_boxes
from torchvision.ops import roi_align

from cellwright.codecs.instances import cell_targets
from cellwright.nets.roi_masks import corners, mask_loss, mask_targets
from cellwright.synth import simulate_field


def field_of(seed: int):
    truth = simulate_field(seed=seed, shape=(72, 64), cells=14, overlap=0.4, diameter=6).instances
    targets = cell_targets(truth)
    frames = torch.zeros(len(truth), *truth.shape)
    for frame, box, mask in zip(frames, truth.boxes, truth.masks, strict=True):
        frame[box[0] : box[2], box[1] : box[3]] = torch.from_numpy(mask).float()
    make = torch.Generator().manual_seed(seed)
    matched = torch.randint(len(truth), (60,), generator=make)
    jitter = 6 * torch.randn(60, 4, generator=make)
    proposals = corners(targets["boxes"])[matched] + jitter
    limit = torch.tensor([truth.shape[1], truth.shape[0]] * 2)
    proposals = torch.minimum(proposals.clamp(min=0), limit)
    proposals[:, :2] = torch.minimum(proposals[:, :2], limit[:2] - 2)
    proposals[:, 2:] = torch.maximum(proposals[:, 2:], proposals[:, :2] + 1)
    return truth, targets, frames, proposals, matched


@pytest.mark.parametrize("seed", range(4))
def test_equal_the_targets_of_dense_masks(seed: int) -> None:
    truth, targets, frames, proposals, matched = field_of(seed)
    assert (targets["boxes"][:, 2] == truth.shape[0]).any() or seed
    theirs = project_masks_on_boxes(frames, proposals, matched, 28)
    ours = mask_targets(
        targets["crops"],
        targets["boxes"],
        proposals,
        matched,
        size=28,
        frame=truth.shape,
        aligned=False,
    )
    torch.testing.assert_close(ours, theirs, rtol=0, atol=2e-4)
    rois = torch.cat([matched[:, None].float(), proposals], dim=1)
    exact = roi_align(frames[:, None], rois, (28, 28), 1.0, aligned=True)[:, 0]
    ours = mask_targets(
        targets["crops"], targets["boxes"], proposals, matched, size=28, frame=truth.shape
    )
    torch.testing.assert_close(ours, exact, rtol=0, atol=2e-4)


def test_loss_equals_that_of_torchvision() -> None:
    _, _, frames, proposals, matched = field_of(1)
    labels = torch.randint(1, 3, (len(frames),), generator=torch.Generator().manual_seed(0))
    logits = torch.randn(60, 3, 28, 28, generator=torch.Generator().manual_seed(1))
    theirs = maskrcnn_loss(logits, [proposals], [frames], [labels], [matched])
    targets = project_masks_on_boxes(frames, proposals, matched, 28)
    torch.testing.assert_close(mask_loss(logits, labels[matched], targets), theirs)
    one = mask_loss(logits[:, 1:2], labels[matched], targets)
    torch.testing.assert_close(one, mask_loss(logits, torch.ones_like(matched), targets))


def test_no_proposals_and_no_cells() -> None:
    none = torch.zeros(0, 4)
    targets = mask_targets(
        torch.zeros(0, 0, 0, dtype=torch.bool),
        none,
        none,
        torch.zeros(0, dtype=torch.int64),
        size=28,
        frame=(8, 8),
    )
    logits = torch.zeros(0, 2, 28, 28, requires_grad=True)
    loss = mask_loss(logits, torch.zeros(0, dtype=torch.int64), targets)
    loss.backward()
    assert targets.shape == (0, 28, 28)
    assert loss == 0
