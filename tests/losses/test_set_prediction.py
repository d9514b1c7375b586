"""Set prediction: matching and losses against dense formulas and transformers' loss."""

from __future__ import annotations

import pytest
import torch
from torch.nn.functional import binary_cross_entropy_with_logits

from cellwright.losses.set_prediction import SetCriterion

ROWS, COLS = 8, 12


def targets(*cells: tuple[int, int, int, int, int]) -> dict[str, list[torch.Tensor]]:
    """Rectangles (row0, col0, row1, col1, class) of one image."""
    boxes = torch.tensor([c[:4] for c in cells], dtype=torch.float32).reshape(-1, 4)
    sizes = (boxes[:, 2:] - boxes[:, :2]).long()
    rows, cols = sizes.amax(0).tolist() if len(cells) else (0, 0)
    crops = torch.zeros(len(cells), rows, cols, dtype=torch.bool)
    for crop, (height, width) in zip(crops, sizes.tolist(), strict=True):
        crop[:height, :width] = True
    kinds = torch.tensor([c[4] for c in cells], dtype=torch.int64)
    return {"boxes": [boxes], "classes": [kinds], "crops": [crops]}


def frames(truth: dict[str, list[torch.Tensor]]) -> torch.Tensor:
    """(cell, row, column) masks of the only image."""
    out = torch.zeros(len(truth["boxes"][0]), ROWS, COLS)
    for frame, box in zip(out, truth["boxes"][0].long().tolist(), strict=True):
        frame[box[0] : box[2], box[1] : box[3]] = 1
    return out


def outputs(masks: torch.Tensor, classes: torch.Tensor) -> dict[str, object]:
    """One stage with the given mask logits: each query's kernel picks its own channel."""
    kernels = torch.eye(masks.shape[1]).expand(len(masks), -1, -1)
    return {"features": masks, "stages": [{"classes": classes, "kernels": kernels}]}


TRUTH = targets((1, 1, 5, 6, 0), (3, 4, 7, 10, 1), (0, 8, 3, 12, 0))


def right(scale: float = 20.0) -> tuple[torch.Tensor, torch.Tensor]:
    """Mask and class logits that give the cells to queries 3, 0 and 2 of 5."""
    masks = torch.full((1, 5, ROWS, COLS), -scale)
    classes = torch.tensor([0.0, 0.0, scale]).repeat(1, 5, 1)
    for query, frame, kind in zip((3, 0, 2), frames(TRUTH), (0, 1, 0), strict=True):
        masks[0, query] = (2 * frame - 1) * scale
        classes[0, query] = scale * torch.nn.functional.one_hot(torch.tensor(kind), 3)
    return masks, classes


def test_a_right_answer_costs_nothing_whatever_the_order_of_queries() -> None:
    losses = SetCriterion(stride=1, match_stride=1)(outputs(*right()), TRUTH)
    assert {k: round(float(v), 5) for k, v in losses.items()} == {
        "classes": 0.0,
        "bce": 0.0,
        "dice": 0.0,
    }


def test_losses_equal_the_dense_formulas() -> None:
    masks, classes = right(1.5)
    torch.manual_seed(0)
    masks = masks + 0.3 * torch.randn(masks.shape)
    classes = classes + 0.3 * torch.randn(classes.shape)
    losses = SetCriterion(stride=1, match_stride=1, no_object=0.1)(outputs(masks, classes), TRUTH)
    picked, wanted = masks[0, [3, 0, 2]], frames(TRUTH)
    bce = binary_cross_entropy_with_logits(picked, wanted, reduction="none").mean((1, 2)).mean()
    chance = picked.sigmoid()
    top = 2 * (chance * wanted).sum((1, 2))
    dice = (1 - top / (chance.square() + wanted).sum((1, 2))).mean()
    kinds = torch.tensor([1, 2, 0, 0, 2])
    weight = torch.tensor([1.0, 0.1, 1.0, 1.0, 0.1])
    nll = -classes[0].log_softmax(1)[torch.arange(5), kinds]
    torch.testing.assert_close(losses["bce"], 5 * bce)
    torch.testing.assert_close(losses["dice"], 2 * dice)
    torch.testing.assert_close(losses["classes"], (weight * nll).sum() / weight.sum())


def test_classes_and_masks_cost_what_they_cost_in_transformers() -> None:
    module = pytest.importorskip("transformers.models.mask2former.modeling_mask2former")
    masks, classes = right(1.0)
    ours = SetCriterion(stride=1, match_stride=1)(outputs(masks, classes), TRUTH)
    maps, wanted = masks[0, [3, 0, 2]].flatten(1), frames(TRUTH).flatten(1)
    theirs = module.sigmoid_cross_entropy_loss(maps, wanted, 3)
    torch.testing.assert_close(ours["bce"], 5 * theirs)
    config = module.Mask2FormerConfig(num_labels=2, no_object_weight=0.1)
    loss = module.Mask2FormerLoss(config, {})
    pairs = [(torch.tensor([3, 0, 2]), torch.tensor([0, 1, 2]))]
    found = loss.loss_labels(classes, [TRUTH["classes"][0]], pairs)
    torch.testing.assert_close(ours["classes"], found["loss_cross_entropy"])


def test_dice_of_a_hard_mask_is_that_of_transformers_without_its_smoothing() -> None:
    module = pytest.importorskip("transformers.models.mask2former.modeling_mask2former")
    truth = targets((1, 1, 5, 6, 0))
    masks = (frames(truth).roll(1, 2)[None] * 2 - 1) * 50
    ours = SetCriterion(stride=1, match_stride=1)(outputs(masks, torch.zeros(1, 1, 2)), truth)
    theirs = module.dice_loss(masks[0].flatten(1), frames(truth).flatten(1), 1)
    twice_shared = (1 - theirs) * (20 + 20 + 1) - 1
    torch.testing.assert_close(ours["dice"], 2 * (1 - twice_shared / 40))


def test_of_two_equal_masks_the_surer_class_gets_the_cell() -> None:
    truth = targets((1, 1, 5, 6, 0))
    masks = ((2 * frames(truth) - 1) * 20).repeat(2, 1, 1)[None]
    classes = torch.tensor([[[-20.0, 0, 20], [20, 0, -20]]])
    losses = SetCriterion(stride=1, match_stride=1)(outputs(masks, classes), truth)
    assert float(losses["classes"]) < 1e-5


def test_stages_are_summed_and_matched_each_by_itself() -> None:
    masks, classes = right(2.0)
    once = outputs(masks, classes)
    order = [1, 4, 3, 0, 2]
    first = once["stages"][0]
    second = {name: value[:, order] for name, value in first.items()}
    one = SetCriterion(stride=1, match_stride=1)(once, TRUTH)
    two = SetCriterion(stride=1, match_stride=1)({**once, "stages": [first, second]}, TRUTH)
    for name, value in one.items():
        torch.testing.assert_close(two[name], 2 * value)


def test_more_cells_than_queries_and_none_at_all() -> None:
    masks, classes = right(2.0)
    criterion = SetCriterion(stride=1, match_stride=1)
    few = criterion(outputs(masks[:, [3]], classes[:, [3]]), TRUTH)
    assert all(torch.isfinite(v) for v in few.values())
    masks.requires_grad_()
    classes.requires_grad_()
    none = criterion(outputs(masks, classes), targets())
    assert none["bce"].item() == none["dice"].item() == 0
    sum(none.values()).backward()
    assert masks.grad is not None
    assert not masks.grad.any()
    everywhere_nothing = -classes.detach()[0].log_softmax(1)[:, 2].mean()
    torch.testing.assert_close(none["classes"].detach(), everywhere_nothing)


def test_matching_at_a_coarser_stride_finds_the_same_pairs() -> None:
    masks, classes = right(3.0)
    fine = SetCriterion(stride=1, match_stride=1)(outputs(masks, classes), TRUTH)
    coarse = SetCriterion(stride=1, match_stride=4)(outputs(masks, classes), TRUTH)
    assert {k: float(v) for k, v in fine.items()} == {k: float(v) for k, v in coarse.items()}


def test_per_area_cross_entropy_does_not_depend_on_the_frame() -> None:
    masks, classes = right(1.0)
    small = SetCriterion(stride=1, match_stride=1, whole_frame=False)
    mean = SetCriterion(stride=1, match_stride=1)
    wide = torch.nn.functional.pad(masks, (0, COLS), value=-100.0)
    for criterion, ratio in ((small, 1.0), (mean, 0.5)):
        narrow = float(criterion(outputs(masks, classes), TRUTH)["bce"])
        assert float(criterion(outputs(wide, classes), TRUTH)["bce"]) == pytest.approx(
            ratio * narrow, rel=1e-4
        )
