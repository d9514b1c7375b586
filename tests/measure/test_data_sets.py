"""What data sets differ in, on hand-made numbers."""

from __future__ import annotations

import json

import numpy as np
import pytest

from cellwright.measure.data_sets import DataComparison, DataSet, Map, shared_shares
from cellwright.types import Instances


def of(name: str, densities: list[float], kinds: list[str]) -> DataSet:
    values = np.array(densities)
    none = np.zeros(0)
    return DataSet(name, len(values), 3, tuple(kinds), values, values, none, np.array([4, 9, 9]),
                   np.array([0.0, 0.5, 0.25]), none, none)  # fmt: skip


def compared() -> DataComparison:
    first = of("a", [1, 2, 3, 4], ["x", "x", "y", "y"])
    other = of("b", [2, 3, 30, 40], ["x", "x", "y", "z"])
    places = {n: np.zeros((1, 2)) for n in "ab"}
    words = dict.fromkeys("ab", ("i",))
    maps = (Map("pixels", (0.5, 0.25), places, words, words),)
    return DataComparison((first, other), "line", maps, {"a": 0.5, "b": 2.0}, {"features": "cells"})


def test_overlap_is_the_share_that_another_cell_of_the_class_has() -> None:
    cells = Instances(
        (4, 10),
        [[0, 0, 4, 4], [0, 2, 4, 10], [1, 3, 2, 4]],
        [np.ones((4, 4)), np.ones((4, 8)), np.ones((1, 1))],
        classes=[0, 0, 1],
        class_names=("cell", "nucleus"),
    )
    np.testing.assert_allclose(shared_shares(cells), [0.5, 0.25, 0.0])
    assert shared_shares(cells[[]]).shape == (0,)


def test_differences_of_distributions() -> None:
    found = compared()
    assert found.apart("b", "densities") == 0.5
    assert found.apart("b", "areas") == 0.0
    assert found.apart("b", "per_mm2") is None
    assert found.sets[0].overlapping == pytest.approx(2 / 3)


def test_images_beyond_the_densest_of_their_own_type() -> None:
    found = compared()
    assert found.kinds() == ("x", "y", "z")
    assert found.beyond("b", "x") == 0.5
    assert found.beyond("b", "y") == 1.0
    assert found.beyond("b", "z") is None


def test_the_record_is_json() -> None:
    record = json.loads(json.dumps(compared().to_json()))
    assert record["sets"][1]["distributions"]["densities"]["apart_from_first"] == 0.5
    assert record["sets"][1]["types"]["y"]["denser_than_the_first"] == 1.0
    assert record["sets"][1]["types"]["z"]["densities"] == [40.0, 40.0, 40.0]
    assert record["maps"][0]["images"][1] == {
        "set": "b", "name": "i", "type": "i", "place": [0.0, 0.0],
    }  # fmt: skip
    assert record["sets"][1]["fid"] == 2.0
