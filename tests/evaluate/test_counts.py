"""Number and size of cells, recall by size."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings

from cellwright.evaluate.comparison import Comparison
from cellwright.evaluate.counts import COUNTS, SIZES_PX, counts, recall_by_size, size_errors
from cellwright.evaluate.resample import total
from cellwright.types import InputError, Instances

from .small import flipped, overlapping, rows, same

NAN = pytest.approx(np.nan, nan_ok=True)


@pytest.mark.parametrize(
    ("truth", "pred", "error", "relative"),
    [
        ([], [], 0, NAN),
        ([], [(0, 2)], 1, NAN),
        ([(0, 2)], [], -1, 1),
        ([(0, 1)], [(0, 1)], 0, 0),
        ([(0, 4)], [(0, 4), (0, 4), (6, 8)], 2, 2),
        ([(0, 4), (0, 4)], [(0, 4)], -1, 1 / 2),
    ],
)
def test_counts(truth: list, pred: list, error: int, relative: float) -> None:
    assert counts(rows(*truth), rows(*pred)) == {
        "true": len(truth),
        "predicted": len(pred),
        "mean_error": error,
        "mean_absolute_error": abs(error),
        "relative_error": relative,
    }


def test_errors_of_images_do_not_cancel() -> None:
    one, two = rows((0, 2)), rows((0, 2), (4, 6))
    found = COUNTS.divide(
        total([COUNTS.count(Comparison(a, b)) for a, b in ((one, two), (two, one))])
    )
    assert (found["mean_error"], found["mean_absolute_error"]) == (0, 1)
    assert found["relative_error"] == 2 / 3


def test_what_lies_in_a_crowd_is_not_counted() -> None:
    truth = rows((0, 6), (8, 12), tags=({"iscrowd": True}, {}))
    found = counts(truth, rows((0, 2), (3, 5), (8, 12), (6, 8)))
    assert (found["true"], found["predicted"]) == (1, 2)


@pytest.mark.parametrize(
    ("truth", "pred", "bias", "absolute"),
    [
        ([], [], NAN, NAN),
        ([], [(0, 2)], NAN, NAN),
        ([(0, 2)], [], NAN, NAN),
        ([(0, 8)], [(0, 3)], NAN, NAN),  # not matched
        ([(0, 1)], [(0, 1)], 0, 0),
        ([(0, 4)], [(0, 3), (0, 4)], 0, 0),  # a duplicate has no say
        ([(0, 4), (6, 10)], [(0, 3), (5, 10)], 0, 1 / 4),
        ([(0, 4), (0, 4)], [(0, 3), (0, 2)], -3 / 8, 3 / 8),
    ],
)
def test_sizes(truth: list, pred: list, bias: float, absolute: float) -> None:
    assert size_errors(rows(*truth), rows(*pred)) == {"bias": bias, "absolute_error": absolute}


@pytest.mark.parametrize(
    ("area", "name"),
    [(1, "<100"), (99, "<100"), (100, "100-324"), (323, "100-324"), (324, "324-961"),
     (960, "324-961"), (961, "961-9216"), (9215, "961-9216"), (9216, ">=9216")],
)  # fmt: skip
def test_ends_of_the_bins(area: int, name: str) -> None:
    cell = rows((0, area), width=area)
    found = recall_by_size(cell, cell)
    assert [k for k, part in found.items() if part["cells"]] == [name]
    assert found[name] == {"cells": 1, "recall50": 1, "recall75": 1}
    assert list(found) == [k for k, _ in SIZES_PX]


def test_recall_by_size() -> None:
    truth, pred = (
        rows((0, 50), (50, 150), (150, 250), width=250),
        rows((0, 36), (50, 150), width=250),
    )
    found = recall_by_size(truth, pred)
    assert found["<100"] == {"cells": 1, "recall50": 1, "recall75": 0}
    assert found["100-324"] == {"cells": 2, "recall50": 1 / 2, "recall75": 1 / 2}
    assert found[">=9216"] == {"cells": 0, "recall50": NAN, "recall75": NAN}


@pytest.mark.parametrize("function", [counts, size_errors, recall_by_size])
def test_frames_must_be_the_same(function: object) -> None:
    with pytest.raises(InputError, match="same image"):
        function(rows((0, 2)), rows((0, 2), width=9))  # type: ignore[operator]


@settings(max_examples=50, deadline=None)
@given(overlapping, overlapping)
def test_properties(truth: Instances, pred: Instances) -> None:
    found, sizes = counts(truth, pred), size_errors(truth, pred)
    assert found["mean_absolute_error"] >= abs(found["mean_error"])
    assert not sizes["absolute_error"] < abs(sizes["bias"])
    assert not sizes["absolute_error"] > 1  # IoU >= 1/2: at most twice as large
    assert same(found, counts(flipped(truth)[::-1], flipped(pred)[::-1]))
    assert same(sizes, size_errors(flipped(truth), flipped(pred)))
    assert same(recall_by_size(truth, pred), recall_by_size(truth[::-1], pred[::-1]))
    assert counts(truth, truth)["mean_absolute_error"] == 0
    if len(truth):
        assert size_errors(truth, truth) == {"bias": 0, "absolute_error": 0}
        assert recall_by_size(truth, truth)["<100"]["recall75"] == 1
