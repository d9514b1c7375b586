"""SEU-Net with an overlap head: parts, refusals, what a map changes, and the document."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from cellwright.codecs.likelihood import MAPS
from cellwright.losses.overlap import WEIGHTINGS
from cellwright.synth import simulate_field
from cellwright.types import InputError
from cellwright.zoo.overlap_heads import ENTRIES, seunet_overlap

SMALL = (4, 8, 8)
NAMES = ("cell", "nucleus")
DOCUMENT = Path(__file__).resolve().parents[2] / "docs" / "networks" / "overlap.md"


def batch(method, *, nuclei: bool = False):
    sample = simulate_field(seed=1, shape=(64, 64), overlap=0.5, nuclei=nuclei, diameter=12)
    targets = {k: v[None] for k, v in method.codec.encode(sample.instances).items()}
    image = torch.from_numpy(sample.image.data.astype("float32"))[None, None]
    return image / image.max(), targets


@pytest.mark.parametrize("map_name", [*MAPS, "none"])
@pytest.mark.parametrize("weighting", WEIGHTINGS)
def test_every_map_with_every_weighting(map_name: str, weighting: str) -> None:
    torch.manual_seed(0)
    method = seunet_overlap(widths=SMALL, map=map_name, weighting=weighting)
    images, targets = batch(method)
    assert ("likelihood" in targets) == (map_name != "none" and weighting != "none")
    losses = method.losses(images, targets)
    assert list(losses) == ["cytoplasm", "overlap"]
    sum(losses.values()).backward()
    assert all(p.grad is not None and torch.isfinite(p.grad).all() for p in method.parameters())


def test_weightings_differ_and_maps_differ() -> None:
    def overlap_loss(**options) -> float:
        torch.manual_seed(0)
        method = seunet_overlap(widths=SMALL, **options)
        images, targets = batch(method)
        return method.losses(images, targets)["overlap"].item()

    by_weighting = {overlap_loss(weighting=w) for w in WEIGHTINGS}
    assert len(by_weighting) == len(WEIGHTINGS)
    assert len({overlap_loss(map=m) for m in (*MAPS, "none")}) == 6
    assert overlap_loss(overlap_weight=3.0) == pytest.approx(3 * overlap_loss(), rel=1e-5)
    assert overlap_loss() == overlap_loss(weighting="relaxed")
    assert overlap_loss(weighting="complement", invert=True) == pytest.approx(
        overlap_loss(weighting="map"), rel=1e-5
    )


def test_heads_of_their_own() -> None:
    heads = ("cytoplasm", "nuclei", "border", "background")
    method = seunet_overlap(widths=SMALL, class_names=NAMES, heads=heads, nuclei_weight=0.5)
    images, targets = batch(method, nuclei=True)
    assert list(method.net.decoders) == [*heads, "overlap"]
    assert list(method.losses(images, targets)) == [*heads, "overlap"]
    assert method.predict(images)[0].class_names == NAMES


def test_the_truth_as_prediction_overlaps() -> None:
    method = seunet_overlap(widths=SMALL)
    _, targets = batch(method)
    maps = torch.cat([targets[name][0] for name in method.codec.maps])
    truth = simulate_field(seed=1, shape=(64, 64), overlap=0.5, diameter=12).instances
    assert sorted(method.decode(maps).areas) == sorted(truth.areas)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"map": "v7"}, "v0, v1, v2, v3, v4"),
        ({"weighting": "both"}, "none, target, complement, map"),
        ({"heads": ("nuclei",)}, "cytoplasm"),
        ({"heads": ("cytoplasm", "nuclei")}, "nuclei"),
        ({"alpha": -1}, "alpha"),
        ({"overlap_weight": -1}, "weights"),
        ({"ceiling": 0.05}, "ceiling"),
    ],
)
def test_refusals(options: dict, message: str) -> None:
    with pytest.raises(InputError, match=message):
        seunet_overlap(widths=SMALL, **options)


def test_the_document_states_parameters_and_shapes() -> None:
    text = " ".join(DOCUMENT.read_text(encoding="utf-8").split())

    def count(module: torch.nn.Module) -> str:
        return f"{sum(p.numel() for p in module.parameters()):,}".replace(",", " ")

    with torch.device("meta"):
        wide = seunet_overlap(widths=(64, 128, 256, 512, 1024))
        default, narrow = seunet_overlap(), seunet_overlap(widths=(8, 16, 32, 64))
        features = wide.net.encoder(torch.zeros(1, 1, 512, 512))
        logits = wide.net(torch.zeros(1, 1, 512, 512))
    shapes = [" × ".join(map(str, f.shape[1:])) for f in (features[0], features[-1], logits)]
    net = wide.net
    assert (
        f"| encoder | {shapes[0]} to {shapes[1]} | 1 to {net.stride} | {count(net.encoder)} |"
        in text
    )
    for name, named in (("cytoplasm", "the cytoplasm"), ("overlap", "the overlap")):
        assert f"| decoder of {named} | {shapes[0]} | 1 | {count(net.decoders[name])} |" in text
        assert f"| each head | 1 × 512 × 512 | 1 | {count(net.heads[name])} |" in text
    assert f"| **total** | {shapes[2]} | 1 | {count(wide)} |" in text
    assert f"| 16 to 256 (default) | {count(default)} |" in text
    assert f"| 8 to 64 | {count(narrow)} |" in text


def test_the_entry() -> None:
    (entry,) = ENTRIES
    assert entry.name == "seunet-overlap"
    assert entry.build is seunet_overlap
