from __future__ import annotations

import numpy as np
import pytest

from cellwright.synth import Microscope
from cellwright.synth.backdrop import simulate_on, structures
from cellwright.types import Image, InputError

FINE = Microscope(pixel_size=0.5)


def trap(planes: int = 3) -> Image:
    """An even field with a pillar in its upper half."""
    stack = np.full((planes, 90, 80), 2000, np.uint16)
    stack[:, 5:35, 10:70] = 5000
    return Image(stack, "ZYX", tags={"trap": "a"})


def test_cells_stand_beside_the_pillar_and_change_the_picture_there_only():
    sample = simulate_on(trap(), 1, cells=8, diameter=8, microscope=FINE)
    cells = sample.instances
    assert len(cells) > 0
    pillar = np.zeros((90, 80), bool)
    pillar[5:35, 10:70] = True
    for box, mask in zip(cells.boxes, cells.masks, strict=True):
        under = mask & pillar[box[0] : box[2], box[1] : box[3]]
        assert under.sum() <= 0.05 * mask.sum()
    assert (sample.image.axes, sample.image.data.dtype) == ("ZYX", np.uint16)
    assert abs(float(np.median(sample.image.data[:, 10:30, 20:60])) - 5000) < 300
    assert sample.image.tags["trap"] == "a"


def test_contrast_turns_with_the_heights():
    above, below = (
        simulate_on(trap(1), 1, cells=8, diameter=8, heights=[h], microscope=FINE).image.data
        for h in (6.0, -6.0)
    )
    change = (above.astype(float) - 2000).ravel(), (below.astype(float) - 2000).ravel()
    outside = np.ones((1, 90, 80), bool)
    outside[:, :40] = False
    assert np.corrcoef(change[0][outside.ravel()], change[1][outside.ravel()])[0, 1] < 0


def test_what_a_ring_encloses_is_a_structure():
    light = np.ones((1, 40, 40))
    light[:, 10:30, 10:30] = 2.0
    light[:, 14:26, 14:26] = 1.0
    assert structures(light)[20, 20]
    assert not structures(np.ones((1, 8, 8))).any()


@pytest.mark.parametrize(
    ("image", "heights", "message"),
    [
        (Image(np.zeros((40, 40), np.uint16)), None, "dark"),
        (trap(), [1.0], "1 heights came for 3 planes"),
    ],
)
def test_bad_backdrops_get_one_clear_line(image, heights, message):
    with pytest.raises(InputError, match=message):
        simulate_on(image, heights=heights, microscope=FINE)
