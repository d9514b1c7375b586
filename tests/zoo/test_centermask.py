"""CenterMask as a method: its numbers, those its document states, and its contract."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from cellwright.types import InputError, Instances
from cellwright.zoo.centermask import ENTRIES, centermask, centermask_v99

DOCUMENT = Path(__file__).parents[2] / "docs" / "networks" / "centermask.md"
COCO = {"inputs": 3, "class_names": [str(i) for i in range(80)], "mask_scoring": True}
SMALL = {"channels": 16, "convs": 1, "levels": [3, 6], "detections": 20, "mask_boxes": 8}


def parameters(module: torch.nn.Module) -> int:
    return sum(p.numel() for p in module.parameters())


def two_cells(shape: tuple[int, int] = (61, 47)) -> Instances:
    boxes = np.array([[4, 8, 24, 28], [30, 20, 54, 40]])
    masks = tuple(np.ones((b[2] - b[0], b[3] - b[1]), dtype=bool) for b in boxes)
    return Instances(shape, boxes, masks)


@pytest.mark.parametrize(
    ("build", "arguments", "total"),
    [
        (centermask, {}, 3_228_622),
        (centermask, {"levels": (2, 6)}, 3_243_086),
        (centermask, COCO, 11_182_524),
        (centermask_v99, {}, 80_424_926),
        (centermask_v99, COCO, 96_968_780),
        (centermask_v99, COCO | {"backbone": "v57"}, 68_900_172),
        (centermask_v99, COCO | {"backbone": "v39"}, 52_629_388),
        (centermask_v99, COCO | {"backbone": "v19"}, 37_625_676),
    ],
)
def test_totals_are_those_the_document_states(build, arguments, total):
    with torch.device("meta"):
        net = build(**arguments).net
    assert parameters(net) == total
    assert f"{total:,}" in DOCUMENT.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("build", "parts"),
    [
        (centermask, (1_383_600, 885_760, 598_283, 360_979)),
        (centermask_v99, (69_522_368, 3_540_992, 4_738_571, 2_622_995)),
    ],
)
def test_parts_are_those_the_document_states(build, parts):
    with torch.device("meta"):
        net = build().net
    modules = (net.pyramid.backbone, net.pyramid.fpn, net.head, net.mask_branch)
    assert tuple(parameters(module) for module in modules) == parts
    text = DOCUMENT.read_text(encoding="utf-8")
    assert all(f"{count:,}" in text for count in parts)


def test_shapes_are_those_the_document_states():
    net = centermask().net.eval()
    images = torch.rand(1, 1, 256, 256)
    stages = [tuple(x.shape[1:]) for x in net.pyramid.backbone(images)]
    assert stages == [(112, 64, 64), (256, 32, 32), (384, 16, 16), (512, 8, 8)]
    levels = [tuple(x.shape[1:]) for x in net.pyramid(images)]
    assert levels == [(128, side, side) for side in (32, 16, 8, 4, 2)]
    assert net.mask_branch(torch.rand(1, 128, 14, 14)).shape == (1, 1, 28, 28)
    text = DOCUMENT.read_text(encoding="utf-8")
    for channels, side, _ in stages + levels:
        assert f"{channels} x {side} x {side}" in text


@pytest.mark.parametrize("scoring", [False, True])
@pytest.mark.parametrize("shape", [(61, 47), (5, 3), (1, 1)])
def test_odd_sizes_train_and_predict(shape, scoring):
    torch.manual_seed(0)
    method = centermask(**SMALL, inputs=2, class_names=["a", "b"], mask_scoring=scoring)
    images = torch.rand(1, 2, *shape)
    whole = Instances(shape, [[0, 0, *shape]], (np.ones(shape, dtype=bool),), None, [1], ("a", "b"))
    targets = {name: [value] for name, value in method.codec.encode(whole).items()}
    losses = method.losses(images, targets)
    sum(losses.values()).backward()
    assert all(bool(value.isfinite()) for value in losses.values())
    (cells,) = method.eval().predict(images)
    assert cells.shape == shape
    assert cells.class_names == ("a", "b")


def test_more_cells_than_mask_boxes_are_a_random_choice():
    torch.manual_seed(0)
    method = centermask(**SMALL | {"mask_boxes": 1})
    targets = {name: [value] for name, value in method.codec.encode(two_cells()).items()}
    losses = [method.losses(torch.rand(1, 1, 61, 47), targets) for _ in range(2)]
    assert all(bool(loss["mask"].isfinite()) for loss in losses)


def test_weights_of_a_model_come_back():
    torch.manual_seed(0)
    first, second = centermask(**SMALL).eval(), centermask(**SMALL).eval()
    second.net.load_state_dict(first.net.state_dict())
    images = torch.rand(1, 1, 64, 64)
    with torch.inference_mode():
        a, b = first.net.detect(images)[0], second.net.detect(images)[0]
    assert all(torch.equal(a[name], b[name]) for name in a)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"backbone": "v20"}, "v19-slim-dw"),
        ({"levels": [3]}, "first and the last"),
        ({"levels": [1, 7]}, "levels 1 to 7"),
        ({"magnify": 3.0}, "magnify"),
        ({"weights": "nowhere.pth"}, "nowhere.pth"),
    ],
)
def test_bad_options_are_named(options, words):
    with pytest.raises(InputError, match=words):
        centermask(**SMALL | options)


def test_entries_carry_their_names():
    assert [entry.name for entry in ENTRIES] == ["centermask-v19-slim-dw", "centermask-v99"]


@pytest.mark.slow
def test_v99_takes_a_training_step():
    torch.manual_seed(0)
    method = centermask_v99(mask_boxes=2)
    optimiser = torch.optim.SGD(method.parameters(), lr=5e-3)
    targets = {name: [value] for name, value in method.codec.encode(two_cells((64, 64))).items()}
    before = [p.detach().clone() for p in method.net.pyramid.backbone.stem.parameters()]
    losses = method.losses(torch.rand(1, 1, 64, 64), targets)
    sum(losses.values()).backward()
    optimiser.step()
    assert all(bool(value.isfinite()) for value in losses.values())
    after = method.net.pyramid.backbone.stem.parameters()
    assert any(not torch.equal(a, b) for a, b in zip(before, after, strict=True))
