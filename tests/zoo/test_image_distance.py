"""FID of sets of images with the features of the shipped model."""

from __future__ import annotations

import doctest
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
import torch
from scipy.ndimage import gaussian_filter

from cellwright.geometry import depth
from cellwright.nets import patch_gan
from cellwright.train.translation import fit
from cellwright.types import Image, InputError
from cellwright.zoo import image_distance
from cellwright.zoo.feature_networks import feature_network
from cellwright.zoo.image_distance import crop_features, fid, plane_bounds


@pytest.mark.parametrize(
    "module", [image_distance, patch_gan, fit, depth], ids=lambda m: m.__name__.rpartition(".")[2]
)
def test_examples(module: ModuleType) -> None:
    failed, tried = doctest.testmod(module)
    assert (failed, tried > 0) == (0, True)


def noise(seed: int, count: int, planes: int = 1, size: int = 128) -> list[Image]:
    rng = np.random.default_rng(seed)
    axes = "ZYX" if planes > 1 else "YX"
    shape = (planes, size, size) if planes > 1 else (size, size)
    return [Image(rng.normal(100, 10, shape).astype(np.float32), axes) for _ in range(count)]


def test_equal_sets_are_0_apart_and_blur_is_far() -> None:
    one = noise(0, 3)
    same = fid(one, one)
    assert same == {
        "fid": pytest.approx(0, abs=1e-5), "features": "cells", "crop": 64, "crops": (12, 12)
    }  # fmt: skip
    other = noise(1, 3)
    blurred = [Image(gaussian_filter(i.data, 1.0)) for i in other]
    assert fid(one, other)["fid"] < 0.2 * fid(one, blurred)["fid"]


def test_brightness_counts_and_both_sets_are_seen_alike() -> None:
    one, other = noise(0, 3), noise(1, 3)
    brighter = [Image(i.data + 20) for i in other]
    assert fid(one, brighter)["fid"] > 1.5 * fid(one, other)["fid"]
    scaled = [[Image(i.data * 7 + 3) for i in s] for s in (one, other)]
    assert fid(*scaled)["fid"] == pytest.approx(fid(one, other)["fid"], rel=1e-2)


def test_every_plane_is_cut_into_crops() -> None:
    network = feature_network("cells")
    images = noise(2, 2, planes=2, size=100)
    found = crop_features(images, network, bounds=plane_bounds(images), crop=48)
    assert found.shape == (2 * 2 * 4, network.size) == (16, 328)
    torch.manual_seed(0)
    again = crop_features(images, network, bounds=plane_bounds(images), crop=48)
    assert np.array_equal(found, again)


def test_what_cannot_be_compared() -> None:
    with pytest.raises(InputError, match="1 and 2 planes"):
        fid(noise(0, 1), noise(0, 1, planes=2))
    with pytest.raises(InputError, match="0 and 0 samples"):
        fid(noise(0, 1, size=40), noise(1, 1, size=40))
    with pytest.raises(InputError, match="no images"):
        fid([], noise(0, 1))
    with pytest.raises(InputError, match="32 at least"):
        fid(noise(0, 1), noise(0, 1), crop=16)
    with pytest.raises(InputError, match="no features 'vgg'; known are cells, inception-v3"):
        fid(noise(0, 1), noise(1, 1), features="vgg")


def test_inception_is_asked_for_never_fetched(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CELLWRIGHT_CACHE", str(tmp_path))
    with pytest.raises(
        InputError, match=r"inception_v3_google-0cc3c7bd\.pth into .*features cells"
    ):
        feature_network("inception-v3")
    file = tmp_path / "models" / "inception-v3" / "inception_v3_google-0cc3c7bd.pth"
    file.parent.mkdir(parents=True)
    file.write_bytes(b"other")
    with pytest.raises(InputError, match="hash"):
        feature_network("inception-v3")
