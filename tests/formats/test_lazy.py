"""Lazy views show what numpy would, and read no more."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from cellwright.formats.axes import arrange
from cellwright.formats.lazy import LazyView


class Disk:
    """An array that is not a numpy array and counts what is read."""

    def __init__(self, data: np.ndarray) -> None:
        self.data, self.shape, self.dtype, self.read = data, data.shape, data.dtype, 0

    def __getitem__(self, key: object) -> np.ndarray:
        part = np.asarray(self.data[key])  # type: ignore[index]
        self.read += part.size
        return part


@given(data=st.data(), order=st.permutations(range(4)))
@settings(max_examples=60, deadline=None)
def test_any_index_of_any_order(data: st.DataObject, order: list[int]) -> None:
    values = np.arange(2 * 3 * 5 * 4).reshape(2, 3, 5, 4)
    shown = values.transpose(order)
    view = LazyView(Disk(values), tuple(order))
    assert view.shape == shown.shape
    key = data.draw(hnp.basic_indices(shown.shape, allow_newaxis=False))
    steps = [k for k in (key if isinstance(key, tuple) else (key,)) if isinstance(k, slice)]
    if any((k.step or 1) < 0 for k in steps):
        with pytest.raises(IndexError):
            view[key]
    else:
        assert np.array_equal(view[key], shown[key])


def test_lazy_and_loaded_arrays_are_arranged_alike() -> None:
    values = np.random.default_rng(0).integers(0, 99, (1, 6, 5, 4)).astype(np.uint8)
    for found in ("TYXS", "CXYZ", "ZYXT", "YXTC"):
        disk = Disk(values)
        lazy, axes, names = arrange(disk, found)
        loaded, same_axes, same_names = arrange(values, found)
        assert (axes, names) == (same_axes, same_names)
        assert np.array_equal(np.asarray(lazy), loaded)
        disk.read = 0
        assert np.array_equal(lazy[..., :1, 2:3], loaded[..., :1, 2:3])
        assert disk.read <= 6 * 4
