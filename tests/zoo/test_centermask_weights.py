"""Published weights by their names: a made-up file with every name and shape of the original."""

from __future__ import annotations

import logging
import pickle
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor

from cellwright.types import InputError
from cellwright.zoo.centermask import centermask, centermask_v99
from cellwright.zoo.centermask_weights import load_published, our_name

#: (stem, widths, outputs, layers, blocks, depthwise), channels, convolutions of each branch
FORMS = {
    "slim-dw": ((64, 64, 64), (64, 80, 96, 112), (112, 256, 384, 512), 3, (1, 1, 1, 1), True),
    "v39": ((64, 64, 128), (128, 160, 192, 224), (256, 512, 768, 1024), 5, (1, 1, 2, 2), False),
}
COCO = {"inputs": 3, "class_names": [str(i) for i in range(80)], "mask_scoring": True}


def norm(name: str, channels: int) -> dict[str, tuple[int, ...]]:
    parts = ("weight", "bias", "running_mean", "running_var")
    return {f"{name}.{part}": (channels,) for part in parts}


def layer(name: str, outputs: int, inputs: int, kernel: int = 3) -> dict[str, tuple[int, ...]]:
    return {f"{name}.weight": (outputs, inputs, kernel, kernel), f"{name}.bias": (outputs,)}


def unit(name: str, outputs: int, inputs: int, kernel: int, depthwise: bool):
    if not depthwise:
        found = {f"{name}/conv.weight": (outputs, inputs, kernel, kernel)}
        return found | norm(f"{name}/norm", outputs)
    found = {f"{name}/dw_conv3x3.weight": (inputs, 1, 3, 3)}
    return (
        found
        | {f"{name}/pw_conv1x1.weight": (outputs, inputs, 1, 1)}
        | norm(f"{name}/pw_norm", outputs)
    )


def published_backbone(form: str, prefix: str) -> dict[str, tuple[int, ...]]:
    stem, widths, outputs, layers, blocks, depthwise = FORMS[form]
    found = unit(f"{prefix}stem.stem_1", stem[0], 3, 3, False)
    found |= unit(f"{prefix}stem.stem_2", stem[1], stem[0], 3, depthwise)
    found |= unit(f"{prefix}stem.stem_3", stem[2], stem[1], 3, depthwise)
    came = stem[2]
    for stage in range(4):
        width, given = widths[stage], outputs[stage]
        for block in range(1, blocks[stage] + 1):
            label = f"OSA{stage + 2}_{block}"
            place = f"{prefix}stage{stage + 2}.{label}."
            if depthwise and came != width:
                found |= unit(f"{place}conv_reduction.{label}_reduction_0", width, came, 1, False)
            for i in range(layers):
                inputs = width if depthwise or i else came
                found |= unit(f"{place}layers.{i}.{label}_{i}", width, inputs, 3, depthwise)
            found |= unit(f"{place}concat.{label}_concat", given, came + layers * width, 1, False)
            found |= layer(f"{place}ese.fc", given, given, 1)
            came = given
    return found


def published(form: str, *, channels: int, convs: int, classes: int = 80):
    found = published_backbone(form, "backbone.bottom_up.")
    for level, came in zip((3, 4, 5), FORMS[form][2][1:], strict=True):
        found |= layer(f"backbone.fpn_lateral{level}", channels, came, 1)
        found |= layer(f"backbone.fpn_output{level}", channels, channels)
    for level in (6, 7):
        found |= layer(f"backbone.top_block.p{level}", channels, channels)
    fcos = "proposal_generator.fcos_head."
    for tower in ("cls_tower", "bbox_tower"):
        for i in range(convs):
            found |= layer(f"{fcos}{tower}.{3 * i}", channels, channels)
            found |= {f"{fcos}{tower}.{3 * i + 1}.{p}": (channels,) for p in ("weight", "bias")}
    found |= layer(f"{fcos}cls_logits", classes, channels)
    found |= layer(f"{fcos}bbox_pred", 4, channels) | layer(f"{fcos}ctrness", 1, channels)
    found |= {f"{fcos}scales.{i}.scale": (1,) for i in range(5)}
    for i in range(convs):
        found |= layer(f"roi_heads.mask_head.mask_fcn{i + 1}", channels, channels)
        came = channels + 1 if i == 0 else channels
        found |= layer(f"roi_heads.maskiou_head.maskiou_fcn{i + 1}", channels, came)
    found |= {"roi_heads.mask_head.spatialAtt.conv.weight": (1, 2, 3, 3)}
    found |= layer("roi_heads.mask_head.deconv", channels, channels, 2)
    found |= layer("roi_heads.mask_head.predictor", classes, channels, 1)
    for name, given, came in (
        ("fc1", 1024, channels * 49),
        ("fc2", 1024, 1024),
        ("", classes, 1024),
    ):
        place = f"roi_heads.maskiou_head.maskiou{'_' if name else ''}{name}"
        found |= {f"{place}.weight": (given, came), f"{place}.bias": (given,)}
    return found


def made_up(shapes: dict[str, tuple[int, ...]]) -> dict[str, Tensor]:
    """Tensors that all differ: each is filled with its number."""
    return {name: torch.full(shape, float(i)) for i, (name, shape) in enumerate(shapes.items())}


@pytest.mark.parametrize(
    ("form", "build", "options", "size"),
    [
        ("slim-dw", centermask, {}, {"channels": 128, "convs": 2}),
        ("v39", centermask_v99, {"backbone": "v39"}, {"channels": 256, "convs": 4}),
    ],
)
def test_every_published_weight_finds_one_of_ours_of_its_shape(form, build, options, size):
    with torch.device("meta"):
        state = build(**COCO | options).net.state_dict()
    ours = {k: tuple(v.shape) for k, v in state.items() if not k.endswith("num_batches_tracked")}
    shapes = published(form, **size)
    assert {our_name(name): shape for name, shape in shapes.items()} == ours
    assert len(shapes) == len(ours)


@pytest.mark.parametrize(
    ("theirs", "ours"),
    [
        ("backbone.bottom_up.stem.stem_1/conv.weight", "pyramid.backbone.stem.0.conv.weight"),
        (
            "backbone.bottom_up.stem.stem_3/dw_conv3x3.weight",
            "pyramid.backbone.stem.2.depth.weight",
        ),
        ("stage2.OSA2_1.ese.fc.bias", "pyramid.backbone.stages.0.1.ese.fc.bias"),
        (
            "stage4.OSA4_9.layers.2.OSA4_9_2/norm.running_var",
            "pyramid.backbone.stages.2.9.layers.2.norm.running_var",
        ),
        (
            "stage5.OSA5_1.conv_reduction.OSA5_1_reduction_0/conv.weight",
            "pyramid.backbone.stages.3.1.reduction.conv.weight",
        ),
        (
            "stage5.OSA5_1.concat.OSA5_1_concat/norm.weight",
            "pyramid.backbone.stages.3.1.concat.norm.weight",
        ),
        ("backbone.fpn_lateral3.weight", "pyramid.fpn.inner_blocks.0.0.weight"),
        ("backbone.fpn_output5.bias", "pyramid.fpn.layer_blocks.2.0.bias"),
        ("backbone.top_block.p7.weight", "pyramid.fpn.extra_blocks.convs.1.weight"),
        (
            "proposal_generator.fcos_head.cls_tower.3.weight",
            "head.classification_head.conv.3.weight",
        ),
        ("proposal_generator.fcos_head.bbox_tower.1.bias", "head.regression_head.conv.1.bias"),
        (
            "proposal_generator.fcos_head.cls_logits.bias",
            "head.classification_head.cls_logits.bias",
        ),
        ("proposal_generator.fcos_head.bbox_pred.bias", "head.regression_head.bbox_reg.bias"),
        ("proposal_generator.fcos_head.ctrness.bias", "head.regression_head.bbox_ctrness.bias"),
        ("proposal_generator.fcos_head.scales.4.scale", "head.scales.4"),
        ("roi_heads.mask_head.mask_fcn2.weight", "mask_branch.convs.2.weight"),
        ("roi_heads.mask_head.spatialAtt.conv.weight", "mask_branch.attention.conv.weight"),
        ("roi_heads.mask_head.predictor.bias", "mask_branch.predictor.bias"),
        ("roi_heads.maskiou_head.maskiou_fcn1.bias", "scoring.convs.0.bias"),
        ("roi_heads.maskiou_head.maskiou_fc2.bias", "scoring.second.bias"),
        ("roi_heads.maskiou_head.maskiou.bias", "scoring.score.bias"),
        ("roi_heads.box_head.fc1.weight", None),
    ],
)
def test_names_are_those_of_the_same_layer(theirs, ours):
    assert our_name(theirs) == ours


def test_a_whole_file_is_loaded(tmp_path: Path, caplog):
    shapes = published("slim-dw", channels=128, convs=2)
    tensors = made_up(shapes)
    torch.save({"model": tensors, "iteration": 3}, tmp_path / "model.pth")
    net = centermask(**COCO).net
    with caplog.at_level(logging.WARNING):
        report = load_published(net, tmp_path / "model.pth")
    assert report.missing == report.unused == ()
    assert "non-commercial" in caplog.text
    state = net.state_dict()
    for name, tensor in tensors.items():
        assert torch.equal(state[our_name(name)], tensor), name


def test_one_grey_plane_answers_as_three_equal_colours(tmp_path: Path):
    torch.manual_seed(0)
    shapes = published("slim-dw", channels=128, convs=2)
    tensors = made_up(shapes)
    first = "backbone.bottom_up.stem.stem_1/conv.weight"
    tensors[first] = torch.rand(shapes[first])
    save_file(tensors, tmp_path / "model.safetensors")
    method = centermask(inputs=1, weights=str(tmp_path / "model.safetensors"))
    filters = method.net.pyramid.backbone.stem[0].conv.weight
    grey = torch.rand(1, 1, 8, 8)
    three = torch.nn.functional.conv2d(grey.repeat(1, 3, 1, 1), tensors[first])
    torch.testing.assert_close(torch.nn.functional.conv2d(grey, filters), three)


def test_what_does_not_fit_is_listed_on_both_sides(tmp_path: Path, caplog):
    tensors = made_up(published("slim-dw", channels=128, convs=2)) | {"optimizer.x": torch.ones(1)}
    torch.save(tensors, tmp_path / "model.pth")
    net = centermask(inputs=3, levels=(2, 7)).net
    with caplog.at_level(logging.WARNING):
        report = load_published(net, tmp_path / "model.pth")
    of_classes = {"cls_logits", "predictor"}
    assert {name.split(".")[-2] for name in report.unused if "maskiou" not in name} == (
        of_classes | {"optimizer"}
    )
    ours = {"cls_logits", "predictor", "scales"}
    assert {name.split(".")[-2] for name in report.missing if "fpn" not in name} == ours
    assert "pyramid.fpn.inner_blocks.0.0.weight" in report.missing
    assert "head.scales.0" in report.missing
    for name in (*report.missing, *report.unused):
        assert name in caplog.text
    scales = [float(p.detach()) for p in net.head.scales]
    wanted = [1.0] + [
        float(tensors[f"proposal_generator.fcos_head.scales.{i}.scale"]) for i in range(5)
    ]
    assert scales == wanted


def test_a_backbone_of_imagenet_is_loaded(tmp_path: Path):
    tensors = made_up(published_backbone("slim-dw", ""))
    torch.save(tensors, tmp_path / "backbone.pth")
    report = load_published(centermask(inputs=3).net, tmp_path / "backbone.pth")
    assert len(report.loaded) == len(tensors)
    assert not report.unused
    assert all(not name.startswith("pyramid.backbone") for name in report.missing)


def test_files_that_run_code_are_not_opened(tmp_path: Path):
    torch.save({"model": {"a": np.zeros(3)}}, tmp_path / "model.pth")
    (tmp_path / "model.pkl").write_bytes(pickle.dumps({"a": np.zeros(3)}, protocol=2))
    (tmp_path / "model.safetensors").write_bytes(b"no tensors")
    for name in ("model.pth", "model.pkl", "model.safetensors"):
        with pytest.raises(InputError, match="never opened"):
            load_published(centermask(inputs=3).net, tmp_path / name)


def test_a_file_of_another_network_is_refused(tmp_path: Path):
    torch.save({"encoder.weight": torch.zeros(3)}, tmp_path / "other.pth")
    with pytest.raises(InputError, match="no weight of CenterMask2"):
        load_published(centermask(inputs=3).net, tmp_path / "other.pth")
    torch.save([torch.zeros(3)], tmp_path / "list.pth")
    with pytest.raises(InputError, match="state dictionary"):
        load_published(centermask(inputs=3).net, tmp_path / "list.pth")
