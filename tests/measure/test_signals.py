"""Signals to nuclei: shared borders, split signals, counts, and a whole simulated frame."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cellwright.geometry import from_label_map
from cellwright.measure.signals import count_signals
from cellwright.measure.spot_nuclei import depths, joined, owners
from cellwright.synth.fish import FishStain, simulate_fish
from cellwright.types import InputError, Instances


def halves():
    """Two nuclei side by side that share a border at column 20."""
    labels = np.zeros((40, 44), int)
    labels[4:36, 4:20] = 1
    labels[4:36, 20:40] = 2
    return from_label_map(labels)


def test_depth_is_signed() -> None:
    spot, nucleus, depth = depths(np.array([[20.0, 4.0], [20.0, 2.0]]), halves(), reach=2.0)
    assert spot.tolist() == [0, 1]
    assert nucleus.tolist() == [0, 0]
    assert depth.tolist() == [0.5, -1.5]


def test_spots_go_to_the_nucleus_that_holds_them_and_none_far_away() -> None:
    places = np.array([[20.0, 10.0], [20.0, 30.0], [20.0, 41.0], [1.0, 1.0]])
    owner, shared = owners(places, np.zeros(4, int), np.ones(4), halves())
    assert owner.tolist() == [0, 1, 1, -1]
    assert not shared.any()


def test_at_a_shared_border_brightness_decides_only_what_place_leaves_open() -> None:
    # Nucleus 0 has bright signals, nucleus 1 dim ones; the spot at the border is bright.
    places = np.array([[10.0, 8.0], [10.0, 32.0], [20.0, 20.0], [30.0, 23.0]])
    light = np.array([100.0, 10.0, 100.0, 10.0])
    owner, shared = owners(places, np.zeros(4, int), light, halves())
    assert shared.tolist() == [False, False, True, False]
    assert owner.tolist() == [0, 1, 0, 1]
    owner, _ = owners(places, np.zeros(4, int), np.array([10.0, 100, 100, 100]), halves())
    assert owner[2] == 1


def test_nothing_is_no_error() -> None:
    owner, _ = owners(np.zeros((0, 2)), np.zeros(0, int), np.zeros(0), halves())
    assert len(owner) == 0
    owner, _ = owners(np.zeros((3, 2)), np.zeros(3, int), np.ones(3), Instances.empty((40, 44)))
    assert owner.tolist() == [-1, -1, -1]
    assert joined(np.zeros((0, 2)), np.zeros(0, int), np.zeros(0), 3.0)[0].size == 0


def test_halves_are_one_signal_and_a_chain_is_not() -> None:
    places = np.array([[0.0, 0], [0, 2], [0, 4], [0, 6], [9, 9]])
    keep, parts = joined(places, np.zeros(5, int), np.array([1.0, 9, 1, 5, 1]), 2.5)
    assert keep.tolist() == [1, 3, 4]
    assert parts.tolist() == [3, 1, 1]
    keep, _ = joined(places, np.arange(5), np.ones(5), 100.0)
    assert len(keep) == 5


def test_merging_distance_is_in_the_unit_of_the_pixel() -> None:
    places, light = np.array([[0.0, 0], [0, 5]]), np.array([2.0, 1.0])
    assert len(joined(places, np.zeros(2, int), light, 0.7, (0.1, 0.1))[0]) == 1
    assert len(joined(places, np.zeros(2, int), light, 0.7, (0.2, 0.2))[0]) == 2


@given(st.integers(0, 1000), st.floats(0.5, 8.0))
@settings(max_examples=40, deadline=None)
def test_merging_keeps_signals_apart_and_loses_no_spot(seed, distance) -> None:
    rng = np.random.default_rng(seed)
    count = int(rng.integers(1, 30))
    places, group = rng.uniform(0, 20, (count, 2)), rng.integers(0, 3, count)
    keep, parts = joined(places, group, rng.random(count), distance)
    assert parts.sum() == count
    for a in range(len(keep)):
        for b in range(a):
            if group[keep[a]] == group[keep[b]]:
                assert np.hypot(*(places[keep[a]] - places[keep[b]])) > distance


@pytest.fixture(scope="module")
def frame():
    return simulate_fish(5, 0, shape=(420, 420), nuclei=30, stain=FishStain(abnormal=0.3))


def test_counts_of_a_simulated_frame(frame) -> None:
    image, nuclei = frame.sample.image, frame.sample.instances
    found = count_signals(list(image.data[1:]), nuclei, merge=0.7, pixel_size=image.pixel_size)
    whole = (nuclei.boxes[:, :2] > 0).all(1) & (nuclei.boxes[:, 2:] < image.shape).all(1)
    exact = (found.counts == frame.counts)[whole].all(axis=1)
    assert exact.mean() > 0.85
    assert found.counts.sum() == len(found.places)
    assert len(found.thresholds) == 4
    other = count_signals(
        list(image.data[1:]), nuclei, merge=0.7, pixel_size=image.pixel_size,
        thresholds=[None, 1e6, None, None],
    )  # fmt: skip
    assert other.counts[:, 1].sum() == 0
    assert (other.counts[:, 0] == found.counts[:, 0]).all()


def test_ghosts_of_a_bright_channel_are_not_counted() -> None:
    rng = np.random.default_rng(0)
    labels = np.zeros((250, 250), int)
    planes = rng.normal(100, 3, (2, 250, 250)).astype(np.float32)
    rows, cols = np.mgrid[:250, :250]
    for n in range(25):
        row, col = 50 * (n // 5) + 25, 50 * (n % 5) + 25
        labels[row - 20 : row + 20, col - 20 : col + 20] = n + 1
        for channel, down, across, peak in ((0, -9, 0, 600), (0, 9, 3, 500), (1, 0, 12, 120)):
            square = (rows - row - down) ** 2 + (cols - col - across) ** 2
            spot = peak * rng.uniform(0.8, 1.2) * np.exp(-0.5 * square / 1.5**2)
            planes[channel] += spot
            planes[1] += 0.1 * spot if channel == 0 else 0
    found = count_signals(planes, from_label_map(labels), merge=4.0)
    assert found.bleed[0, 1] == pytest.approx(0.1, abs=0.02)
    assert found.left_out["ghosts"] >= 40
    assert (found.counts == (2, 1)).all()


def test_wrong_shapes_are_one_line(frame) -> None:
    planes = list(frame.sample.image.data[1:])
    with pytest.raises(InputError, match="same rows and columns"):
        count_signals(planes, Instances.empty((3, 3)), merge=1.0)
    with pytest.raises(InputError, match="2 thresholds came for 4"):
        count_signals(planes, frame.sample.instances, merge=1.0, thresholds=[1, 2])
