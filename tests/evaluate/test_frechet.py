"""Fréchet distance against its closed form and against scipy."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.linalg import sqrtm

from cellwright.evaluate.frechet import frechet
from cellwright.types import InputError


def formula(a: np.ndarray, b: np.ndarray) -> float:
    first, second = np.cov(a.T), np.cov(b.T)
    root = sqrtm(first @ second).real
    return float(((a.mean(0) - b.mean(0)) ** 2).sum() + np.trace(first + second - 2 * root))


def test_one_feature_by_hand() -> None:
    # Means 1 and 4, deviations sqrt(2) and 2 sqrt(2): 9 + (sqrt(2))^2.
    assert frechet([[0.0], [2.0]], [[2.0], [6.0]]) == pytest.approx(9 + 2)


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 10**6), st.integers(2, 6), st.floats(0.1, 5), st.floats(-1000, 1000))
def test_as_scipy_computes_it(seed: int, features: int, scale: float, shift: float) -> None:
    rng = np.random.default_rng(seed)
    a = rng.normal(size=(40, features)) + shift
    b = rng.normal(size=(30, features)) * scale + shift + 1
    assert frechet(a, b) == pytest.approx(formula(a, b), rel=1e-6, abs=1e-6)
    assert frechet(a, b) == pytest.approx(frechet(b, a), rel=1e-6, abs=1e-6)


def test_equal_sets_and_fewer_samples_than_features() -> None:
    a = np.random.default_rng(0).normal(size=(5, 20))
    assert frechet(a, a) == pytest.approx(0, abs=1e-6)
    assert frechet(a, a[::-1]) == pytest.approx(0, abs=1e-6)
    assert frechet(a, a + 1) == pytest.approx(20)


@pytest.mark.parametrize(
    ("first", "second", "message"),
    [
        (np.zeros((1, 3)), np.zeros((4, 3)), "1 and 4 samples"),
        (np.zeros((4, 2)), np.zeros((4, 3)), "same features"),
        (np.zeros(4), np.zeros(4), "same features"),
        (np.full((4, 2), np.nan), np.zeros((4, 2)), "not finite"),
    ],
)
def test_wrong_features(first: np.ndarray, second: np.ndarray, message: str) -> None:
    with pytest.raises(InputError, match=message):
        frechet(first, second)
