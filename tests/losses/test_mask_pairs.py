"""Masks in pairs against dense frames."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn.functional import avg_pool2d, binary_cross_entropy_with_logits

from cellwright.losses import mask_pairs
from cellwright.losses.mask_pairs import (
    matched_iou,
    matched_losses,
    pairwise_bce,
    pairwise_dice,
    sparse_masks,
)


def _cells(count, frame, seed):
    """Boxes, crops, and the same cells as dense frames; they overlap."""
    random = torch.Generator().manual_seed(seed)
    sizes = torch.randint(1, 9, (count, 2), generator=random)
    corners = (torch.rand(count, 2, generator=random) * (torch.tensor(frame) - sizes + 1)).long()
    crops = torch.zeros(count, int(sizes[:, 0].max()), int(sizes[:, 1].max()), dtype=torch.bool)
    dense = torch.zeros(count, *frame)
    for k, ((h, w), (r, c)) in enumerate(zip(sizes.tolist(), corners.tolist(), strict=True)):
        mask = torch.rand(h, w, generator=random) > 0.3
        crops[k, :h, :w] = mask
        dense[k, r : r + h, c : c + w] = mask.float()
    return torch.cat([corners, corners + sizes], dim=1).float(), crops, dense


def _dense_dice(a, b):
    return 2 * (a * b).sum() / ((a * a).sum() + (b * b).sum())


@settings(max_examples=12, deadline=None)
@given(st.integers(1, 6), st.sampled_from([1, 2, 4]), st.integers(0, 9999))
def test_pairs_equal_those_of_dense_frames(count, stride, seed):
    boxes, crops, dense = _cells(count, (16, 24), seed)
    dense = avg_pool2d(dense[None], stride)[0]
    shape = (16 // stride, 24 // stride)
    logits = 3 * torch.randn(5, *shape, generator=torch.Generator().manual_seed(seed))
    truth = sparse_masks(boxes, crops, shape=shape, stride=stride)
    dice, bce = pairwise_dice(logits, truth), pairwise_bce(logits, truth)
    assert dice.shape == bce.shape == (5, count)
    for i in range(5):
        for k in range(count):
            wanted = _dense_dice(logits[i].sigmoid(), dense[k])
            assert float(dice[i, k]) == pytest.approx(float(wanted.nan_to_num()), abs=1e-5)
            wanted = binary_cross_entropy_with_logits(logits[i], dense[k])
            assert float(bce[i, k]) == pytest.approx(float(wanted), abs=1e-5)


@settings(max_examples=8, deadline=None)
@given(st.sampled_from([1, 2]), st.integers(0, 9999))
def test_matched_losses_and_gradients_equal_those_of_dense_frames(stride, seed):
    boxes, crops, dense = _cells(4, (16, 16), seed)
    dense = avg_pool2d(dense[None], stride)[0]
    random = torch.Generator().manual_seed(seed)
    logits = torch.randn(6, *dense.shape[1:], generator=random)
    query, cell = torch.tensor([5, 0, 2]), torch.tensor([3, 1, 0])
    truth = sparse_masks(boxes, crops, shape=dense.shape[1:], stride=stride).pick(cell)
    ours, theirs = (logits.clone().requires_grad_() for _ in range(2))
    dice, bce = matched_losses(ours[query], truth)
    wanted_dice = torch.stack(
        [1 - _dense_dice(theirs[q].sigmoid(), dense[k]) for q, k in zip(query, cell, strict=True)]
    )
    wanted_bce = binary_cross_entropy_with_logits(theirs[query], dense[cell], reduction="none")
    wanted_bce = wanted_bce.mean((1, 2))
    torch.testing.assert_close(dice, wanted_dice, atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(bce, wanted_bce, atol=1e-5, rtol=1e-5)
    (dice.sum() + 2 * bce.sum()).backward()
    (wanted_dice.sum() + 2 * wanted_bce.sum()).backward()
    torch.testing.assert_close(ours.grad, theirs.grad, atol=1e-5, rtol=1e-5)
    found, some = theirs[query].sigmoid() >= 0.5, dense[cell] >= 0.5
    wanted = (found & some).sum((1, 2)) / (found | some).sum((1, 2))
    torch.testing.assert_close(matched_iou(ours[query], truth), wanted)


def test_blocks_of_queries_give_the_same(monkeypatch):
    boxes, crops, _ = _cells(3, (16, 16), 1)
    truth = sparse_masks(boxes, crops, shape=(16, 16))
    logits = torch.randn(7, 16, 16, generator=torch.Generator().manual_seed(2))
    whole = pairwise_dice(logits, truth)
    monkeypatch.setattr(mask_pairs, "_BLOCK", 1)
    torch.testing.assert_close(pairwise_dice(logits, truth), whole)


def test_a_mask_against_itself_has_a_dice_of_one():
    boxes = torch.tensor([[2.0, 3.0, 6.0, 7.0]])
    truth = sparse_masks(boxes, torch.ones(1, 4, 4, dtype=torch.bool), shape=(8, 8))
    logits = torch.full((1, 8, 8), -50.0)
    logits[0, 2:6, 3:7] = 50.0
    assert float(pairwise_dice(logits, truth)) == pytest.approx(1)
    dice, bce = matched_losses(logits, truth)
    assert float(dice) == pytest.approx(0, abs=1e-6)
    assert float(bce) == pytest.approx(0, abs=1e-6)
    assert float(matched_iou(logits, truth)) == 1


def test_what_lies_outside_the_maps_is_cut_off():
    boxes = torch.tensor([[6.0, 6.0, 10.0, 10.0]])
    truth = sparse_masks(boxes, torch.ones(1, 4, 4, dtype=torch.bool), shape=(8, 8))
    assert sorted(truth.pixel.tolist()) == [54, 55, 62, 63]


def test_no_cells():
    truth = sparse_masks(
        torch.zeros(0, 4), torch.zeros(0, 0, 0, dtype=torch.bool), shape=(4, 4), stride=2
    )
    assert pairwise_dice(torch.zeros(3, 4, 4), truth).shape == (3, 0)
    logits = torch.zeros(0, 4, 4, requires_grad=True)
    dice, bce = matched_losses(logits, truth.pick(torch.zeros(0, dtype=torch.int64)))
    assert dice.shape == bce.shape == (0,)
    (dice.sum() + bce.sum()).backward()


def test_memory_follows_the_area_of_the_cells():
    boxes = torch.tensor([[k, k, k + 10, k + 10] for k in range(100)]).float()
    truth = sparse_masks(boxes, torch.ones(100, 10, 10, dtype=torch.bool), shape=(4096, 4096))
    assert len(truth.pixel) == 100 * 100


def test_as_many_maps_as_cells_are_wanted():
    boxes, crops, _ = _cells(2, (8, 16), 0)
    with pytest.raises(ValueError, match="one each"):
        matched_losses(torch.zeros(3, 8, 16), sparse_masks(boxes, crops, shape=(8, 16)))


def test_everything_is_float32_under_autocast():
    boxes, crops, _ = _cells(2, (16, 16), 3)
    truth = sparse_masks(boxes, crops, shape=(16, 16))
    logits = torch.randn(2, 16, 16, generator=torch.Generator().manual_seed(0))
    whole = pairwise_dice(logits, truth)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        torch.testing.assert_close(pairwise_dice(logits, truth), whole, atol=0, rtol=0)
        assert matched_losses(logits.bfloat16(), truth)[0].dtype == torch.float32
