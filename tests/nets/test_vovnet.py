"""VoVNetV2: numbers of its variants, its one-shot aggregation, its pyramid."""

from __future__ import annotations

import pytest
import torch

from cellwright.nets.fpn import Pyramid
from cellwright.nets.vovnet import (
    SIZES,
    ConvUnit,
    EffectiveSqueezeExcitation,
    OneShotAggregation,
    VoVNet,
)


def parameters(module: torch.nn.Module) -> int:
    return sum(p.numel() for p in module.parameters())


@pytest.mark.parametrize(
    ("name", "total", "published"),
    [
        ("v19-slim-dw", 1_384_752, 1.8),
        ("v19-slim", 2_653_136, 3.1),
        ("v19-dw", 5_518_080, 6.5),
        ("v19", 10_180_416, 11.2),
        ("v39", 25_184_128, None),
        ("v57", 41_454_912, None),
        ("v99", 69_523_520, None),
    ],
)
def test_a_variant_has_the_parameters_of_its_original(name, total, published):
    with torch.device("meta"):
        net = VoVNet(3, SIZES[name])
    assert parameters(net) == total
    if published is not None:  # the authors count the 1000-class layer of ImageNet, cut after 0.1
        classifier = SIZES[name].outputs[-1] * 1000 + 1000
        assert int((total + classifier) / 1e5) / 10 == published


@pytest.mark.parametrize("name", ["v19-slim-dw", "v39"])
def test_stages_have_the_strides_and_channels_of_the_table(name):
    net = VoVNet(2, SIZES[name]).eval()
    shapes = [tuple(stage.shape) for stage in net(torch.rand(1, 2, 64, 96))]
    outputs = SIZES[name].outputs
    assert shapes == [
        (1, c, 64 // s, 96 // s) for c, s in zip(outputs, (4, 8, 16, 32), strict=True)
    ]


def test_aggregation_joins_its_input_and_every_layer():
    torch.manual_seed(0)
    block = OneShotAggregation(4, 3, 4, layers=2, depthwise=False, residual=True).eval()
    x = torch.rand(1, 4, 6, 6)
    first = block.layers[0](x)
    second = block.layers[1](first)
    joined = block.concat(torch.cat([x, first, second], dim=1))
    weight = ((block.ese.fc(joined.mean((2, 3), keepdim=True)) + 3).clamp(0, 6)) / 6
    torch.testing.assert_close(block(x), joined * weight + x)


def test_depthwise_layers_mix_no_channels_before_the_second_convolution():
    unit = ConvUnit(6, 5, 3, depthwise=True)
    assert unit.depth.weight.shape == (6, 1, 3, 3)
    assert unit.point.weight.shape == (5, 6, 1, 1)
    assert [name for name, _ in unit.named_children()] == ["depth", "point", "norm", "relu"]


def test_only_later_aggregations_of_a_stage_add_their_input():
    with torch.device("meta"):
        net = VoVNet(1, SIZES["v99"])
    residual = [[block.residual for block in list(stage)[1:]] for stage in net.stages]
    assert [len(stage) for stage in residual] == [1, 3, 9, 3]
    assert all(not stage[0] and all(stage[1:]) for stage in residual)


def test_excitation_is_a_hard_sigmoid_of_all_channels():
    ese = EffectiveSqueezeExcitation(2)
    with torch.no_grad():
        ese.fc.weight.copy_(torch.tensor([[0.0, 9.0], [-9.0, 0.0]])[..., None, None])
    x = torch.ones(1, 2, 3, 3)
    torch.testing.assert_close(ese(x), torch.stack([x[:, 0], x[:, 1] * 0], dim=1))


def test_a_smallest_image_trains_alone():
    net = VoVNet(1, SIZES["v19-slim-dw"]).train()
    net(torch.rand(1, 1, 32, 32))[-1].sum().backward()
    assert all(p.grad is not None for p in net.parameters())


@pytest.mark.parametrize(("first", "last"), [(3, 7), (2, 6), (2, 5)])
def test_pyramid_levels_have_one_width_and_halve_each_time(first, last):
    pyramid = Pyramid(VoVNet(1, SIZES["v19-slim-dw"]), channels=8, first=first, last=last).eval()
    levels = pyramid(torch.rand(2, 1, 64, 128))
    assert pyramid.strides == tuple(2**k for k in range(first, last + 1))
    wanted = [(2, 8, -(-64 // s), -(-128 // s)) for s in pyramid.strides]
    assert [tuple(level.shape) for level in levels] == wanted


def test_finer_levels_hold_what_coarser_ones_saw():
    pyramid = Pyramid(VoVNet(1, SIZES["v19-slim-dw"]), channels=8).eval()
    stages = []
    pyramid.backbone.stages[-1].register_forward_hook(lambda *a: stages.append(a[-1]))
    levels = pyramid(torch.rand(1, 1, 64, 64))
    levels[0].sum().backward()
    assert stages[0].shape[-1] == 2
    assert float(pyramid.fpn.inner_blocks[-1][0].weight.grad.abs().sum()) > 0


@pytest.mark.parametrize(("first", "last"), [(1, 7), (3, 8), (6, 7), (3, 4)])
def test_levels_that_are_none_are_refused(first, last):
    with pytest.raises(ValueError, match="levels"):
        Pyramid(VoVNet(1, SIZES["v19-slim-dw"]), channels=8, first=first, last=last)
