"""Windows cover the frame once and merge gives each cell once."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cellwright.geometry import crop
from cellwright.predict import placed
from cellwright.synth import simulate_field
from cellwright.tiling.maps import MapStore, average_weight
from cellwright.tiling.merge import merge
from cellwright.tiling.plan import plan
from cellwright.types import InputError, Instances

side = st.integers(1, 60)


@settings(max_examples=60, deadline=None)
@given(rows=side, cols=side, tile=st.tuples(side, side), halo=st.integers(0, 9))
def test_cores_cover_once_and_outers_stay_inside(rows, cols, tile, halo) -> None:
    seen = np.zeros((rows, cols), int)
    for window in plan((rows, cols), tile, (halo, halo), multiple=4):
        seen[window.core_slices] += 1
        r0, c0, r1, c1 = window.outer
        assert 0 <= r0 < r1 <= rows
        assert 0 <= c0 < c1 <= cols
        assert r0 % 4 == 0
        assert c0 % 4 == 0
        outer = np.zeros((rows, cols), int)[window.slices]
        assert outer[window.core_in_outer].shape == seen[window.core_slices].shape
    assert (seen == 1).all()


def test_a_tile_of_nothing_is_refused() -> None:
    with pytest.raises(InputError, match="at least 1 pixel"):
        list(plan((4, 4), (0, 4), (0, 0)))


@settings(max_examples=15, deadline=None)
@given(rows=st.integers(5, 60), cols=st.integers(5, 60), halo=st.integers(0, 8))
def test_average_weights_add_up_to_one(rows: int, cols: int, halo: int) -> None:
    windows = list(plan((rows, cols), (16, 12), (halo, halo)))
    total = np.zeros((rows, cols))
    for window in windows:
        total[window.slices] += average_weight(window, windows)
    np.testing.assert_allclose(total, 1, rtol=1e-6)


@pytest.mark.parametrize("limit", [0, 2**30])
def test_map_store_on_disk_and_in_memory(limit: int) -> None:
    with MapStore((2, 20, 30), memory_limit=limit) as store:
        store.write(slice(0, 5), slice(0, 30), np.ones((2, 5, 30)))
        store.add(slice(4, 6), slice(0, 30), np.full((2, 2, 30), 0.5))
        frame = store.read(slice(None), slice(None))
    assert frame.dtype == np.float32
    assert frame[:, 4].min() == 1.5
    assert frame[:, 5].max() == 0.5
    assert frame[:, 6:].max() == 0


def parts(truth: Instances, tile: int, halo: int) -> list:
    found = []
    for window in plan(truth.shape, (tile, tile), (halo, halo)):
        seen = crop(truth, window.outer)
        found.append((window, placed(seen, window.outer[:2], truth.shape)))
    return found


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 9999), tile=st.integers(30, 90), halo=st.integers(24, 40))
def test_merge_gives_back_every_cell_once(seed: int, tile: int, halo: int) -> None:
    truth = simulate_field(seed=seed, shape=(150, 130), cells=14, overlap=0.3, diameter=10)
    whole = merge(parts(truth.instances, tile, halo))
    assert len(whole) == len(truth.instances)
    wanted = sorted(zip(map(tuple, truth.instances.boxes), truth.instances.areas, strict=True))
    got = sorted(zip(map(tuple, whole.boxes), whole.areas, strict=True))
    assert got == wanted


def test_a_cell_larger_than_the_halo_is_put_together() -> None:
    mask = np.ones((10, 100), bool)
    truth = Instances((40, 120), [[15, 10, 25, 110]], (mask,))
    whole = merge(parts(truth, 40, 8))
    assert len(whole) == 1
    assert whole.boxes.tolist() == [[15, 10, 25, 110]]
    assert whole.areas.tolist() == [1000]


def test_cells_of_one_window_that_overlap_both_stay() -> None:
    mask = np.ones((10, 10), bool)
    pair = Instances((40, 40), [[5, 5, 15, 15], [6, 6, 16, 16]], (mask, mask))
    window = next(iter(plan((40, 40), (40, 40), (0, 0))))
    assert len(merge([(window, pair)])) == 2


def test_nothing_found() -> None:
    assert len(merge(parts(Instances.empty((50, 50)), 20, 5))) == 0
