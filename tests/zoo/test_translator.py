"""Folders of translators: written whole, refused where damaged, foreign or newer."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch

from cellwright.types import InputError
from cellwright.zoo.translator import (
    TRANSLATORS,
    Autoencoder,
    TranslatorCard,
    load_network,
    read_translator_card,
    save_translator,
)


def card(how: str = "pix2pix") -> TranslatorCard:
    return TranslatorCard(
        how, ("phase",), ("a", "b"), ((0.0, 9.5),), ((0.0, 1.0), (2.0, 3.0)), widths=(4, 8, 8),
        axes="CYX", leading=(2,), crop=(32, 32), pixel_size=(0.5, 0.5), scores={"fid": 1.5},
    )  # fmt: skip


@pytest.mark.parametrize("how", TRANSLATORS)
def test_what_is_written_is_read(how: str, tmp_path: Path) -> None:
    net = card(how).build().eval()
    save_translator(net, card(how), tmp_path)
    loaded, read = load_network(tmp_path)
    assert read == card(how)
    assert not loaded.training
    x = torch.rand(1, 1, 32, 32)
    kept = [torch.ones(1, *s) for s in net.noise_shapes(32, 32)]
    assert torch.equal(loaded(x, kept), net(x, kept))
    assert {p.name for p in tmp_path.iterdir()} == {"translator.safetensors", "translator.json"}


def test_the_autoencoder_ends_in_minus_one_to_one() -> None:
    net = Autoencoder(2, 1, widths=(4, 8)).eval()
    x = torch.rand(1, 2, 8, 8)
    assert torch.allclose(net(x), 2 * torch.sigmoid(net.logits(x)) - 1)
    assert (net.stride, net.noise_shapes(8, 8)) == (2, [])


def test_what_is_no_translator_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"no translator\.json.*learn-translation"):
        load_network(tmp_path)
    save_translator(card().build(), card(), tmp_path)
    weights, path = tmp_path / "translator.safetensors", tmp_path / "translator.json"
    good, blob = path.read_text(), bytearray(weights.read_bytes())

    def edited(**changes: object) -> None:
        path.write_text(json.dumps({**json.loads(good), **changes}))

    edited(schema_version=99)
    with pytest.raises(InputError, match="version 99"):
        load_network(tmp_path)
    edited(colour="blue")
    with pytest.raises(InputError, match="not a usable card"):
        read_translator_card(tmp_path)
    edited(widths=[4, 8, 16])
    with pytest.raises(InputError, match="do not fit"):
        load_network(tmp_path)
    edited(how="cyclegan")
    with pytest.raises(InputError, match="no translator 'cyclegan'; known are"):
        load_network(tmp_path)
    path.write_text("{")
    with pytest.raises(InputError, match="not a usable card"):
        load_network(tmp_path)
    path.write_text(good)
    blob[-1] ^= 1
    weights.write_bytes(bytes(blob))
    with pytest.raises(InputError, match="hash"):
        load_network(tmp_path)
    weights.unlink()
    with pytest.raises(InputError, match="copy the whole folder"):
        load_network(tmp_path)
