"""The U-Net family: what the builders make, the ensemble's routes, cells drawn after few steps."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest
import torch

from cellwright.evaluate.match import match
from cellwright.synth import simulate_field
from cellwright.types import InputError
from cellwright.zoo import ensemble, seunets, unets
from cellwright.zoo.ensemble import members_from, unet_deep_ensemble
from cellwright.zoo.method import DenseMethod

ENTRIES = {e.name: e for m in (unets, seunets, ensemble) for e in m.ENTRIES}
WITH_NUCLEI = ("seunet-4channel", "seunet-2head", "seunet-4head")
BOTH = ("cell", "nucleus")
SMALL = {"widths": (8, 16, 32)}


def built(name: str, **options: Any) -> DenseMethod:
    more = {"members": {"a": 0, "b": 1}} if name == "unet-deep-ensemble" else {}
    classes = BOTH if name in WITH_NUCLEI else ("cell",)
    return ENTRIES[name].build(class_names=classes, **{**SMALL, **more, **options})


def trained(method: DenseMethod, *, nuclei: bool, steps: int) -> Mapping[str, float]:
    """Share of the cells, and of the nuclei, found after some steps on one field."""
    sample = simulate_field(seed=3, shape=(64, 64), cells=5, overlap=0.0, nuclei=nuclei, diameter=9)
    truth = sample.instances
    image = torch.from_numpy(sample.image.stack().astype(np.float32))
    image = ((image - image.min()) / (image.max() - image.min()))[None]
    targets = {k: v[None] for k, v in method.codec.encode(truth).items()}
    if hasattr(method, "member_of"):
        targets["member"] = torch.tensor([1])
    optimiser = torch.optim.AdamW(method.parameters(), lr=5e-3)
    for _ in range(steps):
        loss = torch.stack(list(method.losses(image, targets).values())).sum()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    if hasattr(method, "member_of"):
        method = method.for_tags({"cell_line": "b"})
    found = method.eval().predict(image)[0]
    return {
        name: match(truth[truth.classes == k], found[found.classes == k], [0.7])[0].accuracy
        for k, name in enumerate(truth.class_names)
    }


@pytest.mark.parametrize("name", ["unet-mse", "unet-deep-ensemble", "seunet-4head"])
def test_some_steps_on_one_field_give_its_cells(name: str) -> None:
    torch.manual_seed(0)
    found = trained(built(name), nuclei=name in WITH_NUCLEI, steps=60)
    assert found["cell"] >= 0.8
    if name in WITH_NUCLEI:
        assert found["nucleus"] >= 0.8


def test_the_papers_widths_are_the_defaults() -> None:
    with torch.device("meta"):
        parameters = {
            name: sum(p.numel() for p in ENTRIES[name].build().parameters())
            for name in ("unet-bce", "unet-mse", "unet-deep", "unet-deep-2")
        }
    assert parameters == {
        "unet-bce": 31_036_481,
        "unet-mse": 31_036_481,
        "unet-deep": 82_425_921,
        "unet-deep-2": 175_762_497,
    }


def test_bce_and_mse_differ_in_the_loss_only() -> None:
    torch.manual_seed(0)
    one = built("unet-bce")
    other = built("unet-mse")
    other.net.load_state_dict(one.net.state_dict())
    image, target = torch.rand(1, 1, 16, 16), {"foreground": torch.ones(1, 1, 16, 16)}
    p = one.eval().probabilities(image)
    torch.testing.assert_close(one.losses(image, target)["foreground"], -p.log().mean())
    loss = other.eval().losses(image, target)["foreground"]
    torch.testing.assert_close(loss, (1 - p).square().mean())


@pytest.mark.parametrize("name", WITH_NUCLEI)
def test_heads_of_nuclei_are_refused_where_there_are_none(name: str) -> None:
    with pytest.raises(InputError, match="label the nuclei too, or take a method without"):
        ENTRIES[name].build(class_names=("cell",), **SMALL)


def test_decoders_by_variant() -> None:
    decoders = {name: list(built(name).net.decoders) for name in ENTRIES if "head" in name}
    assert decoders == {
        "seunet-1head": ["shared"],
        "seunet-2head": ["cytoplasm", "nuclei"],
        "seunet-3head": ["cytoplasm", "border", "background"],
        "seunet-4head": ["cytoplasm", "nuclei", "border", "background"],
    }
    assert list(built("seunet-4channel").net.decoders) == ["shared"]


def test_lambdas_scale_their_losses() -> None:
    torch.manual_seed(0)
    plain, other = built("seunet-4head"), built("seunet-4head", border_weight=3.0)
    other.net.load_state_dict(plain.net.state_dict())
    image = torch.rand(1, 1, 16, 16)
    targets = {name: torch.rand(1, 1, 16, 16) for name in plain.codec.maps}
    one, two = plain.eval().losses(image, targets), other.eval().losses(image, targets)
    for name in one:
        torch.testing.assert_close(two[name], one[name] * (3 if name == "border" else 1))


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("unet-bce", {"widths": "big"}),
        ("unet-bce", {"widths": (4, 0)}),
        ("unet-bce", {"widths": (4, 8.5)}),
        ("unet-deep", {"upsampling": "cubic"}),
        ("seunet-1head", {"reduction": 0}),
        ("seunet-3head", {"border_weight": -1}),
        ("unet-deep-ensemble", {"members": {}}),
        ("unet-deep-ensemble", {"members": {"a": -1}}),
        ("unet-deep-ensemble", {"members": {"a": "two"}}),
    ],
)
def test_options_that_make_no_sense(name: str, options: dict) -> None:
    with pytest.raises(InputError, match="came"):
        built(name, **options)


def test_members_are_the_values_of_the_tag() -> None:
    tags = [{"cell_line": "BV2", "phase": 2}, {"cell_line": "A172"}, {"phase": 10}, {}]
    assert members_from(tags, {}) == {"members": {"A172": 2, "BV2": 2}}
    assert members_from(tags, {"tag": "phase"}) == {"members": {"10": 2, "2": 2}}
    assert members_from(tags, {"members": {"A172": 1}}) == {}
    with pytest.raises(InputError, match=r"no image has the tag 'time'.*cell_line, phase"):
        members_from(tags, {"tag": "time"})


def test_members_have_levels_of_their_own() -> None:
    method = unet_deep_ensemble(members={"x": 1, "y": 2, "z": [4, 8]}, **SMALL)
    bottoms = [m.down[-1].layers[0].out_channels for m in method.net.members]
    assert bottoms == [32, 64, 8]
    assert [m.stride for m in method.net.members] == [8, 16, 2]
    assert method.stride == 16
    listed = unet_deep_ensemble(members=["x", "y"], **SMALL)
    assert [m.stride for m in listed.net.members] == [16, 16]


def test_images_go_to_their_member() -> None:
    torch.manual_seed(0)
    method = built("unet-deep-ensemble", tag="phase", members={"1": 0, "2": 1}).eval()
    assert method.member_of({"phase": 2}) == 1
    assert method.member_of({"phase": "1"}) == 0
    assert method.member_of({"phase": 3}) is method.member_of({}) is None
    image = torch.rand(1, 1, 21, 17)
    first, second = (method.for_tags({"phase": k}).probabilities(image) for k in (1, 2))
    alone = method.net.members[0](torch.nn.functional.pad(image, (0, 3, 0, 3), mode="reflect"))
    torch.testing.assert_close(first, alone.sigmoid()[..., :21, :17])
    assert not torch.allclose(first, second)
    even = torch.rand(1, 1, 16, 24)
    members = [method.for_tags({"phase": k}).probabilities(even) for k in (1, 2)]
    unknown = method.for_tags({"phase": 3}).probabilities(even)
    torch.testing.assert_close(unknown, sum(members) / 2)
    changed = method.with_codec(method.codec)
    assert changed.member_of({"phase": 2}) == 1
    assert changed.net is method.net


def test_only_members_in_the_batch_learn() -> None:
    torch.manual_seed(0)
    method = built("unet-deep-ensemble", members={"a": 0, "b": 0, "c": 0})
    images, maps = torch.rand(3, 1, 16, 16), torch.rand(3, 1, 16, 16).round()
    targets = {"foreground": maps, "member": torch.tensor([2, 0, 2])}
    losses = method.losses(images, targets)
    own = [
        method.member(k).losses(images[index], {"foreground": maps[index]})["foreground"]
        for k, index in ((0, [1]), (2, [0, 2]))
    ]
    torch.testing.assert_close(losses["foreground"], own[0] / 3 + 2 * own[1] / 3)
    losses["foreground"].backward()
    learns = [all(p.grad is not None for p in m.parameters()) for m in method.net.members]
    assert learns == [True, False, True]
    assert all(p.grad is None for p in method.net.members[1].parameters())
    with pytest.raises(ValueError, match="the member of each image"):
        method.losses(images, {"foreground": maps})
