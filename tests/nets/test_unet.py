"""U-Net, SEU-Net and ensemble: parameters by arithmetic, names of weights, what is decoupled."""

from __future__ import annotations

import re
from itertools import pairwise
from pathlib import Path

import pytest
import torch
from torch import nn

from cellwright.nets.blocks import SqueezeExcitation
from cellwright.nets.encoder_decoder import Decoder, Encoder
from cellwright.nets.ensemble import Ensemble
from cellwright.nets.se_unet import SEUNet, se_unet, squeeze_excitation
from cellwright.nets.unet import UNet

DOCS = Path(__file__).parents[2] / "docs" / "networks"
ORIGINAL = (64, 128, 256, 512, 1024)
HEADS = {"cytoplasm": 1, "nuclei": 1, "border": 1, "background": 1}


def size(net: nn.Module) -> int:
    return sum(p.numel() for p in net.parameters())


def original_size(inputs: int, outputs: int, widths: tuple[int, ...], *, normalised: bool) -> int:
    """Parameters of the paper's layers, added up by hand."""
    per = 2 if normalised else 1

    def pair(a: int, b: int) -> int:
        return 9 * a * b + per * b + 9 * b * b + per * b

    down = sum(pair(a, b) for a, b in pairwise((inputs, *widths)))
    up = sum(4 * b * a + a + pair(2 * a, a) for a, b in pairwise(widths))
    return down + up + widths[0] * outputs + outputs


def test_the_original_has_31_million_parameters() -> None:
    with torch.device("meta"):
        assert size(UNet(1, 2, upsampling="transposed", normalise=False)) == 31_030_658
        assert size(UNet(1, 1, upsampling="transposed")) == 31_036_481
        deep = UNet(1, 1, widths=(*ORIGINAL, 1024, 2048), upsampling="transposed")
    assert original_size(1, 2, ORIGINAL, normalised=False) == 31_030_658
    assert original_size(1, 1, ORIGINAL, normalised=True) == 31_036_481
    assert size(deep) == original_size(1, 1, (*ORIGINAL, 1024, 2048), normalised=True)
    assert deep.stride == 64


def test_names_of_the_weights_stay_those_of_saved_models() -> None:
    plain = [n for n, _ in UNet(1, 2, widths=(4, 8)).named_parameters()]
    assert plain == [
        *(f"down.{k}.layers.{n}" for k in (0, 1) for n in LAYERS),
        *("up.0.0.weight", "up.0.1.weight", "up.0.1.bias"),
        *(f"join.0.layers.{n}" for n in LAYERS),
        *("head.weight", "head.bias"),
    ]
    with_attention = dict(se_unet(1, 2, widths=(4, 8)).named_parameters())
    assert with_attention["down.1.attention.excite.0.weight"].shape == (4, 8, 1, 1)


LAYERS = ("0.weight", "1.weight", "1.bias", "3.weight", "4.weight", "4.bias")


@pytest.mark.parametrize("upsampling", ["nearest", "transposed"])
@pytest.mark.parametrize("normalise", [True, False])
def test_output_is_as_large_as_the_input(upsampling: str, normalise: bool) -> None:
    net = UNet(2, 3, widths=(4, 6, 8), upsampling=upsampling, normalise=normalise)
    assert net.stride == 4
    assert net(torch.rand(2, 2, 16, 24)).shape == (2, 3, 16, 24)


@pytest.mark.parametrize("wrong", [{"widths": ()}, {"widths": (4, 0)}, {"upsampling": "cubic"}])
def test_wrong_layers(wrong: dict) -> None:
    with pytest.raises(ValueError, match="came"):
        UNet(1, 1, **{"widths": (4, 8), **wrong})


def test_halves_give_features_of_each_level() -> None:
    widths = (4, 6, 8)
    skips = Encoder(1, widths=widths, attention=squeeze_excitation(2))(torch.rand(1, 1, 16, 8))
    assert [tuple(s.shape[1:]) for s in skips] == [(4, 16, 8), (6, 8, 4), (8, 4, 2)]
    features = Decoder(widths=widths)(skips)
    assert [f.shape for f in features] == [s.shape for s in reversed(skips)]
    assert features[0] is skips[-1]


def test_a_skip_reaches_the_output_by_itself() -> None:
    net = UNet(1, 1, widths=(4, 8)).eval()
    for parameter in net.up.parameters():
        nn.init.zeros_(parameter)
    a, b = (net(torch.rand(1, 1, 8, 8)) for _ in range(2))
    assert not torch.equal(a, b)


def test_squeeze_and_excitation_by_hand() -> None:
    block = SqueezeExcitation(8, reduction=2)
    x = torch.rand(2, 8, 5, 4)
    first, last = block.excite[0], block.excite[2]
    squeezed = x.flatten(2).mean(-1)
    hidden = torch.relu(squeezed @ first.weight[:, :, 0, 0].T + first.bias)
    scale = torch.sigmoid(hidden @ last.weight[:, :, 0, 0].T + last.bias)
    torch.testing.assert_close(block(x), x * scale[..., None, None])


@pytest.mark.parametrize(("own", "other", "channels"), [("a", "b", [0]), ("b", "a", [1, 2])])
def test_a_head_reaches_its_own_decoder_only(own: str, other: str, channels: list[int]) -> None:
    net = SEUNet(2, {"a": 1, "b": 2}, widths=(4, 8, 8))
    out = net(torch.rand(2, 2, 8, 8))
    assert out.shape == (2, 3, 8, 8)
    out[:, channels].square().sum().backward()
    touched = {n for n, p in net.named_parameters() if p.grad is not None and p.grad.any()}
    assert not {n for n in touched if n.startswith((f"decoders.{other}.", f"heads.{other}."))}
    convolutions = {n for n, p in net.named_parameters() if p.shape[2:] == (3, 3)}
    assert touched >= {n for n in convolutions if n.startswith(("encoder.", f"decoders.{own}."))}


def test_one_decoder_is_shared_if_not_decoupled() -> None:
    net = SEUNet(1, {"a": 1, "b": 2}, widths=(4, 8), decoupled=False)
    assert list(net.decoders) == ["shared"]
    net(torch.rand(2, 1, 8, 8))[:, 1:].sum().backward()
    assert net.decoders["shared"].join[0].layers[0].weight.grad.any()
    assert not net.heads["a"].weight.grad.any()


def test_one_decoder_computes_what_the_plain_one_does() -> None:
    torch.manual_seed(0)
    plain = se_unet(1, 3, widths=(4, 8, 8)).eval()
    net = SEUNet(1, {"a": 1, "b": 2}, widths=(4, 8, 8), decoupled=False).eval()
    names = {"down": "encoder.down", "up": "decoders.shared.up", "join": "decoders.shared.join"}
    state = {}
    for name, value in plain.state_dict().items():
        part, _, rest = name.partition(".")
        if part == "head":
            state[f"heads.a.{rest}"], state[f"heads.b.{rest}"] = value[:1], value[1:]
        else:
            state[f"{names[part]}.{rest}"] = value
    net.load_state_dict(state)
    image = torch.rand(1, 1, 16, 16)
    torch.testing.assert_close(net(image), plain(image))


def test_no_head_is_refused() -> None:
    with pytest.raises(ValueError, match="at least one"):
        SEUNet(1, {}, widths=(4, 8))


def test_an_ensemble_answers_with_the_mean_probability() -> None:
    torch.manual_seed(0)
    members = [UNet(1, 2, widths=w).eval() for w in ((4, 8), (4, 8, 8))]
    both = Ensemble(members)
    image = torch.rand(1, 1, 8, 8)
    mean = (members[0](image).sigmoid() + members[1](image).sigmoid()) / 2
    torch.testing.assert_close(both(image).sigmoid(), mean)
    assert both.stride == 4


DOCUMENTED = {
    "unet-bce": lambda: (UNet(1, 1, upsampling="transposed"), (1, 1, 256, 256)),
    "unet-deep-2": lambda: (
        UNet(1, 1, widths=(*ORIGINAL, 1024, 2048), upsampling="transposed"),
        (1, 1, 256, 256),
    ),
    "seunet-4head": lambda: (SEUNet(2, HEADS), (1, 2, 512, 512)),
}


@pytest.mark.parametrize("name", DOCUMENTED)
def test_the_documents_state_shapes_and_parameters_of_each_layer(name: str) -> None:
    text = "".join((DOCS / f"{n}.md").read_text(encoding="utf-8") for n in ("unet", "seunet"))
    section = text.split(f"<!-- layers of {name} -->")[1].split("<!-- end -->")[0]
    row = re.compile(
        r"^\| `([\w.]+)` \|[^|]*\| (\d+) × (\d+) × (\d+) \| (\d+) \| ([\d ]+) \|", re.M
    )
    stated = {
        m[1]: ((int(m[2]), int(m[3]), int(m[4])), int(m[5]), int(m[6].replace(" ", "")))
        for m in row.finditer(section)
    }
    with torch.device("meta"):
        net, shape = DOCUMENTED[name]()
        found: dict[str, tuple] = {}
        for layer in stated:

            def note(module: nn.Module, _: object, out: torch.Tensor, layer: str = layer) -> None:
                found[layer] = (tuple(out.shape[1:]), shape[-1] // out.shape[-1], size(module))

            net.get_submodule(layer).register_forward_hook(note)
        net(torch.empty(shape))
    assert len(stated) >= 10
    assert stated == found
    total = int(re.search(r"\*\*([\d ]+)\*\* parameters", section)[1].replace(" ", ""))
    assert total == size(net)
    if name != "seunet-4head":
        assert total == sum(count for _, _, count in stated.values())
