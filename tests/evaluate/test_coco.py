"""COCO average precision: equality with pycocotools, options, groups of images."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from cellwright.evaluate.coco import AveragePrecision
from cellwright.types import InputError, Instances


@pytest.fixture(scope="module")
def equality(repository: Path) -> ModuleType:
    """The benchmark that compares our figures with those of others' code."""
    path = repository / "benchmarks" / "metrics_equality.py"
    spec = importlib.util.spec_from_file_location("metrics_equality", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def squares(*corners: tuple[int, int], side: int = 4, **facts: object) -> Instances:
    boxes = [(r, c, r + side, c + side) for r, c in corners]
    return Instances((40, 40), boxes, tuple(np.ones((side, side)) for _ in corners), **facts)


@pytest.mark.parametrize(
    ("package", "figures"),
    [("pycocotools", "pycocotools_figures"), ("faster_coco_eval", "faster_figures")],
)
def test_random_cases_equal_others(equality: ModuleType, package: str, figures: str) -> None:
    pytest.importorskip(package)
    worst = list(equality.random_coco(60, seed=1, peer=getattr(equality, figures)))
    assert len(worst) == 60
    assert max(gap for gap, _ in worst) < 1e-9


@pytest.mark.parametrize("case", ["detectron2_toy", "object_detection_metrics"])
def test_peer_cases(equality: ModuleType, data_dir: Path, case: str) -> None:
    pytest.importorskip("pycocotools")
    if not (data_dir / "peer_metrics").is_dir():
        pytest.skip("the peer cases are not on this machine")
    ours, theirs, recorded = getattr(equality, case)(data_dir)
    assert max(equality.difference(ours[kind], theirs[kind]) for kind in theirs) < 1e-9
    assert equality.recorded_difference(ours, recorded) < 1e-6


def test_matching_equals_stardist_on_random_label_images(equality: ModuleType) -> None:
    pytest.importorskip("stardist")
    assert list(equality.matching_against_stardist(40, seed=1)) == [0] * 40


def test_matching_of_overlaps_equals_a_dense_assignment(equality: ModuleType) -> None:
    assert list(equality.matching_against_dense(40, seed=1)) == [0] * 40


def test_groups_of_images_are_as_if_alone() -> None:
    truth = [squares((0, 0), (10, 10)), squares((5, 5)), squares((20, 20), (30, 30))]
    pred = [
        squares((0, 1), (10, 10), scores=[0.5, 0.9]),
        squares((5, 6), (0, 0), scores=[0.7, 0.8]),
        squares((20, 20), scores=[0.9]),
    ]
    together = AveragePrecision()
    for a, b in zip(truth, pred, strict=True):
        together.add(a, b)
    alone = AveragePrecision()
    for k in (0, 2):
        alone.add(truth[k], pred[k])
    assert len(together) == 3
    assert together.figures([2, 0]) == alone.figures()
    assert together.figures() != alone.figures()


def test_no_truth_has_no_average_precision() -> None:
    gathered = AveragePrecision()
    assert set(gathered.figures()["segm"].values()) == {None}
    gathered.add(squares(), squares((0, 0)))
    gathered.add(squares(), squares())
    assert set(gathered.figures()["bbox"].values()) == {None}
    assert gathered.curves() == {}
    gathered.add(squares((0, 0)), squares())
    assert gathered.figures()["segm"]["AP50"] == 0
    assert gathered.figures()["segm"]["AFNR"] == 1


def test_detections_beyond_the_limit_do_not_count() -> None:
    truth = squares((0, 0), (10, 10))
    pred = squares((20, 20), (0, 0), (10, 10), scores=[0.9, 0.8, 0.7])
    found = {}
    for most in (1, 2, 3):
        gathered = AveragePrecision(max_detections=most, kinds=["segm"])
        gathered.add(truth, pred)
        found[most] = gathered.figures()["segm"]["AP50"]
    assert found[1] == 0
    assert 0 < found[2] < found[3]


def test_more_than_a_hundred_cells_count() -> None:
    corners = [(r, c) for r in range(0, 40, 3) for c in range(0, 40, 3)]
    assert len(corners) > 100
    cells = squares(*corners, side=1)
    gathered = AveragePrecision()
    gathered.add(cells, cells)
    assert gathered.figures()["segm"]["AP"] == pytest.approx(1)


def test_area_bins_are_free() -> None:
    gathered = AveragePrecision(areas={"tiny": (0, 10), "rest": (10, 1e10)})
    gathered.add(squares((0, 0)), squares((0, 0)))
    figures = gathered.figures()["segm"]
    assert figures["APtiny"] is None
    assert figures["APrest"] == pytest.approx(1)


def test_bad_options_are_refused() -> None:
    with pytest.raises(InputError, match="segm, bbox"):
        AveragePrecision(kinds=["keypoints"])
    with pytest.raises(InputError, match="max_detections"):
        AveragePrecision(max_detections=0)
