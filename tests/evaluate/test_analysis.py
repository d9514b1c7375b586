"""The error analysis and the worst cells of a set."""

from __future__ import annotations

import numpy as np
import pytest

from cellwright.evaluate.comparison import Comparison
from cellwright.evaluate.corrections import CORRECTIONS
from cellwright.evaluate.scorer import Scorer
from cellwright.evaluate.worst import KINDS, PER_KIND, Worst
from cellwright.types import Instances


def row(*runs: tuple[int, int], scores: list[float] | None = None) -> Instances:
    boxes = [(0, a, 1, b) for a, b in runs]
    return Instances((1, 60), boxes, tuple(np.ones((1, b - a)) for a, b in runs), scores)


TRUTH = row((0, 8), (10, 14), (14, 18), (20, 24), (30, 34))
#: A split, a merge, a misfit (IoU 0.75 is none, 3 of 5 is one), a miss, and a false one.
PRED = row(
    (0, 4), (4, 8), (10, 18), (21, 25), (50, 55), scores=[0.9, 0.8, 0.7, 0.6, 0.5]
)  # fmt: skip


def test_each_correction_has_a_row_and_its_gain() -> None:
    scorer = Scorer(errors=True, resamples=0)
    scorer.add("a", TRUTH, PRED)
    scorer.add("b", TRUTH, TRUTH)
    rows = {r["name"]: r for r in scorer.result().analysis}
    assert list(rows) == ["as predicted", *(c.name for c in CORRECTIONS)]
    plain = rows["as predicted"]
    assert plain["accuracy50"] == scorer.result().matching["0.50"]["accuracy"]
    assert plain["AP"] == scorer.result().coco["segm"]["AP"]
    assert plain["gain_AP"] == 0
    for name in ("no splits", "no merges", "no misses", "no spurious"):
        assert rows[name]["gain_accuracy50"] > 0, name
        assert rows[name]["gain_accuracy50"] == pytest.approx(
            rows[name]["accuracy50"] - plain["accuracy50"]
        )
    assert rows["perfect ranking"]["accuracy50"] == plain["accuracy50"]


def test_without_errors_nothing_is_analysed() -> None:
    scorer = Scorer()
    scorer.add("a", TRUTH, PRED)
    assert scorer.result().analysis == []
    assert scorer.result().worst_cells == []


def test_an_empty_set_can_be_analysed() -> None:
    scorer = Scorer(errors=True)
    scorer.add("a", row(), row())
    rows = scorer.result().analysis
    assert {r["AP"] for r in rows} == {None}
    assert {r["gain_AP"] for r in rows} == {None}


def test_worst_cells_of_every_kind() -> None:
    worst = Worst()
    worst.add("a", Comparison(TRUTH, PRED))
    found = {c["kind"]: c for c in worst.cells()}
    assert [c["kind"] for c in worst.cells()] == [
        k for k in KINDS for c in worst.cells() if c["kind"] == k
    ]
    assert found["missed"]["box"] == [0, 30, 1, 34]
    assert found["split"]["box"] == [0, 0, 1, 8]
    assert (found["merge"]["box"], found["merge"]["side"]) == ([0, 10, 1, 18], "prediction")
    assert found["spurious"]["score"] == 0.5
    assert found["misfit"]["iou"] == pytest.approx(3 / 5)
    assert found["missed"]["score"] is None


def test_only_the_worst_are_kept_whatever_the_order() -> None:
    sizes = np.random.default_rng(0).permutation(30) + 1
    worst = Worst()
    for k, size in enumerate(sizes):
        worst.add(f"{k}", Comparison(row((0, int(size))), row()))
    kept = [c["area"] for c in worst.cells()]
    assert kept == sorted(sizes.tolist(), reverse=True)[:PER_KIND]
