"""IAUNet: shapes, what a query sees, and the totals that docs/networks/iaunet.md states."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from cellwright.nets.encoders import CompactEncoder, ResNetEncoder
from cellwright.nets.iaunet import RADIUS, IAUNet, drawn
from cellwright.nets.pixel_decoder import PixelDecoder
from cellwright.nets.query_blocks import QueryBlock, grid, waves
from cellwright.nets.query_starts import Peaks

WIDTHS = (4, 8, 8, 8)


def small(**more: object) -> IAUNet:
    torch.manual_seed(0)
    options = {"queries": 5, "dim": 8, "heads": 2, "blocks": 1, "mask_stride": 2} | more
    return IAUNet(CompactEncoder(2, widths=WIDTHS), classes=2, **options).eval()


def count(module: nn.Module) -> int:
    return sum(p.numel() for p in module.parameters())


@pytest.mark.parametrize("start", ["peaks", "learned"])
@pytest.mark.parametrize("placed", [True, False])
@pytest.mark.parametrize("masked", [True, False])
def test_shapes(start: str, placed: bool, masked: bool) -> None:
    net = small(start=start, placed=placed, masked=masked)
    found = net(torch.rand(2, 2, 16, 32))
    assert net.stride == 8
    assert found["scores"].shape == (2, 5, 2)
    assert found["masks"].shape == (2, 5, 8, 16)
    assert found["features"].shape == (2, 8 + (4 if placed else 1), 8, 16)
    assert len(found["stages"]) == (3 if start == "peaks" else 2)
    for stage in found["stages"]:
        assert stage["classes"].shape == (2, 5, 3)
        assert stage["kernels"].shape == (2, 5, found["features"].shape[1])
    assert ("heat" in found) == (start == "peaks")
    if start == "peaks":
        assert found["heat"].shape == (2, 2, 4, 8)
    last = drawn(found["stages"][-1]["kernels"], found["features"])
    assert torch.equal(last, found["masks"])
    assert (found["scores"].sum(2) < 1).all()


def test_images_of_a_batch_do_not_touch_each_other() -> None:
    net = small()
    images = torch.rand(2, 2, 16, 16)
    both, alone = net(images), net(images[1:])
    torch.testing.assert_close(both["masks"][1:], alone["masks"], rtol=1e-4, atol=1e-4)
    torch.testing.assert_close(both["scores"][1:], alone["scores"], rtol=1e-4, atol=1e-5)


def test_a_small_window_has_as_many_queries_as_pixels() -> None:
    assert small(queries=50)(torch.rand(1, 2, 8, 8))["scores"].shape == (1, 4, 2)


def test_before_training_a_mask_is_a_disc_around_its_query() -> None:
    net = small(mask_stride=1)
    features = torch.zeros(1, 8, 64, 64)
    canvas = net._canvas(features)
    with torch.no_grad():
        net.place.weight.zero_()
        net.kernel.weight.zero_()
    point = torch.tensor([[[20.6, 40.7]]])
    mask = drawn(net._answer(torch.zeros(1, 1, 8), point)["kernels"], canvas)[0, 0]
    away = torch.cdist(grid(64, 64, stride=1, like=features), point[0]).reshape(64, 64)
    assert torch.equal(mask > 0, away < RADIUS)
    torch.testing.assert_close(mask, 2 * (1 - (away / RADIUS) ** 2), rtol=1e-4, atol=1e-3)


def test_queries_begin_at_the_peaks_highest_first() -> None:
    peaks = Peaks(8, 1, "batch").eval()
    heat = torch.full((1, 1, 6, 9), -5.0)
    heat[0, 0, 1, 1], heat[0, 0, 1, 2], heat[0, 0, 4, 5] = 3.0, 2.5, 2.0
    peaks.heat = nn.Identity()
    content, place, points, found, said = peaks(heat.repeat(1, 8, 1, 1), 4, 2)
    assert points.tolist() == [[[6.0, 6.0], [18.0, 22.0]]]
    assert torch.equal(found[:, :1], heat)
    assert said[0].tolist() == [[3.0] * 8, [2.0] * 8]
    torch.testing.assert_close(place[0], waves(points[0], 8))
    assert content.shape == (1, 2, 8)


def test_a_block_sees_only_what_it_may() -> None:
    torch.manual_seed(0)
    block = QueryBlock(8, heads=2, hidden=16).eval()
    torch.testing.assert_close(
        block(*torch.ones(3, 1, 1, 8), torch.ones(1, 1, 8)), torch.zeros(1, 1, 8)
    )
    for layer in (block.cross.out, block.own.out, block.feed[3]):
        nn.init.normal_(layer.weight)
    x, place, tokens = torch.randn(1, 1, 8), torch.randn(1, 1, 8), torch.randn(1, 4, 8)
    allowed = torch.tensor([[[True, True, False, False]]])
    other = tokens.clone()
    other[:, 2:] = 9
    first = block(x, place, tokens, tokens, allowed)
    torch.testing.assert_close(first, block(x, place, other, other, allowed))
    assert not torch.allclose(first, block(x, place, other, other))


def test_where_an_earlier_mask_is_empty_everything_is_allowed() -> None:
    net = small(masked=True)
    features = torch.ones(1, 1, 4, 4)
    features[..., :2] = -1
    kernels = torch.tensor([[[1.0], [0.0]]])
    allowed = net._allowed(kernels, features, (2, 2))
    assert allowed.tolist() == [[[False, True, False, True], [True] * 4]]


def test_positions_differ_and_need_no_frame() -> None:
    points = grid(8, 8, stride=4, like=torch.zeros(1))
    vectors = waves(points, 32)
    near = torch.cdist(vectors, vectors) + torch.eye(64) * 9
    assert near.min() > 0.1
    assert torch.equal(waves(points[:3], 32), vectors[:3])
    assert points[1].tolist() == [2.0, 6.0]


def test_what_cannot_be_built_is_named() -> None:
    encoder = CompactEncoder(1, widths=WIDTHS)
    for options, word in (
        ({"mask_stride": 8}, "mask_stride 8"),
        ({"start": "random"}, "start 'random'"),
        ({"dim": 12}, "dim 12"),
        ({"dim": 16, "heads": 3}, "3 heads"),
        ({"normalise": "layer"}, "normalisation 'layer'"),
    ):
        with pytest.raises(ValueError, match=word):
            IAUNet(encoder, **{"dim": 8, "heads": 2, "mask_stride": 2, **options})
    with pytest.raises(ValueError, match="two at least"):
        PixelDecoder((4,), dim=8)
    with pytest.raises(ValueError, match="resnet18, resnet50"):
        ResNetEncoder(1, name="resnet34")


def test_bfloat16_gives_masks_in_float32() -> None:
    net = small()
    with torch.autocast("cpu", dtype=torch.bfloat16):
        found = net(torch.rand(1, 2, 16, 16))
    assert found["masks"].dtype == found["features"].dtype == torch.float32
    assert torch.isfinite(found["masks"]).all()
