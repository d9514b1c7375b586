"""Scores: counts summed over images, groups by tag, JSON there and back."""

from __future__ import annotations

import json

import numpy as np
import pytest

from cellwright.evaluate.groups import NO_TAG
from cellwright.evaluate.scorer import Scorer, score
from cellwright.evaluate.scores import Scores
from cellwright.types import InputError, Instances


def cells(*corners: tuple[int, int]) -> Instances:
    boxes = [(r, c, r + 3, c + 3) for r, c in corners]
    return Instances((20, 20), boxes, tuple(np.ones((3, 3)) for _ in corners))


@pytest.fixture
def scores() -> Scores:
    scorer = Scorer(by=["z", "line"])
    scorer.add("a", cells((0, 0), (5, 5)), cells((0, 0)), tags={"z": 10, "line": "x"})
    scorer.add("b", cells((0, 0)), cells((0, 0), (9, 9)), tags={"z": 2})
    scorer.add("c", cells(), cells(), tags={"z": 10, "line": "y"})
    return scorer.result()


def test_counts_are_summed_before_they_are_divided(scores: Scores) -> None:
    assert (scores.images, scores.truth, scores.predicted) == (3, 3, 3)
    row = scores.matching["0.50"]
    assert row == pytest.approx(
        {"tp": 2, "fp": 1, "fn": 1, "accuracy": 0.5, "precision": 2 / 3, "recall": 2 / 3,
         "f1": 2 / 3, "fnr": 1 / 3}
    )  # fmt: skip
    assert list(scores.matching) == [f"{k / 100:.2f}" for k in range(50, 100, 5)] + ["mean"]
    assert scores.matching["mean"]["accuracy"] == 0.5
    assert scores.matching["mean"]["fnr"] == pytest.approx(1 / 3)
    assert scores.pixel["iou"] == pytest.approx(18 / 36)
    assert set(scores.coco) == {"segm", "bbox"}
    assert scores.coco["segm"]["APl"] is None


def test_groups_are_scored_like_sets_of_their_own(scores: Scores) -> None:
    assert list(scores.by["z"]) == ["2", "10"]
    assert list(scores.by["line"]) == ["x", "y", NO_TAG]
    alone = score([("b", cells((0, 0)), cells((0, 0), (9, 9)))])
    group = scores.by["z"]["2"]
    assert group == {k: alone.to_json()[k] for k in group}
    assert {"images", "truth", "predicted", "pixel", "matching", "coco"} <= set(group)


def test_each_image_has_a_record(scores: Scores) -> None:
    assert [r["name"] for r in scores.per_image] == ["a", "b", "c"]
    assert scores.per_image[0]["matching"]["0.75"]["fn"] == 1
    assert scores.per_image[1]["tags"] == {"z": 2}


def test_json_there_and_back(scores: Scores) -> None:
    text = json.dumps(scores.to_json(), allow_nan=False)
    assert Scores.from_json(json.loads(text)) == scores
    assert json.loads(text)["schema_version"] == 2
    with pytest.raises(InputError, match="schema version 99"):
        Scores.from_json({**scores.to_json(), "schema_version": 99})
    with pytest.raises(InputError, match="no schema_version"):
        Scores.from_json({})
    with pytest.raises(InputError, match="not complete"):
        Scores.from_json({"schema_version": 1})


def test_an_image_that_does_not_fit_is_named_and_not_counted() -> None:
    scorer = Scorer()
    with pytest.raises(InputError, match=r"^plate 7: .* same image"):
        scorer.add("plate 7", cells(), Instances.empty((9, 9)))
    assert len(scorer) == 0
    with pytest.raises(InputError, match="no image to score"):
        scorer.result()


def test_an_unknown_tag_is_refused() -> None:
    scorer = Scorer(by=["well"])
    scorer.add("a", cells((0, 0)), cells((0, 0)), tags={"z": 1})
    with pytest.raises(InputError, match="'well'; known tags: z"):
        scorer.result()


def test_without_coco() -> None:
    assert score([("a", cells((0, 0)), cells((0, 0)))], coco=False).coco == {}
