from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cellwright.synth.placement import shared
from cellwright.synth.scene import draw_scene, overlapping_cells, truth
from cellwright.types import InputError


def scene(seed=0, **options):
    given_options = {
        "shape": (128, 128),
        "cells": 12,
        "overlap": 0.5,
        "max_shared": 0.25,
        "kind": "round",
        "diameter": 16.0,
    }
    return draw_scene(np.random.default_rng(seed), **(given_options | options))


def pair_shares(instances):
    """Shared pixels over the smaller mask of every pair that shares any, by pair."""
    found = {}
    for i, j in itertools.combinations(range(len(instances)), 2):
        a, b = instances.masks[i], instances.masks[j]
        both = shared(a, tuple(instances.boxes[i][:2]), b, tuple(instances.boxes[j][:2]))
        if both:
            found[i, j] = both / min(a.sum(), b.sum())
    return found


@settings(max_examples=25, deadline=None)
@given(
    st.integers(0, 10_000),
    st.integers(0, 14),
    st.sampled_from([0.0, 0.1, 0.35, 0.5, 1.0]),
    st.sampled_from([0.05, 0.2, 0.5]),
    st.sampled_from(["round", "oval", "mixed"]),
)
def test_count_and_overlap_are_as_asked(seed, cells, overlap, max_shared, kind):
    got = truth(scene(seed, cells=cells, overlap=overlap, max_shared=max_shared, kind=kind))
    assert len(got) == cells
    shares = pair_shares(got)
    involved = {cell for pair in shares for cell in pair}
    assert len(involved) == overlapping_cells(cells, overlap)
    assert all(share <= max_shared for share in shares.values())
    assert {i for i, tags in enumerate(got.tags) if tags["shared"] > 0} == involved


@pytest.mark.parametrize(
    ("cells", "overlap", "wanted"),
    [(0, 1.0, 0), (1, 1.0, 0), (10, 0.1, 2), (10, 0.3, 3), (10, 0.0, 0), (7, 1.0, 7)],
)
def test_overlapping_cells(cells, overlap, wanted):
    assert overlapping_cells(cells, overlap) == wanted


def test_drawn_numbers_follow_the_area():
    small = [len(truth(scene(s, cells=None))) for s in range(6)]
    large = [len(truth(scene(s, cells=None, shape=(256, 256)))) for s in range(6)]
    assert np.mean(small) > 0
    assert np.mean(large) == pytest.approx(4 * np.mean(small), rel=0.25)


def test_nuclei_follow_their_cells_and_lie_inside():
    got = truth(scene(3), nuclei=True)
    assert got.class_names == ("cell", "nucleus")
    cells = int((got.classes == 0).sum())
    assert cells == 12
    assert (got.classes[cells:] == 1).all()
    assert len(got) > cells
    for i in range(cells, len(got)):
        owner = got.tags[i]["cell"]
        both = shared(
            got.masks[i], tuple(got.boxes[i][:2]), got.masks[owner], tuple(got.boxes[owner][:2])
        )
        assert both == got.masks[i].sum()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"cells": 400}, "do not fit"),
        ({"cells": -1}, "0 or more"),
        ({"overlap": 1.5}, "from 0 to 1"),
        ({"max_shared": 0.0}, "max_shared"),
        ({"diameter": 1.0}, "at least 4"),
        ({"diameter": float("nan")}, "at least 4"),
        ({"shape": (4, 128)}, "at least 8"),
        ({"kind": "square"}, "choose one of"),
    ],
)
def test_bad_options_get_one_clear_line(options, message):
    with pytest.raises(InputError, match=message) as error:
        scene(**options)
    assert "\n" not in str(error.value)
