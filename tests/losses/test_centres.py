"""The map of centres and its loss, by hand."""

from __future__ import annotations

import math

import torch

from cellwright.losses.centres import BUMP, centre_loss, centres


def one_cell() -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """A square of 8 x 8 at rows 8 to 16, columns 4 to 12, of class 1."""
    return (
        torch.tensor([[8.0, 4, 16, 12]]),
        torch.ones(1, 8, 8, dtype=torch.bool),
        torch.tensor([1]),
    )


def test_a_bump_stands_at_the_centre_of_mass() -> None:
    found = centres(*one_cell(), shape=(2, 8, 8), stride=4)
    assert not found[0].any()
    assert found[1, 3, 2] == 1
    assert (found == 1).sum() == 1
    wide = max(BUMP * 8 / 4, 0.5)
    torch.testing.assert_close(found[1, 3, 3], torch.tensor(math.exp(-1 / (2 * wide**2))))
    torch.testing.assert_close(found[1, 2, 3], torch.tensor(math.exp(-2 / (2 * wide**2))))


def test_the_centre_is_that_of_the_mask_and_not_of_the_box() -> None:
    boxes, crops, kinds = one_cell()
    crops[0, :, 2:] = False
    found = centres(boxes, crops, kinds, shape=(2, 32, 32), stride=1)
    assert found[1].argmax() == 12 * 32 + 5


def test_overlapping_bumps_take_the_larger_and_edges_cut_them() -> None:
    boxes = torch.tensor([[0.0, 0, 4, 4], [0, 3, 4, 7]])
    crops = torch.ones(2, 4, 4, dtype=torch.bool)
    both = centres(boxes, crops, torch.tensor([0, 0]), shape=(1, 6, 9), stride=1)
    alone = [
        centres(boxes[[k]], crops[[k]], torch.tensor([0]), shape=(1, 6, 9), stride=1)
        for k in (0, 1)
    ]
    assert torch.equal(both, torch.maximum(*alone))
    assert (both == 1).sum() == 2


def test_no_cells_give_an_empty_map() -> None:
    found = centres(
        torch.zeros(0, 4), torch.zeros(0, 0, 0, dtype=torch.bool), torch.zeros(0).long(),
        shape=(2, 4, 4), stride=4,
    )  # fmt: skip
    assert found.shape == (2, 4, 4)
    assert not found.any()


def test_loss_equals_the_formula() -> None:
    logits = torch.tensor([[[[0.5, -1.0, 2.0]]]])
    wanted = torch.tensor([[[[1.0, 0.4, 0.0]]]])
    p = logits.sigmoid().flatten().tolist()
    by_hand = -(
        (1 - p[0]) ** 2 * math.log(p[0])
        + 0.6**4 * p[1] ** 2 * math.log(1 - p[1])
        + p[2] ** 2 * math.log(1 - p[2])
    )
    torch.testing.assert_close(centre_loss(logits, wanted), torch.tensor(by_hand))
    assert torch.isfinite(centre_loss(logits * 100, wanted * 0))
