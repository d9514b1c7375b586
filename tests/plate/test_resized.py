"""Frames that are resized window by window."""

import numpy as np
import pytest

from cellwright.plate.resize import resize_image
from cellwright.plate.resized import ResizedView
from cellwright.types import Image


@pytest.mark.parametrize("shape", [(40, 31), (130, 200), (25, 140), (60, 77)])
@pytest.mark.parametrize("kind", [np.uint16, np.float32])
def test_windows_are_those_of_the_whole(shape: tuple[int, int], kind: type) -> None:
    frame = (np.random.default_rng(0).random((2, 60, 77)) * 1000).astype(kind)
    whole = resize_image(Image(frame, "CYX"), shape).data.astype(float)
    view = ResizedView(frame, shape)
    assert view.shape == whole.shape
    assert view.dtype == kind
    # Halves may be rounded either way.
    atol = 1 if kind is np.uint16 else 1e-3
    np.testing.assert_allclose(np.asarray(view), whole, atol=atol)
    np.testing.assert_allclose(view[..., 7:20, 3:23], whole[:, 7:20, 3:23], atol=atol)
    np.testing.assert_allclose(view[1, ::3, 5:], whole[1, ::3, 5:], atol=atol)
    assert view[..., 4:4, :].shape == (2, 0, shape[1])


def test_only_what_a_window_shows_is_read() -> None:
    class Watched:
        def __init__(self) -> None:
            self.frame, self.largest = np.zeros((500, 400), np.uint8), 0
            self.shape, self.dtype = self.frame.shape, self.frame.dtype

        def __getitem__(self, key: tuple) -> np.ndarray:
            part = self.frame[key]
            self.largest = max(self.largest, part.size)
            return part

    for shape in [(1000, 800), (125, 100)]:
        source = Watched()
        ResizedView(source, shape)[10:40, 10:40]
        assert 0 < source.largest < 150 * 150
