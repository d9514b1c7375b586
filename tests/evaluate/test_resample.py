"""Intervals: what is drawn, what is summed, what comes out of known distributions."""

from __future__ import annotations

import numpy as np
import pytest

from cellwright.evaluate.groups import NO_TAG, describe, group
from cellwright.evaluate.headlines import HEADLINES, flatten, look_up
from cellwright.evaluate.resample import draw, interval, intervals, total
from cellwright.evaluate.scorer import Scorer
from cellwright.types import InputError, Instances


def squares(count: int, side: int = 2) -> Instances:
    boxes = [(0, 4 * k, side, 4 * k + side) for k in range(count)]
    return Instances((8, 80), boxes, tuple(np.ones((side, side)) for _ in range(count)))


def test_every_resample_draws_as_many_images_as_there_are() -> None:
    drawn = draw(7, 200, seed=1)
    assert drawn.shape == (200, 7)
    assert (drawn.sum(axis=1) == 7).all()
    assert np.array_equal(drawn, draw(7, 200, seed=1))
    assert not np.array_equal(drawn, draw(7, 200, seed=2))
    assert draw(0, 3).shape == (3, 0)


def test_names_that_an_image_lacks_are_nothing() -> None:
    assert total([{"a": 1}, {"b": 2.5}, {}]) == {"a": 1, "b": 2.5}
    assert total([]) == {}
    drawn = np.array([[3, 0, 0], [0, 1, 2]])
    assert {k: v.tolist() for k, v in total([{"a": 1}, {"b": 2.5}, {}], drawn).items()} == {
        "a": [3, 0],
        "b": [0, 2.5],
    }


def test_interval_covers_the_mean_of_a_known_distribution() -> None:
    rng = np.random.default_rng(0)
    inside = 0
    for trial in range(200):
        values = rng.normal(0.6, 0.1, size=40)
        means = draw(40, 400, seed=trial) @ values / 40
        low, high = interval(means) or (0, 0)
        inside += low <= 0.6 <= high
    assert 0.9 <= inside / 200 <= 0.985


def test_what_is_not_defined_has_no_interval() -> None:
    assert interval(np.full(5, np.nan)) is None
    assert interval(np.array([np.nan, 2.0, 2.0])) == (2.0, 2.0)
    found = intervals({"a": {"b": np.array([1.0, 1.0]), "c": 3.0}, "d": np.array([np.nan])})
    assert found == {"a/b": (1.0, 1.0)}


def test_scores_lie_in_their_intervals_and_one_image_has_none() -> None:
    scorer = Scorer(resamples=200, seed=4)
    for k in range(8):
        scorer.add(f"{k}", squares(6), squares(6 - k % 3))
    scores = scorer.result()
    for headline in HEADLINES:
        value = look_up(scores.figures, headline.path)
        low, high = scores.intervals[headline.path]
        assert low - 1e-9 <= value <= high + 1e-9, headline.path
    assert scores.intervals["matching/0.50/recall"][0] < scores.matching["0.50"]["recall"]
    assert scores.settings["resamples"] == 200
    one = Scorer()
    one.add("a", squares(2), squares(2))
    assert one.result().intervals == {}


def test_headlines_stand_in_the_scores() -> None:
    scorer = Scorer()
    scorer.add("a", squares(2), squares(2))
    figures = flatten(scorer.result().figures)
    for headline in HEADLINES:
        assert figures[headline.path] == pytest.approx(headline.best), headline.path


def test_density_and_size_make_parts_of_equal_number() -> None:
    facts = [describe(squares(k, side=1 + k % 2)) for k in range(1, 10)]
    parts = group("density", [{}] * 9, facts)
    assert [len(v) for v in parts.values()] == [3, 3, 3]
    assert next(iter(parts.values())) == [0, 1, 2]
    assert all("cells per megapixel" in name for name in parts)
    assert [len(v) for v in group("size", [{}] * 9, facts).values()] == [4, 5]
    assert list(group("density", [{}] * 3, facts[:1] * 3).values()) == [[0, 1, 2]]


def test_a_tag_goes_before_what_is_computed() -> None:
    tags = [{"density": "high"}, {"density": "low"}, {}]
    assert group("density", tags, [{}] * 3) == {"high": [0], "low": [1], NO_TAG: [2]}
    with pytest.raises(InputError, match="known tags: density, density, size|known tags: density"):
        group("well", tags, [{}] * 3)
