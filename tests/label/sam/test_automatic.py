"""Automatic masks, with SAM and with a segmenter that needs no weights."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cellwright.label import sam
from cellwright.label.automatic import AutomaticSegmenter, Thresholds, choose, suppress
from cellwright.label.candidates import crop_boxes, find_candidates, point_grid
from cellwright.label.prompting import prompt_segmenter
from cellwright.synth import simulate_field
from cellwright.types import Image, InputError, Segmenter

torch = pytest.importorskip("torch")


@pytest.fixture(scope="module")
def candidates(sam_folder: Path, picture: Image) -> Any:
    """What a small SAM brings up."""
    return find_candidates(sam.build(sam_folder, device="cpu"), picture, points_per_side=6)


def test_points_lie_in_the_middle_of_equal_parts() -> None:
    grid = point_grid((10, 20), 2)
    assert grid.tolist() == [[2.5, 5], [2.5, 15], [7.5, 5], [7.5, 15]]


@pytest.mark.parametrize("shape", [(90, 120), (700, 512)])
@pytest.mark.parametrize("layers", [0, 1, 2])
def test_crops_equal_the_original(shape: tuple[int, int], layers: int) -> None:
    pytest.importorskip("segment_anything")
    from segment_anything.utils.amg import generate_crop_boxes

    boxes, layer = crop_boxes(shape, layers, 512 / 1500)
    expected, expected_layer = generate_crop_boxes(shape, layers, 512 / 1500)
    theirs = sorted((y0, x0, y1, x1) for x0, y0, x1, y1 in expected)
    assert sorted(map(tuple, boxes.tolist())) == theirs
    assert sorted(layer.tolist()) == sorted(expected_layer)


def test_candidates_equal_the_original_generator(original_sam: Any, tmp_path: Path) -> None:
    pytest.importorskip("segment_anything")
    from segment_anything import SamAutomaticMaskGenerator

    rows, cols = np.mgrid[:48, :64]
    shown = (120 + 90 * np.sin(rows / 6) * np.cos(cols / 5)).astype(np.uint8)
    shown = np.repeat(shown[..., None], 3, axis=-1)
    theirs = SamAutomaticMaskGenerator(
        original_sam,
        points_per_side=4,
        pred_iou_thresh=0.0,
        stability_score_thresh=0.0,
        box_nms_thresh=1.0,
    ).generate(shown)
    torch.save(original_sam.state_dict(), tmp_path / "sam.pth")
    worker = sam.build(tmp_path / "sam.pth", device="cpu")
    mine = find_candidates(worker, Image(np.moveaxis(shown, -1, 0), "CYX"), points_per_side=4)
    expected = {(t["area"], round(t["stability_score"], 3)) for t in theirs}
    found = set(zip(mine.instances.areas.tolist(), mine.stability.round(3).tolist(), strict=True))
    assert len(expected) > 5
    assert expected <= found
    assert mine.points == 16


def test_thresholds_take_away_and_are_accounted_for(candidates: Any) -> None:
    total = len(candidates.instances)
    assert total > 20
    middle = float(np.median(candidates.instances.scores))
    limits = Thresholds(predicted_iou=middle, stability=0.2, min_size=30, box_nms=0.6)
    outcome = choose(candidates, limits)
    assert len(outcome.instances) + sum(outcome.dropped.values()) == total
    assert (outcome.instances.scores >= middle).all()
    assert (outcome.instances.areas >= 30).all()
    assert (np.diff(outcome.instances.scores) <= 0).all()
    assert outcome.dropped["predicted_iou"] == (candidates.instances.scores < middle).sum()
    everything = Thresholds(predicted_iou=0, stability=0, min_size=0, box_nms=1, crop_nms=1)
    assert len(choose(candidates, everything).instances) == total


def test_nothing_says_why(candidates: Any) -> None:
    outcome = choose(candidates, Thresholds(predicted_iou=1.0))
    best = candidates.instances.scores.max()
    assert len(outcome.instances) == 0
    assert f"{outcome.dropped['predicted_iou']} predicted IoU below 1" in outcome.message
    assert f"best predicted IoU is {best:.2f}" in outcome.message
    assert "lower the threshold" in outcome.message


def test_crops_bring_candidates_in_coordinates_of_the_image(
    sam_folder: Path, picture: Image
) -> None:
    worker = sam.build(sam_folder, device="cpu")
    found = find_candidates(
        worker, picture, points_per_side=4, crop_layers=1, crop_points_divisor=2
    )
    assert len(found.crops) == 5
    assert found.points == 16 + 4 * 4
    for number, (r0, c0, r1, c1) in enumerate(found.crops):
        boxes = found.instances.boxes[found.crop == number]
        assert (boxes >= (r0, c0, r0, c0)).all()
        assert (boxes <= (r1, c1, r1, c1)).all()
    assert not found.cut[found.crop == 0].any()


def test_suppression_keeps_the_better_of_two() -> None:
    boxes = np.array([[0, 0, 10, 10], [0, 0, 10, 9], [20, 20, 30, 30], [0, 0, 10, 4]])
    assert suppress(boxes, np.array([0.5, 0.9, 0.1, 0.4]), 0.7).tolist() == [1, 3, 2]
    assert suppress(boxes[:0], np.zeros(0), 0.7).tolist() == []


def test_it_works_without_weights(caplog: pytest.LogCaptureFixture) -> None:
    field = simulate_field(3, shape=(96, 96), overlap=0.0)
    worker = AutomaticSegmenter(
        segmenter=prompt_segmenter("region"),
        thresholds=Thresholds(predicted_iou=0.0, stability=0.95),
        options={"points_per_side": 8},
    )
    assert isinstance(worker, Segmenter)
    outcome = worker.generate(field.image)
    assert 0 < len(outcome.instances) <= 64
    assert outcome.dropped["stability"] == 0
    strict = AutomaticSegmenter(
        segmenter=worker.segmenter,
        thresholds=Thresholds(min_size=10**6, predicted_iou=0),
        options={"points_per_side": 2},
    )
    with caplog.at_level(logging.WARNING):
        assert len(strict.segment(field.image)) == 0
    assert "smaller than 1000000 px" in caplog.text


def test_thresholds_outside_of_their_range_are_refused() -> None:
    with pytest.raises(InputError, match=r"stability=95.*between 0 and 1"):
        Thresholds(stability=95)
