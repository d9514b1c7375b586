"""The region under two masks or more, and recall by how much a cell is covered."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings

from cellwright.evaluate import overlapped as module
from cellwright.evaluate.overlapped import SHARES, covered_shares, overlap_region, overlapped
from cellwright.overlap import overlap_map
from cellwright.types import InputError, Instances

from .small import flipped, overlapping, rows, same

ZERO = {"precision": 0, "recall": 0, "f1": 0, "iou": 0}


@pytest.mark.parametrize(
    ("truth", "pred", "tp", "true", "found"),
    [
        ([], [], 0, 0, 0),
        ([(0, 4), (2, 6)], [], 0, 2, 0),
        ([], [(0, 4), (2, 6)], 0, 0, 2),
        ([(0, 1), (0, 1)], [(0, 1), (0, 1)], 1, 1, 1),  # one pixel, full overlap
        ([(0, 4)], [(0, 4), (0, 4)], 0, 0, 4),  # a duplicate is an overlap that is not there
        ([(0, 4), (4, 8)], [(0, 4), (4, 8)], 0, 0, 0),  # neighbours do not overlap
        ([(0, 4), (2, 6)], [(0, 3), (2, 6)], 1, 2, 1),
        ([(0, 6), (0, 6), (0, 6)], [(0, 8), (4, 8)], 2, 6, 4),  # three are one region
    ],
)
def test_region(truth: list, pred: list, tp: int, true: int, found: int) -> None:
    ratio = lambda a, b: a / b if b else 0  # noqa: E731
    pixels = int(np.prod(rows(*truth).shape))
    assert overlap_region(rows(*truth), rows(*pred)) == {
        "accuracy": (pixels - true - found + 2 * tp) / pixels,
        "precision": ratio(tp, found),
        "recall": ratio(tp, true),
        "f1": ratio(2 * tp, true + found),
        "iou": ratio(tp, true + found - tp),
        "area_true": true,
        "area_predicted": found,
    }


def test_pixels_under_a_crowd_are_left_out() -> None:
    truth = rows((0, 4), (2, 6), (3, 12), tags=({}, {}, {"iscrowd": True}))
    found = overlap_region(truth, rows((0, 4), (2, 6), (5, 9)))
    assert (found["area_true"], found["area_predicted"], found["iou"]) == (1, 1, 1)


@pytest.mark.parametrize(
    ("covered", "name"),
    [(0, "0"), (1, "0-0.1"), (2, "0-0.1"), (3, "0.1-0.25"), (5, "0.1-0.25"), (6, "0.25-0.5"),
     (10, "0.25-0.5"), (11, "0.5-1"), (20, "0.5-1")],
)  # fmt: skip
def test_ends_of_the_bins(covered: int, name: str) -> None:
    cell = Instances((4, 8), [[0, 0, 4, 5]], [np.ones((4, 5))])  # 20 pixels
    over = np.zeros((4, 8), dtype=bool)
    flat = np.zeros(20, dtype=bool)
    flat[:covered] = True
    over[:, :5] = flat.reshape(4, 5)
    over[0, 7] = True
    truth = Instances.concatenate([cell, Instances((4, 8), [[0, 0, 4, 8]], [over])])
    shares = covered_shares(truth)
    assert shares.tolist() == [covered / 20, covered / (covered + 1)]
    found = overlapped(truth, truth[:1])
    assert found[name]["recall50"] in (1.0, 1 / 2)  # 1/2 where the other is in the same bin
    assert sum(part["cells"] for part in found.values()) == 2
    assert sum(part["cells"] * np.nan_to_num(part["recall75"]) for part in found.values()) == 1


def test_recall_by_covered_share() -> None:
    truth = rows((0, 4), (3, 7), (9, 12))  # shares 1/4, 1/4, 0
    found = overlapped(truth, rows((0, 4), (9, 11)))
    assert found["0"] == {"cells": 1, "recall50": 1.0, "recall75": 0.0}
    assert found["0.1-0.25"] == {"cells": 2, "recall50": 0.5, "recall75": 0.5}
    assert found["0.5-1"]["cells"] == 0
    assert np.isnan(found["0.5-1"]["recall50"])
    assert list(found) == [name for name, _ in SHARES]


@pytest.mark.parametrize("pred", [rows(), rows((0, 2))])
def test_no_truth_no_recall(pred: Instances) -> None:
    found = overlapped(rows(), pred)
    assert all(part["cells"] == 0 and np.isnan(part["recall50"]) for part in found.values())
    assert overlapped(pred, rows())["0"]["cells"] == len(pred)


def test_crowds_neither_count_nor_cover() -> None:
    truth = rows((0, 4), (2, 12), tags=({}, {"iscrowd": True}))
    found = overlapped(truth, rows((0, 4)))
    assert found["0"] == {"cells": 1, "recall50": 1.0, "recall75": 1.0}
    assert sum(part["cells"] for part in found.values()) == 1


def test_frames_must_be_the_same() -> None:
    with pytest.raises(InputError, match="same image"):
        overlap_region(rows((0, 2)), rows((0, 2), width=9))


def test_strips_give_what_the_whole_frame_gives(monkeypatch: pytest.MonkeyPatch) -> None:
    draw = np.random.default_rng(5)
    boxes = [(r, c, r + h, c + w) for r, c, h, w in draw.integers(1, 8, (40, 4)).tolist()]
    masks = [draw.random((d - b, e - c)) < 0.6 for b, c, d, e in boxes]
    cells = Instances((16, 16), boxes, tuple(masks))
    truth, pred = cells[:20], cells[10:]
    tagged = Instances(truth.shape, truth.boxes, truth.masks,
                       tags=({"iscrowd": True},) + ({},) * 19)  # fmt: skip
    whole = overlap_region(truth, pred), overlapped(truth, pred), overlap_region(tagged, pred)
    assert whole[0]["area_true"] == np.count_nonzero(overlap_map(truth)) > 0
    assert whole[2]["area_true"] < whole[0]["area_true"]
    for rows_at_once in (1, 3, 8):
        monkeypatch.setattr(module, "STRIP_PIXELS", rows_at_once * 16)
        strips = overlap_region(truth, pred), overlapped(truth, pred), overlap_region(tagged, pred)
        assert all(same(a, b) for a, b in zip(whole, strips, strict=True))


@settings(max_examples=50, deadline=None)
@given(overlapping, overlapping)
def test_properties(truth: Instances, pred: Instances) -> None:
    region, cells = overlap_region(truth, pred), overlapped(truth, pred)
    assert all(0 <= region[k] <= 1 for k in ("precision", "recall", "f1", "iou"))
    other = overlap_region(pred, truth)
    assert (region["precision"], region["recall"]) == (other["recall"], other["precision"])
    assert sum(part["cells"] for part in cells.values()) == len(truth)
    assert not any(part["recall75"] > part["recall50"] for part in cells.values())
    for first, second in ((truth[::-1], pred[::-1]), (flipped(truth), flipped(pred))):
        assert same(region, overlap_region(first, second))
        again = overlapped(first, second)  # of equal pairs, one or the other may be matched
        for count in (lambda p: p["cells"], lambda p: p["cells"] * np.nan_to_num(p["recall50"])):
            assert sum(map(count, again.values())) == pytest.approx(sum(map(count, cells.values())))
        assert [p["cells"] for p in again.values()] == [p["cells"] for p in cells.values()]
    perfect = overlap_region(truth, truth)
    assert perfect["iou"] == (1 if perfect["area_true"] else 0)
    assert {p["recall75"] for p in overlapped(truth, truth).values() if p["cells"]} <= {1.0}
