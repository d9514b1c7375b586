from __future__ import annotations

import numpy as np
import pytest

from cellwright.synth import simulate_growth
from cellwright.types import InputError

SMALL = {"shape": (140, 120), "cells": 4, "cycle": 4.0, "diameter": 10.0}


@pytest.fixture(scope="module")
def movie():
    return list(simulate_growth(3, 0, times=8, **SMALL))


def tracks(sample):
    return {int(t["track"]): int(t["parent"]) for t in sample.instances.tags}


def test_cells_keep_their_numbers_and_daughters_name_their_mother(movie):
    assert [s.image.tags["time"] for s in movie] == list(range(8))
    assert set(tracks(movie[0])) <= set(range(4))
    assert set(tracks(movie[0]).values()) == {-1}
    seen = set(tracks(movie[0]))
    parents = {}
    for sample in movie[1:]:
        for track, parent in tracks(sample).items():
            assert parents.setdefault(track, parent) == parent
            if track >= 4:
                assert 0 <= parent < track
        seen |= set(tracks(sample))
    assert len(seen) > 4
    assert len(movie[-1].instances) > len(movie[0].instances)


def test_a_mother_is_gone_when_her_daughters_are_there(movie):
    for sample in movie:
        there = tracks(sample)
        assert not {p for p in there.values() if p >= 0} & set(there)


def test_cells_grow(movie):
    areas = {}
    for sample in movie:
        boxes = sample.instances.boxes
        whole = (boxes[:, :2] > 0).all(axis=1) & (boxes[:, 2:] < sample.instances.shape).all(axis=1)
        for tag, area, inside in zip(
            sample.instances.tags, sample.instances.areas, whole, strict=True
        ):
            if inside:
                areas.setdefault(int(tag["track"]), []).append(int(area))
    long = [a for a in areas.values() if len(a) >= 3]
    assert long
    assert np.mean([a[-1] > a[0] for a in long]) > 0.8


def test_a_longer_call_begins_with_the_bytes_of_a_shorter_one(movie):
    for one, other in zip(movie, simulate_growth(3, 0, times=2, **SMALL), strict=False):
        np.testing.assert_array_equal(one.image.data, other.image.data)
        np.testing.assert_array_equal(one.instances.boxes, other.instances.boxes)


def test_lamp_and_debris_stay_the_noise_does_not():
    still = {**SMALL, "cycle": 1e6, "motion": 0.0}
    first, second = (s.image.data.astype(float) for s in simulate_growth(0, 0, times=2, **still))
    assert (first != second).mean() > 0.5
    assert np.corrcoef(first.ravel(), second.ravel())[0, 1] > 0.9


@pytest.mark.parametrize(
    "wrong", [{"times": 0}, {"cycle": 1.0}, {"motion": -1.0}, {"kind": "mixed"}, {"kind": "cube"}]
)
def test_wrong_arguments_are_refused(wrong):
    with pytest.raises(InputError):
        list(simulate_growth(0, 0, **{"times": 1, **SMALL, **wrong}))
