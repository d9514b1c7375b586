"""Mask R-CNN as a method: options, the COCO checkpoint, what does not fit."""

from __future__ import annotations

import hashlib
import logging
from pathlib import Path

import numpy as np
import pytest
import torch
from torchvision.models.detection import (
    MaskRCNN_ResNet50_FPN_Weights,
    maskrcnn_resnet50_fpn,
)
from torchvision.ops import FrozenBatchNorm2d

from cellwright.fetch import Fetched, RemoteFile
from cellwright.nets.mask_rcnn import MaskRCNN
from cellwright.synth import simulate_field
from cellwright.types import InputError, Instances
from cellwright.zoo import torchvision_weights as module
from cellwright.zoo.maskrcnn import ENTRIES, hold_still, maskrcnn, without_download
from cellwright.zoo.maskrcnn_weights import COCO, renamed, start_from
from cellwright.zoo.torchvision_weights import for_inputs

SMALL = {
    "backbone": "resnet18",
    "channels": 16,
    "hidden": 32,
    "proposals": 50,
    "box_samples": 32,
    "detections": 20,
}


def old(name: str) -> str:
    """The name of a tensor in the published file, which older versions of torchvision wrote."""
    for level in range(4):
        for block in ("inner_blocks", "layer_blocks"):
            name = name.replace(f"fpn.{block}.{level}.0.", f"fpn.{block}.{level}.")
        name = name.replace(f"mask_head.{level}.0.", f"mask_head.mask_fcn{level + 1}.")
    return name.replace("rpn.head.conv.0.0.", "rpn.head.conv.")


@pytest.fixture(scope="module")
def checkpoint() -> dict[str, torch.Tensor]:
    """A checkpoint with the names and shapes of the published one."""
    with torch.device("meta"):
        net = maskrcnn_resnet50_fpn(weights=None, weights_backbone=None, num_classes=91)
    make = torch.Generator().manual_seed(0)
    return {
        old(name): torch.randn(value.shape, generator=make)
        if value.is_floating_point()
        else torch.zeros((), dtype=torch.int64)
        for name, value in net.state_dict().items()
    }


def test_the_file_is_the_one_torchvision_names() -> None:
    assert COCO.files[0].url == MaskRCNN_ResNet50_FPN_Weights.COCO_V1.url
    assert COCO.files[0].url.endswith(COCO.files[0].name)


def test_checkpoint_fits_but_for_its_classes(
    checkpoint: dict[str, torch.Tensor], caplog: pytest.LogCaptureFixture
) -> None:
    assert "roi_heads.mask_head.mask_fcn1.weight" in checkpoint
    net = MaskRCNN(3, 2, norm="frozen")
    with caplog.at_level(logging.WARNING):
        unfit = start_from(checkpoint, net)
    assert unfit == (
        "roi_heads.box_predictor.bbox_pred.bias",
        "roi_heads.box_predictor.bbox_pred.weight",
        "roi_heads.box_predictor.cls_score.bias",
        "roi_heads.box_predictor.cls_score.weight",
        "roi_heads.mask_predictor.mask_fcn_logits.bias",
        "roi_heads.mask_predictor.mask_fcn_logits.weight",
    )
    assert "box_predictor.bbox_pred.bias" in caplog.text
    state = net.state_dict()
    for name in ("rpn.head.conv.weight", "backbone.body.conv1.weight"):
        assert torch.equal(state[renamed(name)], checkpoint[name])
    eps = {m.eps for m in net.modules() if isinstance(m, FrozenBatchNorm2d)}
    assert eps == {0.0}


def test_another_checkpoint_is_refused() -> None:
    with pytest.raises(InputError, match="no tensor of the checkpoint fits"):
        start_from({"head.weight": torch.zeros(3)}, MaskRCNN(1, 1, **SMALL))


@pytest.mark.parametrize("inputs", [1, 2, 4])
def test_a_grey_image_is_answered_as_before(inputs: int) -> None:
    kernels = torch.randn(8, 3, 7, 7)
    grey = torch.rand(1, 1, 20, 20)
    before = torch.nn.functional.conv2d(grey.repeat(1, 3, 1, 1), kernels)
    adapted = for_inputs(kernels, inputs)
    assert adapted.shape == (8, inputs, 7, 7)
    after = torch.nn.functional.conv2d(grey.repeat(1, inputs, 1, 1), adapted)
    torch.testing.assert_close(after, before, rtol=1e-4, atol=1e-4)
    assert for_inputs(kernels, 3) is kernels


@pytest.mark.parametrize(("stages", "first"), [(0, None), (3, "layer2"), (5, "conv1")])
def test_first_stages_hold_still(stages: int, first: str | None) -> None:
    net = MaskRCNN(1, 1, norm="batch", **SMALL)
    hold_still(net.backbone.body, stages)
    learning = [n.split(".")[0] for n, p in net.backbone.body.named_parameters() if p.requires_grad]
    assert (learning[0] if learning else None) == first
    assert all(p.requires_grad for p in net.rpn.parameters())


def fake_download(state: dict[str, torch.Tensor], *, wrong: bool = False):
    def download(file: RemoteFile, folder: Path) -> Fetched:
        path = folder / file.name
        folder.mkdir(parents=True, exist_ok=True)
        torch.save(state, path)
        digits = file.name.rsplit("-", 1)[1].split(".")[0]
        sha = "0" * 64 if wrong else digits + "0" * 56
        return Fetched(path, sha, path.stat().st_size, False)

    return download


def test_coco_weights_are_fetched_and_taken_over(
    checkpoint: dict[str, torch.Tensor], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("CELLWRIGHT_CACHE", str(tmp_path))
    monkeypatch.setattr(module, "download", fake_download(checkpoint))
    method = maskrcnn(inputs=1, class_names=("Alive", "Dead"), weights="coco")
    state = method.net.state_dict()
    name = "backbone.body.layer3.2.conv2.weight"
    assert torch.equal(state[name], checkpoint[name])
    summed = checkpoint["backbone.body.conv1.weight"].sum(1, keepdim=True)
    torch.testing.assert_close(state["backbone.body.conv1.weight"], summed)
    still = {n for n, p in method.net.named_parameters() if not p.requires_grad}
    assert {n.split(".")[2] for n in still} == {"conv1", "layer1"}
    again = maskrcnn(**without_download({"class_names": ("Alive", "Dead"), "weights": "coco"}))
    again.net.load_state_dict(state)
    assert {n for n, p in again.net.named_parameters() if not p.requires_grad} == still
    monkeypatch.setattr(module, "download", fake_download(checkpoint, wrong=True))
    with pytest.raises(InputError, match=r"has the hash 0000.*--option weights=none"):
        maskrcnn(weights="coco")


def test_no_connection_says_how_to_go_on(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def download(file: RemoteFile, folder: Path) -> Fetched:
        raise InputError("download.pytorch.org cannot be reached (no route)")

    monkeypatch.setenv("CELLWRIGHT_CACHE", str(tmp_path))
    monkeypatch.setattr(module, "download", download)
    with pytest.raises(InputError, match=r"cannot be reached.*--option weights=none") as caught:
        maskrcnn(weights="coco")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("wrong", "word"),
    [
        ({"weights": "imagenet"}, "weights=imagenet"),
        ({"weights": "coco", "backbone": "resnet18"}, "backbone=resnet50"),
        ({"weights": "coco", "norm": "group"}, "norm=frozen"),
        ({"trainable": 6}, "trainable=6"),
    ],
)
def test_wrong_options(wrong: dict, word: str) -> None:
    with pytest.raises(InputError, match=word):
        maskrcnn(**{**({} if "weights" in wrong else SMALL), **wrong})


def test_damaged_checkpoint(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    file = COCO.files[0]
    digits = file.name.rsplit("-", 1)[1].split(".")[0]

    def download(file: RemoteFile, folder: Path) -> Fetched:
        path = tmp_path / file.name
        path.write_bytes(b"not a checkpoint")
        sha = hashlib.sha256(path.read_bytes()).hexdigest()
        return Fetched(path, digits + sha[8:], 16, False)

    monkeypatch.setattr(module, "download", download)
    with pytest.raises(InputError, match="cannot be read"):
        maskrcnn(weights="coco")


def test_draws_its_training_field() -> None:
    """Fifty steps on a small field with overlapping cells."""
    from cellwright.evaluate.match import match

    torch.manual_seed(0)
    field = simulate_field(seed=8, shape=(64, 64), cells=4, overlap=0.5, diameter=9)
    image = torch.from_numpy(field.image.stack().astype(np.float32))
    image = ((image - image.min()) / (image.max() - image.min()))[None]
    method = maskrcnn(**{**SMALL, "channels": 32, "hidden": 64, "anchor_samples": 64})
    targets = {name: [value] for name, value in method.codec.encode(field.instances).items()}
    optimiser = torch.optim.AdamW(method.parameters(), lr=1e-3)
    method.train()
    for _ in range(50):
        optimiser.zero_grad()
        torch.stack(list(method.losses(image, targets).values())).sum().backward()
        optimiser.step()
    found = method.eval().predict(image)[0]
    assert isinstance(found, Instances)
    counts = match(field.instances, found, [0.5])[0]
    assert counts.tp == 4
    assert counts.fp <= 1


def test_the_entry_holds_the_settings_of_the_papers() -> None:
    known = {e.name: e for e in ENTRIES}["maskrcnn"]
    assert known.training["optimizer"] == "adam"
    assert known.training["learning_rate"] == 1e-4
    assert known.training["schedule"] == "plateau"
    method = known.build(inputs=2, class_names=("Alive", "Dead"), **SMALL)
    assert method.codec.capacity == SMALL["detections"]
    assert method.eval().predict(torch.rand(1, 2, 40, 40))[0].class_names == ("Alive", "Dead")
