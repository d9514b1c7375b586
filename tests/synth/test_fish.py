"""Simulated FISH frames: reproducible, countable, cut by the border, the same at every noise."""

import numpy as np
import pytest

from cellwright.synth.fish import FishStain, simulate_fish
from cellwright.synth.fish_nuclei import draw_counts
from cellwright.types import InputError

SMALL = {"shape": (260, 300), "nuclei": 14}


@pytest.fixture(scope="module")
def frame():
    return simulate_fish(3, 1, **SMALL, stain=FishStain(abnormal=0.5))


def test_the_same_call_gives_the_same_bytes(frame) -> None:
    again = simulate_fish(3, 1, **SMALL, stain=FishStain(abnormal=0.5))
    assert again.sample.image.data.tobytes() == frame.sample.image.data.tobytes()
    other = simulate_fish(3, 2, **SMALL, stain=FishStain(abnormal=0.5))
    assert other.sample.image.data.tobytes() != frame.sample.image.data.tobytes()


def test_every_signal_lies_in_its_nucleus_and_is_counted(frame) -> None:
    nuclei, signals = frame.sample.instances, frame.signals
    assert frame.counts.sum() == len(signals.places)
    for place, owner in zip(signals.places, signals.nucleus, strict=True):
        row, column = np.rint(place).astype(int)
        if 0 <= row < 260 and 0 <= column < 300:
            row0, col0, row1, col1 = nuclei.boxes[owner]
            assert row0 <= row < row1
            assert col0 <= column < col1
            assert nuclei.masks[owner][row - row0, column - col0]


def test_signals_of_a_probe_keep_apart(frame) -> None:
    signals, gap = frame.signals, FishStain().gap / FishStain().pixel_size
    for owner in range(14):
        for probe in range(4):
            own = signals.places[(signals.nucleus == owner) & (signals.probe == probe)]
            far = np.hypot(*(own[:, None] - own[None]).T) + 1e9 * np.eye(len(own))
            assert (far >= gap).all()


def test_kinds_are_what_the_counts_say(frame) -> None:
    kinds = [tags["kind"] for tags in frame.sample.instances.tags]
    assert sum(kind != "normal" for kind in kinds) == 7
    for kind, row in zip(kinds, frame.counts, strict=True):
        gained, lost = (row >= 3).sum(), (row <= 1).sum()
        said = "CAC" if gained > 1 else "gain" if gained else "deletion" if lost else "normal"
        assert said == kind
    assert draw_counts(np.random.default_rng(0), ["CAC"], 1).shape == (1, 1)


def test_noise_changes_the_noise_alone(frame) -> None:
    louder = simulate_fish(3, 1, **SMALL, stain=FishStain(abnormal=0.5, noise=2.0))
    assert (louder.signals.places == frame.signals.places).all()
    assert (louder.counts == frame.counts).all()
    # A quarter of the light, above an offset of 200.
    light = [f.sample.image.data.astype(float).mean(axis=(1, 2)) - 200 for f in (frame, louder)]
    assert np.allclose(light[0] / light[1], 4, rtol=0.02)


def test_a_signal_is_bright_where_the_truth_says(frame) -> None:
    data, signals = frame.sample.image.data.astype(float), frame.signals
    inside = ((signals.places > 3) & (signals.places < (256, 296))).all(axis=1)
    at = np.rint(signals.places[inside]).astype(int)
    seen = data[signals.probe[inside] + 1, at[:, 0], at[:, 1]]
    middle = np.median(data[1:], axis=(1, 2))[signals.probe[inside]]
    assert (seen > middle + 60).mean() > 0.95


def test_touching_nuclei_share_no_pixel() -> None:
    crowded = simulate_fish(
        1, 0, shape=(400, 400), nuclei=30, stain=FishStain(attached=0.5)
    ).sample.instances
    cover = np.zeros((400, 400), int)
    for (row0, col0, row1, col1), mask in zip(crowded.boxes, crowded.masks, strict=True):
        cover[row0:row1, col0:col1] += mask
    assert cover.max() == 1
    assert np.mean([t["touching"] for t in crowded.tags]) > 0.3


def test_no_nuclei_and_wrong_use() -> None:
    empty = simulate_fish(0, 0, shape=(64, 64), nuclei=0, probes=("a",))
    assert (len(empty.sample.instances), empty.sample.image.data.shape) == (0, (2, 64, 64))
    with pytest.raises(InputError, match="do not fit"):
        simulate_fish(0, 0, shape=(100, 100), nuclei=60)
    with pytest.raises(InputError, match="at least one probe"):
        simulate_fish(0, 0, probes=())
    with pytest.raises(InputError, match="noise 0 came"):
        FishStain(noise=0)
