"""Folds, crops, states, thresholds: the parts of training."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from cellwright.codecs.distance import DistanceCodec
from cellwright.synth import simulate_field
from cellwright.train.batches import Crops, CropSettings, FixedCrops
from cellwright.train.fold import tuning_fold
from cellwright.train.frames import Frames
from cellwright.train.schedule import Progress, StepSettings, share_of_peak
from cellwright.train.state import read_state, write_state
from cellwright.train.tune import mean_accuracy
from cellwright.types import InputError, Instances
from cellwright.zoo.method import Normalisation


@settings(max_examples=40, deadline=None)
@given(
    fields=st.lists(st.integers(0, 6), min_size=1, max_size=20),
    fraction=st.floats(0, 0.9),
    turn=st.integers(0, 19),
)
def test_a_field_is_never_on_both_sides(fields, fraction, turn) -> None:
    names = [f"image{i}" for i in range(len(fields))]
    tags = [{"field": f} for f in fields]
    train, fold = tuning_fold(names, tags, fraction=fraction)
    assert train
    assert fold
    if len(set(fields)) > 1 and fraction > 0:
        assert not {fields[i] for i in train} & {fields[i] for i in fold}
        assert sorted(train + fold) == list(range(len(fields)))
    order = np.roll(np.arange(len(fields)), turn)
    again = tuning_fold([names[i] for i in order], [tags[i] for i in order], fraction=fraction)[1]
    assert {names[order[i]] for i in again} == {names[i] for i in fold}


def test_no_images_and_wrong_fractions() -> None:
    with pytest.raises(InputError, match="no labelled images"):
        tuning_fold([], [], fraction=0.2)
    with pytest.raises(InputError, match=r"1\.5"):
        tuning_fold(["a"], [{}], fraction=1.5)


def frames() -> Frames:
    samples = [simulate_field(seed=s, shape=(70, 90), cells=4) for s in range(3)]
    return Frames(samples, codec=DistanceCodec(), normalisation=Normalisation())


def test_crops_are_a_function_of_seed_epoch_and_number() -> None:
    chosen = CropSettings((32, 48), seed=5)
    one, two = (Crops(frames(), settings=chosen, epoch=2, count=7) for _ in range(2))
    for i in range(7):
        a, b = one[i], two[i]
        assert torch.equal(a[0], b[0])
        assert all(torch.equal(a[1][k], b[1][k]) for k in a[1])
        assert a[0].shape == (1, 32, 48)
        assert a[1]["distance"].shape == (1, 32, 48)
    other = Crops(frames(), settings=chosen, epoch=3, count=7)
    assert not all(torch.equal(one[i][0], other[i][0]) for i in range(7))


def test_half_of_the_crops_have_their_cells_brought_to_a_diameter() -> None:
    some = frames()
    crops = Crops(
        some, settings=CropSettings((32, 32), scale=(1, 1), to_diameter=24), epoch=0, count=1
    )
    frame = some[0]
    assert frame.diameter is not None
    rng = np.random.default_rng(0)
    zooms = [1 / np.sqrt(abs(np.linalg.det(crops._warp(rng, frame).matrix))) for _ in range(200)]
    brought = np.isclose(zooms, 24 / frame.diameter)
    assert 70 < brought.sum() < 130
    np.testing.assert_allclose(np.array(zooms)[~brought], 1)


def test_every_frame_is_drawn_in_an_epoch() -> None:
    crops = Crops(frames(), settings=CropSettings((32, 32)), epoch=0, count=9)
    assert np.bincount(crops.order, minlength=3).tolist() == [3, 3, 3]


def test_validation_crops_are_plain_windows_of_the_frame() -> None:
    some = frames()
    crops = FixedCrops(some, settings=CropSettings((32, 32)), per_frame=2)
    assert len(crops) == 6
    image, targets = crops[0]
    number, warp = crops.places[0]
    r, c = (int(v) for v in warp.offset)
    np.testing.assert_allclose(image, some[number].image[:, r : r + 32, c : c + 32], atol=1e-5)
    assert set(targets) == {"foreground", "distance"}


def test_frames_beyond_the_memory_limit_are_read_again() -> None:
    some = frames()
    some._free = 0
    assert some[0].image is not some[0].image
    assert frames()[0].image.shape == (1, 70, 90)


def test_unlabelled_samples_are_refused() -> None:
    sample = simulate_field(seed=0, shape=(40, 40), cells=1).with_instances(None)
    some = Frames([sample], codec=DistanceCodec(), normalisation=Normalisation())
    with pytest.raises(InputError, match="no labels"):
        some[0]


def test_states_come_back_without_pickles(tmp_path: Path) -> None:
    state = {
        "weights": {"a": torch.arange(3), "b": torch.rand(2, 2)},
        "list": [1, 2.5, None, "x", True, (3, torch.ones(1))],
        5: {"int key": torch.zeros(0)},
    }
    path = tmp_path / "last.safetensors"
    write_state(state, path)
    back = read_state(path)
    assert list(back) == ["weights", "list", 5]
    assert torch.equal(back["weights"]["b"], state["weights"]["b"])
    assert back["list"][:5] == [1, 2.5, None, "x", True]
    assert isinstance(back["list"][5], tuple)
    assert back[5]["int key"].shape == (0,)


def test_what_has_no_place_in_a_state_is_refused(tmp_path: Path) -> None:
    with pytest.raises(TypeError, match="object"):
        write_state({"x": object()}, tmp_path / "s")
    (tmp_path / "bad").write_bytes(b"\x80\x04pickle")
    with pytest.raises(InputError, match="not a training state"):
        read_state(tmp_path / "bad")


def test_the_cycle_rises_and_falls_to_nothing() -> None:
    values = [share_of_peak(StepSettings(), Progress(0, s)) for s in np.linspace(0, 1, 101)]
    assert max(values) == pytest.approx(1, abs=0.01)
    assert values[-1] == pytest.approx(0, abs=1e-9)
    assert values[5:] == sorted(values[5:], reverse=True)


def test_mean_accuracy_of_perfect_and_empty_predictions() -> None:
    truth = [simulate_field(seed=s, shape=(60, 60), cells=3).instances for s in range(2)]
    assert mean_accuracy(truth, truth) == 1
    assert mean_accuracy([Instances.empty((60, 60))] * 2, truth) == 0
