"""Principal components: by hand, against scikit-learn's definition, without variance."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from cellwright.measure.principal import principal_components
from cellwright.types import InputError


def test_points_on_a_line_have_one_component() -> None:
    found = principal_components(np.array([[1.0, 1.0], [4.0, 5.0], [7.0, 9.0]]))
    np.testing.assert_allclose(found.places, [[-5, 0], [0, 0], [5, 0]], atol=1e-9)
    np.testing.assert_allclose(found.shares, [1, 0], atol=1e-12)


def test_the_sign_is_that_of_the_largest_weight() -> None:
    rows = np.array([[0.0, -9.0, 1.0], [0.0, 9.0, -1.0]])
    assert principal_components(rows).places[0, 0] < 0
    assert principal_components(-rows).places[0, 0] > 0


@given(arrays(float, st.tuples(st.integers(2, 6), st.integers(1, 5)),
              elements=st.floats(-100, 100).map(lambda v: round(v, 3))))  # fmt: skip
def test_variances_are_those_of_the_covariance(rows: np.ndarray) -> None:
    found = principal_components(rows, 3)
    values = np.sort(np.linalg.eigvalsh(np.atleast_2d(np.cov(rows.T))))[::-1][:3]
    mine = found.places.var(axis=0, ddof=1)
    np.testing.assert_allclose(mine[: len(values)], np.maximum(values, 0), atol=1e-6)
    assert not mine[len(values) :].any()
    assert (found.shares >= 0).all()
    assert found.shares.sum() <= 1 + 1e-9
    if values.sum() > 1e-3:
        whole = np.trace(np.atleast_2d(np.cov(rows.T)))
        np.testing.assert_allclose(found.shares[0], values[0] / whole, atol=1e-6)


def test_equal_rows_lie_at_one_place() -> None:
    found = principal_components(np.full((3, 4), 0.1))
    assert not found.places.any()
    assert not found.shares.any()


@pytest.mark.parametrize(
    ("rows", "said"), [(np.zeros((1, 3)), "two rows"), (np.array([[np.nan], [1]]), "not finite")]
)
def test_what_cannot_be_placed_is_refused(rows: np.ndarray, said: str) -> None:
    with pytest.raises(InputError, match=said):
        principal_components(rows)
