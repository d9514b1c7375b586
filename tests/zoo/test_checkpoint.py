"""Model folders: what is damaged, foreign or newer is refused with a line that says so."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch

from cellwright.device import resolve
from cellwright.types import InputError
from cellwright.zoo.builders import METHODS, build, entry
from cellwright.zoo.checkpoint import ModelCard, load_model, save_model
from cellwright.zoo.method import pad_to_multiple, with_thresholds

ARGUMENTS = {"inputs": 1, "class_names": ["cell"], "widths": [4, 8]}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    card = ModelCard(
        "unet-distance", ARGUMENTS, thresholds={"prominence": 0.4}, pixel_size=(0.5, 0.5)
    )
    save_model(build("unet-distance", **ARGUMENTS), card, tmp_path)
    return tmp_path


def edit(folder: Path, **changes: object) -> None:
    path = folder / "model.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))


def test_the_card_says_what_the_model_is(folder: Path) -> None:
    record = json.loads((folder / "model.json").read_text())
    assert record["schema_version"] == 1
    assert record["builder"] == "unet-distance"
    assert record["parameters"] == sum(
        p.numel() for p in build("unet-distance", **ARGUMENTS).parameters()
    )
    assert load_model(folder)[1].pixel_size == (0.5, 0.5)


def test_a_newer_version_is_refused(folder: Path) -> None:
    edit(folder, schema_version=99)
    with pytest.raises(InputError, match="version 99"):
        load_model(folder)


def test_damaged_weights_are_refused(folder: Path) -> None:
    path = folder / "model.safetensors"
    blob = bytearray(path.read_bytes())
    blob[-1] ^= 1
    path.write_bytes(bytes(blob))
    with pytest.raises(InputError, match="hash"):
        load_model(folder)


def test_weights_of_another_network_are_refused(folder: Path) -> None:
    edit(folder, arguments={**ARGUMENTS, "widths": [4, 8, 8]})
    with pytest.raises(InputError, match="do not fit"):
        load_model(folder)


@pytest.mark.parametrize("text", ["", "{", "\x00", "[]", '{"schema_version": 1}'])
def test_a_damaged_card_is_refused(folder: Path, text: str) -> None:
    (folder / "model.json").write_text(text)
    with pytest.raises(InputError, match="model.json"):
        load_model(folder)


def test_no_model_folder(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="not a model folder"):
        load_model(tmp_path / "nothing")


def test_missing_weights(folder: Path) -> None:
    (folder / "model.safetensors").unlink()
    with pytest.raises(InputError, match="copy the whole model folder"):
        load_model(folder)


def test_an_unknown_method_lists_the_known() -> None:
    with pytest.raises(InputError, match=METHODS[0].name):
        entry("u-net")


def test_an_unknown_threshold_lists_the_known() -> None:
    with pytest.raises(InputError, match="min_area"):
        with_thresholds(build("unet-distance", **ARGUMENTS), {"prob": 0.5})


@pytest.mark.parametrize("device", ["gpu", "cuda:x", "cuda:99"])
def test_devices_that_are_not_there(device: str) -> None:
    with pytest.raises(InputError, match="device"):
        resolve(device)


@pytest.mark.parametrize("shape", [(1, 1), (3, 40), (16, 16), (17, 31)])
def test_padding_keeps_the_image_and_gives_multiples(shape: tuple[int, int]) -> None:
    image = torch.rand(1, 2, *shape)
    padded = pad_to_multiple(image, 16)
    assert padded.shape[-2] % 16 == 0
    assert padded.shape[-1] % 16 == 0
    assert torch.equal(padded[..., : shape[0], : shape[1]], image)


def test_squeeze_and_excitation_scales_channels() -> None:
    from cellwright.nets.blocks import SqueezeExcitation

    block = SqueezeExcitation(8, reduction=2)
    x = torch.rand(2, 8, 5, 7)
    factor = block(x) / x
    torch.testing.assert_close(factor, factor[..., :1, :1].expand_as(factor))
    assert factor.min() > 0
    assert factor.max() < 1


def test_parameter_counts_of_the_networks() -> None:
    """Counted by hand for widths (4, 8), one input, two outputs."""
    from cellwright.nets.se_unet import se_unet
    from cellwright.nets.unet import UNet

    def conv(a: int, b: int) -> int:
        return 9 * a * b + 2 * b

    down = conv(1, 4) + conv(4, 4) + conv(4, 8) + conv(8, 8)
    up = conv(8, 4) + conv(8, 4) + conv(4, 4)
    plain = down + up + 4 * 2 + 2
    count = sum(p.numel() for p in UNet(1, 2, widths=(4, 8)).parameters())
    assert count == plain
    squeeze = 2 * (4 * 4 + 4 + 4 * 4 + 4) + (8 * 4 + 4 + 4 * 8 + 8)
    assert sum(p.numel() for p in se_unet(1, 2, widths=(4, 8)).parameters()) == plain + squeeze
