"""Channels by name or number."""

from __future__ import annotations

import numpy as np
import pytest

from cellwright.types import Image, InputError
from cellwright.zoo.channels import chosen

DATA = np.arange(2 * 3 * 4 * 5).reshape(2, 3, 4, 5)
STACK = Image(DATA, "ZCYX", (0.5, 0.5), ("a", "b", "c"), {"field": 1})


def test_names_numbers_and_order() -> None:
    both = chosen(STACK, ("c", "0"))
    assert (both.axes, both.channels, both.pixel_size) == ("ZCYX", ("c", "a"), (0.5, 0.5))
    assert np.array_equal(both.data, DATA[:, [2, 0]])


def test_one_channel_loses_its_axis() -> None:
    one = chosen(STACK, ("b",))
    assert (one.axes, one.channels, one.tags) == ("ZYX", ("b",), {"field": 1})
    assert np.array_equal(one.data, DATA[:, 1])


def test_all_and_an_image_without_channels() -> None:
    assert chosen(STACK, ("all",)) is STACK
    plane = Image(DATA[0, 0])
    assert np.array_equal(chosen(plane, ("0",)).data, plane.data)


def test_what_is_not_there_is_named() -> None:
    with pytest.raises(InputError, match=r"no channel 'DAPI'; the image has a, b, c"):
        chosen(STACK, ("DAPI",))
    with pytest.raises(InputError, match="no channel '3'"):
        chosen(STACK, ("3",))
    with pytest.raises(InputError, match="time points"):
        chosen(Image(DATA, "TCYX", channels=("a", "b", "c")), ("a",))
