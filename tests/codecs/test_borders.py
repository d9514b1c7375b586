"""The borders codec: where cells touch, and how a border parts them."""

import numpy as np
import torch

from cellwright.codecs.borders import BordersCodec, touching_borders
from cellwright.geometry import from_label_map, to_label_map


def two(gap: int) -> np.ndarray:
    labels = np.zeros((12, 30), np.int32)
    labels[3:9, 2:12] = 1
    labels[3:9, 12 + gap : 22 + gap] = 2
    return labels


def test_cells_that_touch_have_a_border() -> None:
    border = touching_borders(from_label_map(two(0)))[0]
    assert border[3:9, 11:13].all()
    assert border[:, :10].sum() == border[:, 14:].sum() == 0


def test_cells_far_apart_have_none() -> None:
    assert touching_borders(from_label_map(two(3))).sum() == 0
    assert touching_borders(from_label_map(two(2))).sum() == 0


def test_the_border_at_the_frame_and_of_many_cells() -> None:
    labels = np.arange(1, 10).reshape(3, 3).repeat(4, 0).repeat(4, 1)
    border = touching_borders(from_label_map(labels))[0]
    assert border[3:5].all()
    assert border[:, 7:9].all()
    assert not border[0, 0]


def test_no_cells() -> None:
    encoded = BordersCodec().encode(from_label_map(np.zeros((5, 6), int)))
    assert list(encoded) == ["foreground", "distance", "border"]
    for value in encoded.values():
        assert value.shape == (1, 5, 6)
        assert not value.any()


def test_a_border_parts_what_the_distance_joins() -> None:
    distance = np.full((12, 30), 0.8, np.float32)
    inside = two(0) > 0
    border = np.zeros_like(distance)
    border[:, 11:13] = 1
    maps = {
        "foreground": torch.from_numpy(inside[None].astype(np.float32)),
        "distance": torch.from_numpy((distance * inside)[None]),
        "border": torch.from_numpy(border[None]),
    }
    assert len(BordersCodec(border=0.0).decode(maps)) == 1
    found = BordersCodec(border=0.5).decode(maps)
    assert len(found) == 2
    assert (to_label_map(found) > 0)[3:9, 2:22].all()
