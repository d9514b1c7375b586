"""Translation of frames: no seams, the same noise for the same seed, ranges, channels."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from cellwright.synth.translate import Translator, load_translator
from cellwright.types import Image, InputError
from cellwright.zoo.translator import TranslatorCard, save_translator

CARD = TranslatorCard(
    "pix2pix", ("phase",), ("bright",), ((0.0, 1000.0),), ((100.0, 60100.0),),
    widths=(4, 8, 8, 8), crop=(64, 64),
)  # fmt: skip


def frame(rows: int, columns: int, seed: int = 0, **facts: object) -> Image:
    data = np.random.default_rng(seed).integers(0, 1000, (rows, columns)).astype(np.uint16)
    return Image(data, **facts)


def lively(card: TranslatorCard) -> Translator:
    """A translator whose outputs differ from place to place, with statistics as after training."""
    torch.manual_seed(0)
    net = card.build()
    for module in net.modules():
        if isinstance(module, nn.Conv2d | nn.ConvTranspose2d):
            module.weight.data *= 8
        if isinstance(module, nn.BatchNorm2d):
            module.momentum = None
    for _ in range(4):
        net(torch.rand(4, len(card.source_range), *card.crop) * 2 - 1)
    return Translator(net.eval(), card)


@pytest.fixture(scope="module")
def translator() -> Translator:
    return lively(CARD)


@pytest.mark.parametrize("shape", [(1, 1), (64, 64), (50, 70), (161, 97), (97, 200)])
def test_any_size(translator: Translator, shape: tuple[int, int]) -> None:
    image = frame(*shape, pixel_size=(0.5, 0.5), tags={"field": 3, "modality": "phase"})
    made = translator.apply(image, 1)
    assert (made.data.shape, made.data.dtype, made.axes) == (shape, np.uint16, "YX")
    assert (made.channels, made.pixel_size, made.tags) == (("bright",), (0.5, 0.5), {"field": 3})
    assert made.data.min() >= 100
    assert made.data.max() <= 60100


def test_the_seed_is_the_noise(translator: Translator) -> None:
    image = frame(100, 100)
    one = translator.apply(image, 1).data
    assert np.array_equal(translator.apply(image, 1).data, one)
    assert not np.array_equal(translator.apply(image, 2).data, one)
    torch.manual_seed(5)
    torch.rand(3)
    assert np.array_equal(translator.apply(image, 1).data, one)


def block_steps(made: np.ndarray) -> np.ndarray:
    """Steps between the means of neighbouring blocks of 16 columns."""
    return np.abs(np.diff(made.astype(float).mean(axis=0).reshape(-1, 16).mean(axis=1)))


def test_no_seam_where_tiles_begin_and_end(translator: Translator) -> None:
    # A frame of one value, made by a network without noise: every step would be a seam.
    net = CARD.build()
    net.load_state_dict(translator.net.state_dict())
    net.dropout, net.dropped = 0.0, 0
    made = Translator(net.eval(), CARD).apply(Image(np.full((64, 384), 700, np.uint16))).data
    with torch.no_grad():
        tile = ((net(torch.full((1, 1, 64, 64), 0.4))[0, 0].numpy() + 1) / 2 * 60000 + 100).round()
    beside = block_steps(np.concatenate([tile] * 6, axis=1))[4:-4]
    assert beside.max() > 50
    assert block_steps(made)[4:-4].max() < beside.max() / 2


def test_tiles_agree_with_the_whole_where_the_network_sees_little(translator: Translator) -> None:
    # Two levels see 22 pixels: tiles differ from the whole by their padding alone, which has
    # next to no weight; noise drawn per tile instead of per frame would be off by far more.
    card = replace(CARD, widths=(4, 8), crop=(128, 128))
    near = lively(card)
    image = frame(256, 320)
    whole = near.apply(image, 3, tile=(256, 512)).data.astype(float)
    tiled = near.apply(image, 3).data.astype(float)
    spread = whole.std()
    inner = np.abs(whole - tiled)[16:-16, 16:-16]
    assert spread > 100
    assert inner.mean() < 0.03 * spread
    other = near.apply(image, 4).data.astype(float)
    assert np.abs(whole - other).mean() > 0.2 * spread


def test_noise_of_the_frame_is_shared_by_tiles(translator: Translator) -> None:
    whole = translator._noise((128, 192), 7)
    assert [tuple(n.shape) for n in whole] == translator.net.noise_shapes(128, 192)
    assert all(0.3 < n.float().mean() < 0.7 for n in whole)
    small = translator._noise((64, 96), 7)
    assert all(torch.equal(a[:, : b.shape[1], : b.shape[2]], b)
               for a, b in zip(whole, small, strict=True))  # fmt: skip


def test_bands_of_rows_are_the_frame(translator: Translator) -> None:
    image = frame(200, 64)
    tall = translator.apply(image, 1).data
    wide = lively(CARD).apply(Image(image.data[:64].copy()), 1).data
    assert np.array_equal(tall[:16] > 0, wide[:16] > 0)
    rows = [r for r, _ in translator._bands(image, (64, 64), 0)]
    assert rows[0].start == 0
    assert rows[-1].stop == 200
    assert all(a.stop == b.start for a, b in pairwise(rows))


def test_strips_are_the_mirrored_frame(translator: Translator) -> None:
    image = frame(20, 30)
    whole = np.pad(image.data, [(0, 108), (0, 98)], mode="symmetric") / 500.0 - 1
    for first, count in ((0, 128), (32, 64), (64, 64)):
        strip = translator._strip(image, (first, count), 128)
        np.testing.assert_allclose(strip[0], whole[first : first + count], atol=1e-5)


def test_hot_pixels_are_cut(translator: Translator) -> None:
    image = frame(64, 64)
    hot, hotter = image.data.copy(), image.data.copy()
    hot[10, 10], hotter[10, 10] = 20000, 65535
    made = [translator.apply(Image(d), 1).data for d in (hot, hotter)]
    assert np.array_equal(*made)


def test_channels_by_name_or_alone(translator: Translator) -> None:
    plane = frame(64, 64)
    both = Image(np.stack([plane.data + 5, plane.data]), "CYX", channels=("DAPI", "phase"))
    assert np.array_equal(translator.apply(both, 1).data, translator.apply(plane, 1).data)
    with pytest.raises(InputError, match=r"2 planes .*DAPI, gfp.*takes 1: phase"):
        translator.apply(Image(both.data, "CYX", channels=("DAPI", "gfp")), 1)
    with pytest.raises(InputError, match="without names.*takes 1: phase"):
        translator.apply(Image(both.data, "CYX"), 1)
    with pytest.raises(InputError, match="takes 1: phase"):
        translator.apply(Image(plane.data, channels=("DAPI",)), 1)


def test_a_tile_that_cannot_be_halved(translator: Translator) -> None:
    for tile in ((60, 64), (8, 8)):
        with pytest.raises(InputError, match="multiples of 16 are wanted"):
            translator.apply(frame(64, 64), tile=tile)


def test_a_negative_seed(translator: Translator) -> None:
    with pytest.raises(InputError, match="seed -1 came"):
        translator.apply(frame(64, 64), -1)


def test_several_planes_and_the_autoencoder(tmp_path: Path) -> None:
    card = TranslatorCard(
        "autoencoder", ("masks",), ("a", "b"), ((0.0, 2.0),) * 2, ((0.0, 1.0), (5.0, 9.0)),
        widths=(4, 8), dtype="float32", axes="ZCYX", leading=(1, 2), crop=(32, 32),
    )  # fmt: skip
    save_translator(card.build(), card, tmp_path)
    made = load_translator(tmp_path, "cpu").apply(Image(np.ones((2, 40, 50), np.uint8), "CYX"))
    assert (made.data.shape, made.data.dtype, made.axes) == ((1, 2, 40, 50), np.float32, "ZCYX")
    assert made.channels == ("a", "b")
    assert 5 <= made.data[0, 1].min() <= made.data[0, 1].max() <= 9
    with pytest.raises(InputError, match="no device"):
        load_translator(tmp_path, "tpu")
