"""pix2pix: sizes and parameters of the public networks, noise, what a patch sees."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import torch
from torch import nn

from cellwright.nets.patch_gan import PatchDiscriminator
from cellwright.nets.pix2pix import WIDTHS, Pix2PixGenerator

SMALL = (4, 8, 8)
PAGE = Path(__file__).parents[2] / "docs" / "networks" / "pix2pix.md"


def size(net: nn.Module) -> int:
    return sum(p.numel() for p in net.parameters())


def generator_size(inputs: int, outputs: int, widths: tuple[int, ...]) -> int:
    """Parameters added up by hand: 4 x 4 kernels, two numbers per normalised channel."""
    before = (inputs, *widths[:-1])
    down = sum(16 * a * b for a, b in zip(before, widths, strict=True)) + 2 * sum(widths[1:-1])
    up = 0
    for level in range(len(widths) - 1, 0, -1):
        a = widths[level] * (1 if level == len(widths) - 1 else 2)
        up += 16 * a * widths[level - 1] + 2 * widths[level - 1]
    return down + up + 16 * 2 * widths[0] * outputs + outputs


def test_the_public_networks_have_54_and_3_million_parameters() -> None:
    # "unet_256" of the authors' PyTorch code prints 54.414 M, its "basic" discriminator 2.769 M.
    eight = Pix2PixGenerator(3, 3, widths=WIDTHS[:8])
    assert size(eight) == generator_size(3, 3, WIDTHS[:8]) == 54_413_955
    assert size(PatchDiscriminator(6)) == 2_768_705


def test_nine_levels_as_in_p4() -> None:
    with torch.device("meta"):
        net = Pix2PixGenerator(1, 2)
    assert (len(net.widths), net.stride) == (9, 512)
    assert size(net) == generator_size(1, 2, WIDTHS) == 66_994_818
    assert net.noise_shapes(512, 512) == [(512, 2, 2), (512, 4, 4), (512, 8, 8)]
    assert net.head.in_channels == 128
    assert net(torch.empty(1, 1, 512, 512, device="meta")).shape == (1, 2, 512, 512)


@pytest.mark.parametrize("shape", [(8, 8), (16, 40), (64, 8)])
def test_any_multiple_of_the_stride(shape: tuple[int, int]) -> None:
    made = Pix2PixGenerator(3, 2, widths=SMALL).eval()(torch.rand(2, 3, *shape))
    assert made.shape == (2, 2, *shape)
    assert made.abs().max() <= 1


def test_other_sizes_say_what_is_wanted() -> None:
    net = Pix2PixGenerator(1, 1, widths=SMALL)
    with pytest.raises(ValueError, match=r"12 x 16 came: multiples of 8"):
        net(torch.rand(1, 1, 12, 16))
    for wrong in ({"widths": (4,)}, {"widths": (4, 0)}, {"dropout": 1.0}):
        with pytest.raises(ValueError, match="came"):
            Pix2PixGenerator(1, 1, **{"widths": SMALL, **wrong})


def test_noise_is_active_in_use_and_seeded() -> None:
    net = Pix2PixGenerator(1, 1, widths=SMALL).eval()
    x = torch.rand(1, 1, 16, 16)
    torch.manual_seed(1)
    one, other = net(x), net(x)
    torch.manual_seed(1)
    assert torch.equal(net(x), one)
    assert not torch.equal(one, other)
    without = Pix2PixGenerator(1, 1, widths=SMALL, dropout=0.0).eval()
    assert torch.equal(without(x), without(x))
    assert without.noise_shapes(16, 16) == []


def test_noise_that_is_given_is_that_of_dropout() -> None:
    net = Pix2PixGenerator(1, 1, widths=SMALL).eval()
    plain = Pix2PixGenerator(1, 1, widths=SMALL, dropout=0.0).eval()
    plain.load_state_dict(net.state_dict())
    x = torch.rand(2, 1, 16, 24)
    shapes = net.noise_shapes(16, 24)
    assert shapes == [(8, 4, 6), (4, 8, 12)]
    kept = [torch.ones(2, *s) for s in shapes]
    net.dropout = 0.0
    assert torch.allclose(net(x, kept), plain(x))
    net.dropout = 0.5
    half = [k * 0.5 for k in kept]
    assert torch.allclose(net(x, half), plain(x), atol=1e-6)
    assert not torch.equal(net(x, [torch.zeros_like(k) for k in kept]), net(x, kept))


def test_a_patch_sees_70_pixels() -> None:
    judge = PatchDiscriminator(2, width=2).eval()
    for layer in judge.layers:
        if isinstance(layer, nn.Conv2d):
            nn.init.ones_(layer.weight)
    assert judge.receptive_field == 70
    x = torch.ones(1, 1, 256, 256, requires_grad=True)
    logits = judge(x, torch.ones(1, 1, 256, 256))
    assert logits.shape == (1, 1, 30, 30)
    logits[0, 0, 15, 15].backward()
    seen = x.grad[0, 0] != 0
    assert seen.any(dim=0).sum() == seen.any(dim=1).sum() == 70


def test_five_layers_of_stride_two_would_see_94() -> None:
    # P4's text; its 70 x 70 are those of three halvings.
    assert [PatchDiscriminator(2, width=2, halvings=n).receptive_field for n in (1, 2, 3, 4)] == [
        16, 34, 70, 142,
    ]  # fmt: skip
    assert 1 + 3 * sum(2**k for k in range(5)) == 94
    with pytest.raises(ValueError, match="0 halvings"):
        PatchDiscriminator(2, halvings=0)


def documented(name: str) -> tuple[dict[str, tuple[tuple[int, ...], int, int]], int]:
    """Shape, fourth column and parameters of each layer, and the total, as the page has them."""
    text = PAGE.read_text(encoding="utf-8")
    section = text.split(f"<!-- layers of {name} -->")[1].split("<!-- end -->")[0]
    row = re.compile(
        r"^\| `([\w.]+)` \|[^|]*\| (\d+) × (\d+) × (\d+) \| (\d+) \| ([\d ]+) \|", re.M
    )
    number = lambda text: int(text.replace(" ", ""))  # noqa: E731
    layers = {
        m[1]: ((int(m[2]), int(m[3]), int(m[4])), int(m[5]), number(m[6]))
        for m in row.finditer(section)
    }
    return layers, number(re.search(r"\*\*([\d ]+)\*\* parameters", section)[1])


def shapes_of(net: nn.Module, layers: list[str], *inputs: torch.Tensor) -> dict[str, tuple]:
    """Output shape of each layer."""
    found: dict[str, tuple] = {}
    for layer in layers:

        def note(module: nn.Module, _: object, out: torch.Tensor, layer: str = layer) -> None:
            found[layer] = tuple(out.shape[1:])

        net.get_submodule(layer).register_forward_hook(note)
    net(*inputs)
    return found


def test_the_page_states_the_layers_of_the_generator() -> None:
    layers, total = documented("pix2pix")
    with torch.device("meta"):
        net = Pix2PixGenerator(1, 2)
        shapes = shapes_of(net, list(layers), torch.empty(1, 1, 512, 512))
    assert len(layers) == 18
    found = {
        name: (shape, 512 // shape[-1], size(net.get_submodule(name)))
        for name, shape in shapes.items()
    }
    assert layers == found
    assert total == size(net) == sum(count for _, _, count in layers.values())


def test_the_page_states_the_layers_of_the_discriminator() -> None:
    layers, total = documented("patch-gan")
    judge = PatchDiscriminator(3)
    blank = torch.zeros(1, 1, 256, 256)
    shapes = shapes_of(judge, list(layers), blank, blank.expand(-1, 2, -1, -1))
    assert {name: layer[0] for name, layer in layers.items()} == shapes
    assert [layer[1] for layer in layers.values()] == [4, 10, 22, 46, judge.receptive_field]
    assert total == size(judge) == sum(count for _, _, count in layers.values())
