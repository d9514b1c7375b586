"""Criterion of SparseSEU-Net on cases worked out by hand and against dense arithmetic."""

import pytest
import torch
from torch.nn.functional import binary_cross_entropy_with_logits

from cellwright.losses.mask_pairs import sparse_masks
from cellwright.losses.query import WEIGHTS, SparseCriterion

torchvision_ops = pytest.importorskip("torchvision.ops")


def _targets(boxes, classes=None):
    boxes = torch.tensor(boxes, dtype=torch.float32).reshape(-1, 4)
    sizes = (boxes[:, 2:] - boxes[:, :2]).long()
    crops = torch.zeros(len(boxes), *(sizes.amax(0).tolist() if len(boxes) else (0, 0))).bool()
    for crop, (h, w) in zip(crops, sizes.tolist(), strict=True):
        crop[:h, :w] = True
    kinds = torch.zeros(len(boxes), dtype=torch.int64) if classes is None else classes
    return {"boxes": [boxes], "classes": [torch.as_tensor(kinds)], "crops": [crops]}


def _outputs(boxes, frame=(16, 16), classes=1, height=8.0):
    masks = torch.full((1, len(boxes), *frame), -height)
    for mask, (a, b, c, d) in zip(masks[0], boxes, strict=True):
        mask[a:c, b:d] = height
    return {"masks": masks, "classes": torch.zeros(1, len(boxes), classes)}


CELLS = [(0, 0, 8, 8), (4, 4, 12, 14)]


def test_every_cell_gets_the_query_that_draws_it():
    outputs = _outputs([(10, 0, 16, 6), CELLS[1], CELLS[0]])
    targets = _targets(CELLS)
    truth = sparse_masks(targets["boxes"][0], targets["crops"][0], shape=(16, 16))
    query, cell = SparseCriterion().match(
        outputs["classes"][0], outputs["masks"][0], targets["classes"][0], truth
    )
    assert dict(zip(query.tolist(), cell.tolist(), strict=True)) == {1: 1, 2: 0}


def test_the_class_decides_between_two_equal_masks():
    outputs = _outputs([CELLS[0], CELLS[0]])
    outputs["classes"][0, 1] = 3.0
    targets = _targets(CELLS[:1])
    truth = sparse_masks(targets["boxes"][0], targets["crops"][0], shape=(16, 16))
    match = SparseCriterion().match
    query, _ = match(outputs["classes"][0], outputs["masks"][0], targets["classes"][0], truth)
    assert query.tolist() == [1]


def test_losses_equal_those_of_dense_frames():
    random = torch.Generator().manual_seed(0)
    outputs = {
        "masks": 4 * torch.randn(1, 5, 16, 16, generator=random),
        "classes": torch.randn(1, 5, 2, generator=random),
    }
    kinds = torch.tensor([1, 0])
    targets = _targets(CELLS, kinds)
    dense = torch.zeros(2, 16, 16)
    for frame, (a, b, c, d) in zip(dense, CELLS, strict=True):
        frame[a:c, b:d] = 1
    criterion = SparseCriterion(balance=0.8)
    probability = outputs["masks"][0].sigmoid()
    dice = torch.stack(
        [
            torch.stack([2 * (p * g).sum() / ((p * p).sum() + g.sum()) for g in dense])
            for p in probability
        ]
    )
    alike = outputs["classes"][0].sigmoid()[:, kinds] ** 0.2 * dice**0.8
    pairs = {(i, j): alike[i, 0] + alike[j, 1] for i in range(5) for j in range(5) if i != j}
    best = max(pairs, key=pairs.get)
    found = criterion(outputs, targets)
    wanted = sum(1 - dice[q, k] for k, q in enumerate(best)) / 2 * WEIGHTS["dice"]
    torch.testing.assert_close(found["dice"], wanted)
    wanted = binary_cross_entropy_with_logits(outputs["masks"][0, list(best)], dense)
    torch.testing.assert_close(found["bce"], wanted * WEIGHTS["bce"])
    labels = torch.zeros(1, 5, 2)
    labels[0, best[0], 1] = labels[0, best[1], 0] = 1
    wanted = torchvision_ops.sigmoid_focal_loss(outputs["classes"], labels, reduction="sum")
    torch.testing.assert_close(found["classes"], wanted / 2 * WEIGHTS["classes"])


def test_more_cells_than_queries_match_the_best():
    outputs = _outputs([CELLS[1]])
    outputs["masks"].requires_grad_()
    found = SparseCriterion()(outputs, _targets([(0, 0, 3, 3), CELLS[1], (12, 12, 16, 16)]))
    assert float(found["dice"].detach()) == pytest.approx(0, abs=1e-3)
    sum(found.values()).backward()


def test_no_cells_leave_the_classes_to_learn():
    outputs = {k: v.requires_grad_() for k, v in _outputs([CELLS[0], CELLS[1]]).items()}
    outputs["objectness"] = torch.zeros(1, 2, requires_grad=True)
    found = SparseCriterion()(outputs, _targets([]))
    assert [float(found[n].detach()) for n in ("dice", "bce", "objectness")] == [0, 0, 0]
    assert float(found["classes"].detach()) > 0
    sum(found.values()).backward()
    assert all(value.grad is not None for value in outputs.values())


def test_objectness_learns_the_overlap_with_the_cell():
    outputs = _outputs([(0, 0, 8, 8)])
    outputs["objectness"] = torch.tensor([[0.3]], requires_grad=True)
    found = SparseCriterion(weights={"objectness": 3.0})(outputs, _targets([(0, 0, 8, 16)]))
    wanted = 3.0 * (torch.tensor(0.3).sigmoid() - 0.5) ** 2
    assert float(found["objectness"].detach()) == pytest.approx(float(wanted), abs=1e-6)


@pytest.mark.parametrize("weighting", ["none", "target", "complement", "map"])
def test_overlap_is_drawn_up_and_cut_to_the_image(weighting):
    outputs = _outputs([CELLS[0]], frame=(8, 8))
    outputs["overlap"] = torch.full((1, 1, 8, 8), -9.0, requires_grad=True)
    targets = _targets(CELLS[:1])
    targets["overlap"] = torch.zeros(1, 1, 13, 15)
    targets["likelihood"] = torch.full((1, 1, 13, 15), 0.5)
    criterion = SparseCriterion(stride=2, weighting=weighting)
    low = criterion(outputs, targets)["overlap"]
    targets["overlap"][..., 4:8, 4:8] = 1
    high = criterion(outputs, targets)["overlap"]
    assert float(high.detach()) > 10 * float(low.detach())
    high.backward()
    assert outputs["overlap"].grad.abs().sum() > 0


def test_stride_of_the_masks():
    outputs = _outputs([(0, 0, 4, 4), (2, 2, 6, 7)], frame=(8, 8))
    found = SparseCriterion(stride=2)(outputs, _targets(CELLS))
    assert float(found["dice"]) == pytest.approx(0, abs=1e-3)


def test_bad_arguments_are_refused():
    with pytest.raises(ValueError, match="colour"):
        SparseCriterion(weights={"colour": 1.0})
    with pytest.raises(ValueError, match="balance"):
        SparseCriterion(balance=1.5)
    with pytest.raises(ValueError, match="weighting"):
        SparseCriterion(weighting="heavy")
