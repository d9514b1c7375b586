"""When self-training stops, by hand-made curves of agreement."""

from __future__ import annotations

import pytest

from cellwright.steps.self_training import best, goes_on


@pytest.mark.parametrize(
    ("curve", "rounds", "wanted"),
    [
        ([0.5], 0, False),
        ([0.5], 3, True),
        ([0.5, 0.6], 3, True),
        ([0.5, 0.501], 3, False),
        ([0.5, 0.6, 0.55], 3, False),
        ([0.5, 0.6, 0.7], 2, False),
    ],
)
def test_it_goes_on_while_agreement_rises(curve: list[float], rounds: int, wanted: bool) -> None:
    assert goes_on(curve, rounds=rounds) is wanted


def test_the_earliest_of_the_best_is_taken() -> None:
    assert best([0.5, 0.7, 0.7, 0.6]) == 1
