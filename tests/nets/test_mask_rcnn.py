"""Mask R-CNN: torchvision's network in our contract."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torchvision.models.detection import MaskRCNN as TheirMaskRCNN
from torchvision.models.detection import (
    MaskRCNN_ResNet50_FPN_Weights,
    maskrcnn_resnet50_fpn,
)
from torchvision.models.detection.anchor_utils import AnchorGenerator
from torchvision.models.detection.faster_rcnn import FastRCNNPredictor, TwoMLPHead
from torchvision.models.detection.mask_rcnn import MaskRCNNHeads, MaskRCNNPredictor

from cellwright.codecs.boxes import BoxCodec
from cellwright.nets.mask_rcnn import DEVIATION, MEAN, MaskRCNN, pyramid
from cellwright.nets.mask_rcnn_stages import drawn
from cellwright.nets.roi_masks import corners
from cellwright.synth import simulate_field
from cellwright.types import Instances

SMALL = {
    "backbone": "resnet18",
    "channels": 16,
    "hidden": 32,
    "proposals": 50,
    "box_samples": 32,
    "detections": 20,
}


def parameters(net: torch.nn.Module) -> int:
    return sum(p.numel() for p in net.parameters())


def batch_of(*truth: Instances) -> dict[str, list[torch.Tensor]]:
    encoded = [BoxCodec().encode(t) for t in truth]
    return {name: [e[name] for e in encoded] for name in encoded[0]}


def field_of(seed: int, cells: int = 5) -> tuple[torch.Tensor, Instances]:
    field = simulate_field(seed=seed, shape=(64, 64), cells=cells, overlap=0.3, diameter=8)
    image = torch.from_numpy(field.image.stack().astype("float32"))
    return (image / image.max())[None], field.instances


def test_tensors_and_parameters_are_those_of_torchvision() -> None:
    with torch.device("meta"):
        theirs = maskrcnn_resnet50_fpn(weights=None, weights_backbone=None, num_classes=91)
        ours = MaskRCNN(3, 90, norm="batch")
        frozen = MaskRCNN(3, 90, norm="frozen")
    assert {n: t.shape for n, t in ours.state_dict().items()} == {
        n: t.shape for n, t in theirs.state_dict().items()
    }
    assert parameters(ours) == parameters(theirs) == 44_454_513
    assert parameters(frozen) == MaskRCNN_ResNet50_FPN_Weights.COCO_V1.meta["num_params"]


def test_parameters_are_those_of_the_document() -> None:
    with torch.device("meta"):
        counts = {
            (norm, classes): parameters(MaskRCNN(1, classes, norm=norm))
            for norm in ("frozen", "group")
            for classes in (1, 2)
        }
        small = MaskRCNN(1, 1, backbone="resnet18", channels=64, hidden=256)
    assert parameters(small) == 12_453_787
    document = (Path(__file__).parents[2] / "docs/networks/mask_rcnn.md").read_text("utf-8")
    for total in (*counts.values(), parameters(small), 44_401_393, 44_454_513):
        assert f"{total:,}" in document
    assert counts == {
        ("frozen", 1): 43_916_123,
        ("frozen", 2): 43_921_505,
        ("group", 1): 43_971_291,
        ("group", 2): 43_976_673,
    }


def test_shapes_are_those_of_the_document() -> None:
    net = MaskRCNN(1, 2, backbone="resnet50").eval()
    with torch.inference_mode():
        features, size = net._features(torch.zeros(1, 1, 128, 192))
        shapes = {name: tuple(maps.shape[1:]) for name, maps in features.items()}
        proposals = net.rpn.propose(features, size, 1)
        masks = net.roi_heads._masks(features, [proposals[0][:3]], [size])
    assert shapes == {
        "0": (256, 32, 48),
        "1": (256, 16, 24),
        "2": (256, 8, 12),
        "3": (256, 4, 6),
        "pool": (256, 2, 3),
    }
    assert masks.shape == (3, 3, 28, 28)
    assert net.rpn.anchor_generator.num_anchors_per_location() == [3] * 5


def pair(rows: int, cols: int) -> tuple[MaskRCNN, TheirMaskRCNN]:
    """Ours and torchvision's with the same weights, anchors and numbers, on its terms."""
    torch.manual_seed(0)
    theirs = TheirMaskRCNN(
        pyramid("resnet18", 3, 32, "batch"),
        box_head=TwoMLPHead(32 * 49, 64),
        box_predictor=FastRCNNPredictor(64, 3),
        mask_head=MaskRCNNHeads(32, (32,) * 4, 1),
        mask_predictor=MaskRCNNPredictor(32, 32, 3),
        min_size=min(rows, cols),
        max_size=max(rows, cols),
        image_mean=[MEAN] * 3,
        image_std=[DEVIATION] * 3,
        rpn_pre_nms_top_n_train=100,
        rpn_post_nms_top_n_train=100,
        rpn_pre_nms_top_n_test=100,
        rpn_post_nms_top_n_test=100,
        box_score_thresh=0.0,
        box_detections_per_img=30,
        rpn_anchor_generator=AnchorGenerator(
            ((8,), (16,), (32,), (64,), (128,)), ((0.5, 1.0, 2.0),) * 5
        ),
        rpn_batch_size_per_image=10**6,
        box_batch_size_per_image=10**6,
        box_positive_fraction=0.5,
    )
    ours = MaskRCNN(
        3,
        2,
        backbone="resnet18",
        norm="batch",
        channels=32,
        hidden=64,
        proposals=100,
        detections=30,
        anchor_samples=10**6,
        box_samples=10**6,
    )
    ours.load_state_dict(theirs.state_dict())
    ours.rpn.min_size = theirs.rpn.min_size
    ours.roi_heads.score_thresh = 0.0
    ours.roi_heads.fg_bg_sampler.positive_fraction = 0.5
    return ours, theirs


def test_finds_what_torchvision_finds() -> None:
    ours, theirs = (net.eval() for net in pair(96, 128))
    image = torch.rand(3, 96, 128, generator=torch.Generator().manual_seed(1))
    with torch.inference_mode():
        a = ours.detect(image[None])[0]
        inner = theirs.transform([image])[0]
        features = theirs.backbone(inner.tensors)
        proposals, _ = theirs.rpn(inner, features)
        b = theirs.roi_heads(features, proposals, inner.image_sizes)[0][0]
    assert len(a["boxes"]) == 30
    for name in ("boxes", "labels", "scores", "masks"):
        torch.testing.assert_close(a[name], b[name], rtol=1e-4, atol=1e-4)


def test_losses_are_those_of_torchvision() -> None:
    """With all examples sampled; the mask's differs by the half pixel of its targets."""
    ours, theirs = (net.train() for net in pair(64, 64))
    image, truth = field_of(6)
    image = image.repeat(1, 3, 1, 1)
    targets = batch_of(truth)
    dense = torch.zeros(len(truth), 64, 64, dtype=torch.uint8)
    for frame, box, mask in zip(dense, truth.boxes, truth.masks, strict=True):
        frame[box[0] : box[2], box[1] : box[3]] = torch.from_numpy(mask)
    labels = torch.arange(len(truth)) % 2
    with torch.no_grad():
        a = ours.losses(image, targets | {"classes": [labels]})
        b = theirs(
            [image[0]],
            [{"boxes": corners(targets["boxes"][0]), "labels": labels + 1, "masks": dense}],
        )
    for own, other in (
        ("objectness", "loss_objectness"),
        ("proposal_box", "loss_rpn_box_reg"),
        ("class", "loss_classifier"),
        ("box", "loss_box_reg"),
    ):
        torch.testing.assert_close(a[own], b[other], rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(a["mask"], b["loss_mask"], rtol=0.05, atol=0.0)


@pytest.mark.parametrize("norm", ["group", "batch", "frozen"])
def test_losses_reach_every_weight_in_both_modes(norm: str) -> None:
    torch.manual_seed(0)
    net = MaskRCNN(1, 1, norm=norm, **SMALL)
    image, truth = field_of(1)
    for mode in (True, False):
        net.train(mode).zero_grad()
        losses = net.losses(image, batch_of(truth))
        assert set(losses) == {"objectness", "proposal_box", "class", "box", "mask"}
        torch.stack(list(losses.values())).sum().backward()
        assert all(p.grad is not None and p.grad.isfinite().all() for p in net.parameters())
        assert all(v.item() > 0 for v in losses.values())


def test_evaluation_is_the_same_twice_and_training_follows_the_seed() -> None:
    torch.manual_seed(0)
    net = MaskRCNN(1, 1, **SMALL)
    image, truth = field_of(2)

    def of(seed: int) -> list[float]:
        torch.manual_seed(seed)
        with torch.no_grad():
            return [v.item() for v in net.losses(image, batch_of(truth)).values()]

    net.train()
    assert of(0) == of(0)
    assert of(0) != of(1)
    net.eval()
    assert of(0) == of(1)


@pytest.mark.parametrize("cells", [0, 1])
def test_no_cell_and_one_cell(cells: int) -> None:
    net = MaskRCNN(1, 1, **SMALL)
    image, truth = field_of(3, cells)
    none = Instances.empty((64, 64))
    for batch in ((truth,), (truth, none)):
        images = image.repeat(len(batch), 1, 1, 1)
        losses = net.losses(images, batch_of(*batch))
        torch.stack(list(losses.values())).sum().backward()
        assert all(torch.isfinite(v) for v in losses.values())
        assert bool(losses["mask"] > 0) is bool(cells)


def test_magnified_boxes_come_back_in_pixels_of_the_image() -> None:
    """An image of the double size, seen at half, is the same to the network as it is."""
    torch.manual_seed(0)
    net = MaskRCNN(1, 1, **SMALL).eval()
    twice = MaskRCNN(1, 1, **SMALL, magnify=2).eval()
    twice.load_state_dict(net.state_dict())
    small = torch.rand(1, 1, 32, 64)
    large = torch.nn.functional.interpolate(
        small, scale_factor=2, mode="bilinear", align_corners=False
    )
    with torch.inference_mode():
        a, b = net.detect(large)[0], twice.detect(small)[0]
    torch.testing.assert_close(a["boxes"], b["boxes"] * 2)
    assert len(a["boxes"])
    image, truth = field_of(4)
    enlarged = torch.nn.functional.interpolate(
        image, scale_factor=2, mode="bilinear", align_corners=False
    )
    targets = batch_of(truth)
    doubled = {
        "boxes": [targets["boxes"][0] * 2],
        "classes": targets["classes"],
        "crops": [targets["crops"][0].repeat_interleave(2, 1).repeat_interleave(2, 2)],
    }
    with torch.no_grad():
        ours, full = twice.losses(image, targets), net.losses(enlarged, doubled)
    for name in ours:
        torch.testing.assert_close(ours[name], full[name], rtol=2e-2, atol=1e-3)


def test_odd_magnification_is_padded() -> None:
    net = MaskRCNN(2, 1, **SMALL, magnify=1.3).eval()
    with torch.inference_mode():
        assert net._features(torch.rand(1, 2, 64, 32))[1] == (96, 64)
        assert len(net.detect(torch.rand(2, 2, 64, 32))) == 2


def test_losses_under_bfloat16_are_float32_and_near() -> None:
    torch.manual_seed(0)
    net = MaskRCNN(1, 1, **SMALL).eval()
    image, truth = field_of(5)
    with torch.no_grad():
        full = net.losses(image, batch_of(truth))
        with torch.autocast("cpu", dtype=torch.bfloat16):
            half = net.losses(image, batch_of(truth))
            found = net.detect(image)[0]
            features, _ = net._features(image)
    # Anchors take the features' type: in bfloat16 their places would be rounded beyond 256.
    assert {maps.dtype for maps in features.values()} == {torch.float32}
    assert found["boxes"].dtype == torch.float32
    assert all(v.dtype == torch.float32 for v in half.values())
    for name in ("objectness", "class", "mask"):
        torch.testing.assert_close(full[name], half[name], rtol=0.1, atol=0.05)


def test_samples_are_positive_first_and_no_more_than_wanted() -> None:
    labels = torch.tensor([1.0] * 10 + [0.0] * 50 + [-1.0] * 5)
    index = drawn(labels, count=20, share=0.25, fixed=True)
    assert len(index) == 20
    assert (labels[index] > 0).sum() == 5
    assert (labels[index] >= 0).all()
    assert torch.equal(index, drawn(labels, count=20, share=0.25, fixed=True))
    few = drawn(labels[:12], count=20, share=0.5, fixed=True)
    assert few.tolist() == list(range(12))


@pytest.mark.parametrize(
    "wrong",
    [{"backbone": "vgg"}, {"norm": "layer"}, {"anchors": (8, 16)}, {"magnify": 0}],
)
def test_wrong_arguments(wrong: dict) -> None:
    with pytest.raises(ValueError, match="came"):
        MaskRCNN(1, 1, **{**SMALL, **wrong})
