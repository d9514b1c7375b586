"""Planes side by side in one picture."""

from __future__ import annotations

import numpy as np
import pytest

from cellwright.plate.lazy import Stacked
from cellwright.plate.tiles import split_tiles, tile_windows
from cellwright.types import Image, InputError

PICTURE = np.arange(4 * 15, dtype=np.uint16).reshape(4, 15)


def test_columns_become_planes_from_left_to_right() -> None:
    image = split_tiles(Image(PICTURE, pixel_size=(0.1, 0.1)), columns=5)
    assert (image.axes, image.data.shape, image.pixel_size) == ("ZYX", (5, 4, 3), (0.1, 0.1))
    assert all(np.array_equal(image.data[i], PICTURE[:, 3 * i : 3 * i + 3]) for i in range(5))


def test_rows_come_before_columns_and_tiles_may_be_channels() -> None:
    image = split_tiles(Image(PICTURE), rows=2, columns=3, as_="channel")
    assert (image.axes, image.data.shape) == ("CYX", (6, 2, 5))
    assert np.array_equal(image.data[4], PICTURE[2:, 5:10])
    colour = Image(np.stack([PICTURE, PICTURE + 1]), "CYX", channels=("a", "b"))
    deep = split_tiles(colour, columns=5)
    assert (deep.axes, deep.channels) == ("ZCYX", ("a", "b"))
    assert np.array_equal(deep.data[1, 1], PICTURE[:, 3:6] + 1)


def test_lazy_pixels_stay_lazy() -> None:
    reads = []

    class Lazy:
        shape, dtype = PICTURE.shape, PICTURE.dtype

        def __getitem__(self, key):
            reads.append(key)
            return PICTURE[key]

    image = split_tiles(Image(Lazy()), columns=5)
    assert isinstance(image.data, Stacked)
    assert reads == []
    assert np.array_equal(image.data[2], PICTURE[:, 6:9])
    assert len(reads) == 1


def test_windows() -> None:
    assert tile_windows((4, 6), columns=2) == [(0, 0, 4, 3), (0, 3, 4, 6)]
    one = Image(PICTURE)
    assert split_tiles(one) is one


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: split_tiles(Image(PICTURE), columns=4), "cannot be split into 1"),
        (lambda: split_tiles(Image(PICTURE), columns=0), "at least 1"),
        (lambda: split_tiles(Image(PICTURE), columns=5, as_="t"), "z or channel"),
        (lambda: split_tiles(Image(PICTURE[None], "ZYX"), columns=5), "already"),
    ],
)
def test_wrong_tiles_say_so(call, message: str) -> None:
    with pytest.raises(InputError, match=message):
        call()
