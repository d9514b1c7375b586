"""FCOS: which locations learn which cell, losses, boxes."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torchvision.models.detection.fcos import FCOS

from cellwright.nets.fcos import Head, Matching, detections, fcos_losses, locations

STRIDES = (8, 16, 32)
GRIDS = ((16, 12), (8, 6), (4, 3))


def torchvision_match(boxes: torch.Tensor, squares: torch.Tensor) -> torch.Tensor:
    """(location,) the cell that torchvision's FCOS gives each location."""
    head = SimpleNamespace(compute_loss=lambda targets, outputs, anchors, matched: matched[0])
    stand_in = SimpleNamespace(center_sampling_radius=1.5, head=head)
    counts = [rows * cols for rows, cols in GRIDS]
    return FCOS.compute_loss(stand_in, [{"boxes": boxes}], {}, [squares], counts)


@settings(deadline=None, max_examples=60)
@given(st.integers(0, 10_000), st.integers(1, 12))
def test_matching_is_torchvisions_but_for_cells_without_location(seed, number):
    generator = torch.Generator().manual_seed(seed)
    corner = torch.rand(number, 2, generator=generator) * torch.tensor([90.0, 120.0])
    boxes = torch.cat([corner, corner + 6 + torch.rand(number, 2, generator=generator) * 90], 1)
    ours = Matching(STRIDES)(boxes, GRIDS)
    theirs = torchvision_match(boxes, locations(GRIDS, STRIDES, boxes.device))
    has = theirs >= 0
    torch.testing.assert_close(ours[has], theirs[has])
    orphans = set(range(number)) - set(theirs.tolist())
    assert set(ours[~has].tolist()) <= orphans | {-1}


def test_a_small_cell_gets_the_locations_near_its_centre():
    matched = Matching((4,), radius=1.5)(torch.tensor([[4.0, 8.0, 16.0, 20.0]]), [(8, 8)])
    rows, cols = torch.nonzero(matched.view(8, 8) == 0, as_tuple=True)
    assert set(rows.tolist()) == {2, 3, 4}
    assert set(cols.tolist()) == {1, 2, 3}


def test_levels_share_cells_by_their_size():
    boxes = torch.tensor([[10.0, 10, 50, 50], [0, 0, 96, 128]])
    matched = Matching(STRIDES, reach=2.0)(boxes, GRIDS)
    parts = matched.split([rows * cols for rows, cols in GRIDS])
    assert [sorted(set(part.tolist()) - {-1}) for part in parts] == [[], [0], [0, 1]]


def test_a_cell_around_its_nucleus_keeps_locations():
    cell, nucleus = [8.0, 8, 40, 40], [20.0, 20, 28, 28]
    matched = Matching((4,), radius=1.0)(torch.tensor([cell, nucleus]), [(12, 12)])
    assert set(matched.tolist()) == {-1, 0, 1}


def test_no_cells_leave_background_only():
    matched = Matching(STRIDES)(torch.zeros(0, 4), GRIDS)
    assert matched.shape == (252,)
    assert set(matched.tolist()) == {-1}


def test_thousands_of_cells_need_no_table_of_all_locations():
    generator = torch.Generator().manual_seed(0)
    corner = (torch.rand(3000, 2, generator=generator) * 1000).round()
    boxes = torch.cat([corner, corner + 12], dim=1)
    matched = Matching((4, 8))(boxes, [(256, 256), (128, 128)])
    assert len(set(matched.tolist())) > 2500


def test_squares_lie_around_the_middle_of_their_pixels():
    squares = locations([(2, 3), (1, 1)], (4, 8), torch.device("cpu"))
    assert squares.tolist()[1] == [4, 0, 8, 4]
    assert squares.tolist()[3] == [0, 4, 4, 8]
    assert squares.tolist()[-1] == [0, 0, 8, 8]


def perfect(boxes: torch.Tensor, classes: torch.Tensor, matched: torch.Tensor, squares, total=2):
    """Outputs that say just what the locations should."""
    head = Head(32, total, towers=1, levels=2)
    logits = torch.full((1, len(squares), total), -20.0)
    distances = torch.ones(1, len(squares), 4)
    centre = torch.full((1, len(squares), 1), -20.0)
    for place in torch.nonzero(matched >= 0)[:, 0].tolist():
        box, label = boxes[matched[place]], classes[matched[place]]
        logits[0, place, label] = 20.0
        coded = head.box_coder.encode(squares[place : place + 1], box[None])
        distances[0, place] = coded[0]
        left, top, right, bottom = coded[0].tolist()
        ratio = min(left, right) / max(left, right) * min(top, bottom) / max(top, bottom)
        centre[0, place, 0] = torch.logit(torch.tensor(ratio**0.5), eps=1e-6)
    return head, {"cls_logits": logits, "bbox_regression": distances, "bbox_ctrness": centre}


def test_perfect_outputs_cost_nothing_and_give_the_boxes_back():
    grids, strides = [(8, 8), (4, 4)], (4, 8)
    boxes = torch.tensor([[2.0, 3, 12, 14], [16, 16, 30, 31]])
    classes = torch.tensor([1, 0])
    squares = locations(grids, strides, boxes.device)
    matched = Matching(strides)(boxes, grids)
    head, outputs = perfect(boxes, classes, matched, squares)
    losses = fcos_losses(head, outputs, [boxes], [classes], squares=squares, matched=[matched])
    assert float(losses["classes"]) < 1e-6
    assert float(losses["boxes"]) < 1e-5
    found = detections(
        head, outputs, squares=squares, shape=(32, 32), least=0.05, nms=0.6, most=9, considered=99
    )[0]
    best = found["boxes"][found["labels"].argsort()]
    torch.testing.assert_close(best, boxes.flip(0), atol=1e-3, rtol=0)
    assert found["labels"].sort().values.tolist() == [1, 2]


def test_considered_and_most_bound_the_boxes():
    grids, strides = [(8, 8)], (4,)
    head = Head(32, 1, towers=1, levels=1)
    outputs = {
        "cls_logits": torch.linspace(-1, 1, 64)[None, :, None],
        "bbox_regression": torch.full((1, 64, 4), 0.5),
        "bbox_ctrness": torch.zeros(1, 64, 1),
    }
    squares = locations(grids, strides, torch.device("cpu"))
    arguments = {"squares": squares, "shape": (32, 32), "least": 0.0, "nms": 0.6}
    one = detections(head, outputs, most=5, considered=64, **arguments)[0]
    assert len(one["boxes"]) == 5
    assert one["scores"].tolist() == sorted(one["scores"].tolist(), reverse=True)
    assert len(detections(head, outputs, most=50, considered=7, **arguments)[0]["boxes"]) == 7


def test_levels_have_scales_of_their_own_and_shared_towers():
    torch.manual_seed(0)
    head = Head(32, 3, towers=2, levels=2)
    with torch.no_grad():
        head.scales[1].fill_(2.0)
    level = torch.rand(1, 32, 4, 4)
    outputs = head([level, level])
    assert outputs["cls_logits"].shape == (1, 32, 3)
    first, second = outputs["bbox_regression"].split(16, dim=1)
    torch.testing.assert_close(second, 2 * first)
    assert float(first.detach().mean()) == pytest.approx(1.0, abs=0.2)
