from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage

from cellwright.synth.shapes import KINDS, bounding_window, draw_body, kind_named
from cellwright.types import InputError


@settings(max_examples=40, deadline=None)
@given(st.sampled_from(sorted(KINDS)), st.integers(0, 10_000), st.floats(4.0, 60.0))
def test_body_is_one_piece_with_its_nucleus_inside(kind, seed, diameter):
    body = draw_body(np.random.default_rng(seed), KINDS[kind], diameter)
    assert ndimage.label(body.mask)[1] == 1
    assert body.nucleus.any()
    assert not (body.nucleus & ~body.mask).any()
    assert bounding_window(body.mask) == tuple(slice(0, n) for n in body.mask.shape)
    assert (body.height[~body.mask] == 0).all()
    assert (body.nucleus_height[~body.nucleus] == 0).all()
    assert body.height.min() >= 0
    assert body.height.max() <= 1


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_mean_area_is_that_of_the_diameter(kind):
    rng = np.random.default_rng(0)
    areas = [draw_body(rng, KINDS[kind], 30.0).area for _ in range(60)]
    assert np.mean(areas) == pytest.approx(np.pi / 4 * 30**2, rel=0.2)


def test_kinds_differ_in_elongation():
    def length_over_width(kind):
        rng = np.random.default_rng(1)
        ratios = []
        for _ in range(20):
            points = np.argwhere(draw_body(rng, KINDS[kind], 40.0).mask)
            small, large = np.linalg.eigvalsh(np.cov(points.T))
            ratios.append((large / small) ** 0.5)
        return np.mean(ratios)

    assert length_over_width("round") < 1.3 < length_over_width("oval")
    assert length_over_width("spindle") > 2.0


def test_unknown_kind_lists_the_choices():
    with pytest.raises(InputError, match="spindle"):
        kind_named("square")


def test_too_small_a_cell_is_refused():
    with pytest.raises(InputError, match="pixel size"):
        draw_body(np.random.default_rng(0), KINDS["round"], 2.0)
