"""Images made like those a model learnt: one plane, bright cells, their size; cells come back."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from cellwright.codecs.foreground import ForegroundCodec
from cellwright.evaluate.match import match
from cellwright.geometry import from_label_map
from cellwright.predict import Adapted, Predictor, typical_diameter
from cellwright.types import Image, InputError, Instances
from cellwright.zoo.checkpoint import ModelCard
from cellwright.zoo.method import DenseMethod


class Bright(nn.Module):
    """What is brighter than half of the range is a cell."""

    stride = 1

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return 40 * (x - 0.5)


def predictor(diameter: float | None = 20.0) -> Predictor:
    method = DenseMethod(Bright(), criterion=lambda a, b: {}, codec=ForegroundCodec())
    return Predictor(method.eval(), ModelCard("unet-bce", {}, diameter=diameter))


def discs(radius: int, *, dark: bool = False, size: int = 200) -> tuple[Image, Instances]:
    """Four discs far apart, 100 on 10 or the other way round."""
    labels = np.zeros((size, size), np.int32)
    grid = np.indices(labels.shape)
    for k, (r, c) in enumerate([(50, 50), (50, 150), (150, 50), (150, 150)], 1):
        labels[(grid[0] - r) ** 2 + (grid[1] - c) ** 2 <= radius**2] = k
    values = np.where(labels > 0, 100, 10)
    return Image((110 - values if dark else values).astype(np.uint8), "YX"), from_label_map(labels)


def good(truth: Instances, found: Instances, iou: float = 0.85) -> bool:
    return match(truth, found, (iou,))[0].accuracy == 1


def test_as_it_is() -> None:
    image, truth = discs(10)
    cells, done = Adapted(predictor()).segment_many([image])[0]
    assert good(truth, cells)
    assert done == {}


@pytest.mark.parametrize(("diameter", "radius"), [(40, 20), (10, 5), ("auto", 40), ("auto", 5)])
def test_another_size_comes_back_in_the_pixels_of_the_image(diameter, radius) -> None:
    image, truth = discs(radius)
    cells, done = Adapted(predictor(), diameter=diameter).segment_many([image])[0]
    assert cells.shape == image.shape
    assert good(truth, cells, 0.75)
    assert done["magnified"] == pytest.approx(20 / (2 * radius), rel=0.1)


def test_the_network_sees_the_size_it_learnt() -> None:
    seen = []

    class Looks(Bright):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            seen.append(tuple(x.shape[-2:]))
            return super().forward(x)

    method = DenseMethod(Looks(), criterion=lambda a, b: {}, codec=ForegroundCodec())
    one = Predictor(method.eval(), ModelCard("unet-bce", {}, diameter=20.0))
    Adapted(one, diameter=40).segment(discs(20)[0])
    assert seen == [(100, 100)]


def test_a_frame_that_is_read_piece_by_piece_is_resized_so() -> None:
    image, truth = discs(5)

    class Lazy:
        shape, dtype = image.data.shape, image.data.dtype

        def __getitem__(self, key: object) -> np.ndarray:
            return image.data[key]

    found = Adapted(predictor(), diameter=10).segment(Image(Lazy(), "YX", (0.5, 0.5)))
    assert good(truth, found, 0.75)
    expected = Adapted(predictor(), diameter=10).segment(image)
    np.testing.assert_array_equal(found.boxes, expected.boxes)


def test_auto_leaves_a_near_size_alone() -> None:
    assert Adapted(predictor(), diameter="auto").segment_many([discs(12)[0]])[0][1] == {}


def test_dark_cells() -> None:
    image, truth = discs(10, dark=True)
    for invert in (True, None):
        cells, done = Adapted(predictor(), invert=invert).segment_many([image])[0]
        assert good(truth, cells)
        assert done == {"inverted": True}
    assert not good(truth, Adapted(predictor(), invert=False).segment(image))
    assert Adapted(predictor(), invert=None).segment_many([discs(10)[0]])[0][1] == {}


def test_images_of_two_kinds_keep_their_order() -> None:
    bright, dark = discs(10), discs(8, dark=True)
    found = Adapted(predictor(), invert=None).segment_many([dark[0], bright[0], dark[0]])
    for (cells, _), truth in zip(found, (dark[1], bright[1], dark[1]), strict=True):
        assert good(truth, cells)


def test_channel() -> None:
    image, truth = discs(10)
    blank = np.full_like(image.data, 7)
    two = Image(np.stack([blank, image.data]), "CYX", channels=("actin", "DAPI"))
    one = Adapted(predictor(), one_plane=True)
    one.check(two)
    assert good(truth, one.segment(two))
    assert one.segment_many([two])[0][1] == {"channel": "DAPI"}
    for channel in (1, "dapi"):
        cells, done = Adapted(predictor(), channel=channel).segment_many([two])[0]
        assert good(truth, cells)
        assert done == {"channel": channel}
    with pytest.raises(InputError, match="no channel 'mcherry'"):
        Adapted(predictor(), channel="mcherry").segment(two)
    nameless = Image(two.data, "CYX")
    with pytest.raises(InputError, match="say which with --channel"):
        one.check(nameless)
    with pytest.raises(InputError, match="the model takes 1"):
        Adapted(predictor()).check(nameless)


@pytest.mark.parametrize("diameter", [0, -3, "large"])
def test_diameters_that_cannot_be(diameter) -> None:
    with pytest.raises(InputError, match="pixels"):
        Adapted(predictor(), diameter=diameter)


def test_a_diameter_in_other_units_is_told() -> None:
    with pytest.raises(InputError, match="is the diameter in pixels"):
        Adapted(predictor(), diameter=0.5).segment(discs(10)[0])


def test_a_model_that_does_not_know_its_size() -> None:
    with pytest.raises(InputError, match="leave out --diameter"):
        Adapted(predictor(None), diameter="auto")


def test_typical_diameter() -> None:
    assert typical_diameter(np.array([400, 314, 100, 5, 5, 5])) == pytest.approx(20, rel=0.01)
    assert typical_diameter(np.array([314])) == pytest.approx(20, rel=0.01)
    assert typical_diameter(np.array([], int)) is None
