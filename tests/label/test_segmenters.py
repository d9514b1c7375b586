"""The registry and what it builds."""

from __future__ import annotations

import numpy as np
import pytest

from cellwright.label.plane import pick_channel, pick_plane
from cellwright.label.segmenters import SEGMENTERS, WatershedSegmenter, segmenter
from cellwright.synth import simulate_field
from cellwright.types import Image, InputError, Segmenter

#: what a threshold without any splitting has to reach where others reach 0.8
PLAIN = {"otsu": 0.3, "local-threshold": 0.7}


@pytest.mark.parametrize(
    "entry", [e for e in SEGMENTERS if not e.needs_download], ids=lambda entry: entry.name
)
def test_every_segmenter_finds_simulated_nuclei(entry) -> None:
    from cellwright.evaluate.match import match

    field = simulate_field(3, shape=(160, 160), overlap=0.0)
    worker = segmenter(entry.name)
    assert isinstance(worker, Segmenter)
    found = worker.segment(field.image)
    assert found.shape == (160, 160)
    assert ((found.scores >= 0) & (found.scores <= 1)).all()
    least = PLAIN.get(entry.name, 0.8)
    assert match(field.instances, found, [0.5])[0].accuracy > least


def test_the_same_image_gives_the_same_cells() -> None:
    image = simulate_field(4, shape=(96, 96)).image
    first, second = (segmenter().segment(image) for _ in range(2))
    assert (first.boxes == second.boxes).all()
    assert (first.scores == second.scores).all()


def test_inverted_contrast_gives_the_same_cells() -> None:
    image = simulate_field(5, shape=(160, 160), overlap=0.0).image
    plane = image.stack()[0].astype(np.float32)
    bright, _ = WatershedSegmenter(foreground="bright").label_map(Image(plane))
    dark, _ = WatershedSegmenter(foreground="dark").label_map(Image(plane.max() - plane))
    assert bright.max() > 0
    assert ((bright > 0) == (dark > 0)).mean() > 0.995


def test_unknown_names_and_options_are_named() -> None:
    with pytest.raises(InputError, match="no segmenter 'sam2'.*watershed"):
        segmenter("sam2")
    with pytest.raises(InputError, match="watershed.*colour"):
        segmenter("watershed", colour="blue")
    with pytest.raises(InputError, match="foreground 'lit'.*texture"):
        segmenter("watershed", foreground="lit")


@pytest.mark.parametrize("shape", [(1, 1), (3, 200), (64, 64)])
def test_empty_and_small_images(shape: tuple[int, int]) -> None:
    for kind in ("bright", "dark", "texture", "auto"):
        found = segmenter(foreground=kind).segment(Image(np.zeros(shape, np.uint8)))
        assert found.shape == shape
        assert len(found) == 0


def test_channels_are_picked_by_name() -> None:
    data = np.zeros((3, 4, 4), np.uint8)
    data[1] = 7
    image = Image(data, "CYX", channels=("actin", "DAPI", "tubulin"))
    assert pick_channel(image) == 1
    assert pick_channel(image, "Tubulin") == 2
    assert pick_channel(image, -1) == 2
    assert (pick_plane(image) == 7).all()
    photo = Image(data, "CYX", channels=("red", "green", "blue"))
    assert pick_channel(photo) is None
    assert pick_plane(photo) == pytest.approx(7 / 3)
    with pytest.raises(InputError, match="no channel 'gfp'.*actin"):
        pick_channel(image, "gfp")
    with pytest.raises(InputError, match="no channel 3"):
        pick_channel(image, 3)


def test_planes_of_a_stack() -> None:
    rng = np.random.default_rng(0)
    stack = np.zeros((3, 20, 20), np.uint16)
    stack[1] = rng.integers(0, 50, (20, 20))
    stack[2] = 60
    image = Image(stack, "ZYX")
    assert (pick_plane(image) == stack.max(axis=0)).all()
    assert (pick_plane(image, sharpest=True) == stack[1]).all()
    with pytest.raises(InputError, match="3 time points"):
        pick_plane(Image(stack, "TYX"))


def test_real_nuclei(data_dir) -> None:
    import json

    from cellwright.evaluate.match import MatchCounts, match
    from cellwright.formats import read_image, read_instances

    folder = data_dir / "dsb2018"
    if not folder.is_dir():
        pytest.skip("dsb2018 is not there")
    index = json.loads((folder / "index.json").read_text(encoding="utf-8"))
    names = [e["id"] for e in index if e["split"] == "train" and e["kind"] == "fluorescence"]
    total, worker = MatchCounts(), segmenter()
    for name in names[:60:5]:
        found = worker.segment(read_image(folder / "train" / "images" / f"{name}.png"))
        truth = read_instances(folder / "train" / "labels" / f"{name}.tif")
        total = total + match(truth, found, [0.5])[0]
    assert total.accuracy > 0.7
