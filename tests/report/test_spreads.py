"""Outlines of distributions share their bins, and their shares add up to one."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from cellwright.report.spreads import _outline, bin_edges, spreads

NUMBERS = st.lists(st.floats(-1e3, 1e3), min_size=1, max_size=40).map(np.array)


@given(NUMBERS, NUMBERS)
def test_no_value_is_lost(one: np.ndarray, other: np.ndarray) -> None:
    edges = bin_edges([one, other])
    assert (np.diff(edges) > 0).all()
    for values in (one, other):
        x, y = _outline(values, edges)
        np.testing.assert_allclose(sum(y[1:-1:2]), 1.0)
        assert y[0] == y[-1] == 0
        assert len(x) == len(y)


def test_whole_numbers_have_bins_of_their_own() -> None:
    edges = bin_edges([np.array([1.0, 2, 3]), np.array([5.0])])
    np.testing.assert_allclose(edges[:5], [0.5, 1.5, 2.5, 3.5, 4.5])


def test_a_chart_names_those_that_have_values() -> None:
    made = spreads({"a": np.arange(9.0), "<b>": np.arange(4.0), "c": np.zeros(0)}, title="T",
                   x_label="x")  # fmt: skip
    assert "&lt;b&gt;" in made
    assert made.count("<polyline") == 2
    assert "no values" in spreads({"a": np.zeros(0)}, title="T", x_label="x")
