"""Spots: places to a part of a pixel, strips, flat and odd planes, thresholds, ghosts, dirt."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cellwright.measure import spots as spots_module
from cellwright.measure.bleed import bleed_shares, seen_everywhere, without_bleed
from cellwright.measure.spot_response import response, response_noise
from cellwright.measure.spot_threshold import signal_threshold
from cellwright.measure.spots import Spots, find_spots, look_at
from cellwright.types import InputError


def plane(places, *, shape=(64, 80), width=1.5, peak=100.0, noise=0.0, seed=0):
    """Gaussian spots on a slope."""
    rows, cols = np.mgrid[: shape[0], : shape[1]]
    out = 50.0 + 0.2 * rows + np.random.default_rng(seed).normal(0, noise or 1e-9, shape)
    for row, col in places:
        out += peak * np.exp(-0.5 * ((rows - row) ** 2 + (cols - col) ** 2) / width**2)
    return out.astype(np.float32)


def strong(found):
    """Those above half of the strongest."""
    return found[found.own > 0.5 * found.own.max()]


@given(
    st.floats(10, 50), st.floats(10, 60), st.floats(1.2, 2.2), st.sampled_from([1.0, 7.0, 900.0])
)
@settings(max_examples=40, deadline=None)
def test_a_spot_is_found_within_a_tenth_of_a_pixel(row, column, width, peak) -> None:
    found = strong(find_spots([plane([(row, column)], width=width, peak=peak)]))
    assert len(found) == 1
    assert np.abs(found.places[0] - (row, column)).max() < 0.1
    assert 0.35 * peak < found.own[0] < 0.55 * peak
    assert found.size[0] < 0.7


def test_a_slope_and_a_constant_have_no_response() -> None:
    assert np.abs(response(plane([]), 1.5)[12:-12, 12:-12]).max() < 1e-2
    assert len(find_spots([np.full((40, 40), 7, np.uint8)])) == 0
    assert response_noise(np.full((40, 40), 7, np.uint8), 1.5) == 0


def test_two_equal_neighbours_are_one_spot() -> None:
    picture = np.zeros((32, 32), np.float32)
    picture[15, 15] = picture[15, 16] = 10
    assert len(strong(find_spots([picture]))) == 1


def test_strips_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(3)
    planes = [plane(rng.uniform(5, 95, (20, 2)), shape=(101, 99), noise=3, seed=n) for n in (1, 2)]
    whole = find_spots(planes)
    monkeypatch.setattr(spots_module, "_STRIP", 18)
    parts = find_spots(planes)
    assert len(whole) == len(parts) >= 40
    assert np.abs(whole.places - parts.places).max() < 1e-3
    assert np.allclose(whole.light, parts.light, atol=1e-2)
    assert np.allclose(whole.size, parts.size, atol=1e-2)
    again = look_at(planes, whole.places, whole.channel, whole.score)
    assert np.corrcoef(again.own, whole.own)[0, 1] > 0.99


def test_a_blob_is_told_by_its_size() -> None:
    blob = strong(find_spots([plane([(32, 40)], width=8.0)]))
    assert blob.size.max() > 1.3


def test_wrong_channels_are_one_line() -> None:
    with pytest.raises(InputError, match="same rows and columns"):
        find_spots([np.zeros((8, 8)), np.zeros((8, 9))])
    with pytest.raises(InputError, match="at least one"):
        find_spots([])
    with pytest.raises(InputError, match="spot width"):
        find_spots([np.zeros((8, 8))], width=0.3)


def noise_maxima(count, seed=0):
    """Responses of noise as they fall: uniform in exp(-v**2 / (2 s**2)) above the floor."""
    share = np.random.default_rng(seed).random(count)
    return np.sqrt(2.5**2 - 2 * 1.3**2 * np.log(share))


@given(st.integers(0, 50), st.floats(12.0, 60.0))
@settings(max_examples=25, deadline=None)
def test_threshold_lies_between_noise_and_signals(seed, level) -> None:
    rng = np.random.default_rng(seed)
    noise, signals = noise_maxima(4000, seed), level * rng.lognormal(0, 0.15, 300)
    found = signal_threshold(np.concatenate([noise, signals]))
    assert (noise > found.value).mean() < 3e-3
    assert (signals > found.value).mean() > 0.98
    assert found.value >= found.least
    assert found.counts.sum() == 4300


def test_threshold_moves_into_the_valley_beyond_grains_of_the_background() -> None:
    rng = np.random.default_rng(1)
    grains, signals = rng.uniform(5.5, 7.5, 80), 40 * rng.lognormal(0, 0.2, 300)
    found = signal_threshold(np.concatenate([noise_maxima(4000), grains, signals]))
    assert (grains > found.value).mean() < 0.1
    assert (signals > found.value).all()


def test_threshold_without_signals_is_where_noise_ends() -> None:
    noise = noise_maxima(5000)
    found = signal_threshold(noise)
    assert found.value == found.least
    assert (noise > found.value).sum() < 25
    assert signal_threshold(np.zeros(0)).value == pytest.approx(5.5)


def test_threshold_by_hand_is_taken_as_it_is() -> None:
    found = signal_threshold(noise_maxima(500), given=17.0)
    assert (found.value, found.given) == (17.0, True)


def listed(channel, light, noise=1.0):
    """Spots with these lights."""
    light = np.asarray(light, float)
    count, channels = light.shape
    return Spots(
        np.zeros((count, 2)), np.asarray(channel), light, np.zeros(count), np.ones(count),
        np.full(channels, noise),
    )  # fmt: skip


def test_bleed_share_is_measured_and_ghosts_lose_their_light() -> None:
    rng = np.random.default_rng(0)
    bright = rng.uniform(100, 200, 60)
    light = np.stack([bright, 0.1 * bright + 1.0 + rng.normal(0, 0.5, 60)], axis=1)
    ghosts = light.copy()
    found = listed([0] * 60 + [1] * 60, np.concatenate([light, ghosts]))
    found.light[60:, 0] = bright
    # A true signal beside none, and one on top of a signal of the other channel.
    more = listed([1, 1], [[1.0, 40.0], [150.0, 55.0]])
    joined = listed(
        np.concatenate([found.channel, more.channel]), np.concatenate([found.light, more.light])
    )
    shares = bleed_shares(joined)
    assert shares[0, 1] == pytest.approx(0.1, abs=0.02)
    level = without_bleed(joined, shares)
    assert np.abs(level[60:120, 1]).max() < 4
    assert level[-2:, 1] == pytest.approx([40, 40], abs=3)


def test_few_strong_spots_tell_no_share() -> None:
    assert not bleed_shares(listed([0] * 9, [[100.0, 30.0]] * 9)).any()


def test_dirt_is_in_all_channels_and_a_signal_on_it_stays() -> None:
    level = np.array([[9.0, 8, 6, 3], [9, 8, 0, 0], [50, 8, 6, 3], [9, 8, 6, 1]])
    assert seen_everywhere(level, np.zeros(4, int)).tolist() == [True, False, False, False]
    assert not seen_everywhere(level[:, :2], np.zeros(4, int)).any()
