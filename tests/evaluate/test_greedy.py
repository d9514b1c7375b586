"""COCO's matching by hand: at most 8 x 8 pixels, every rule once."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cellwright.evaluate.coco import AveragePrecision
from cellwright.evaluate.greedy import COCO_THRESHOLDS, Overlaps, detections
from cellwright.evaluate.precision_recall import Ranking
from cellwright.geometry import flip
from cellwright.types import Instances

ANY = [(0.0, 1e10)]


def row(*runs: tuple[int, int], scores: list[float] | None = None, crowd: str = "") -> Instances:
    """Cells in one row of eight pixels, from column a to column b (not included)."""
    return Instances(
        (1, 8),
        [(0, a, 1, b) for a, b in runs],
        tuple(np.ones((1, b - a)) for a, b in runs),
        scores,
        tags=tuple({"iscrowd": c == "c"} for c in crowd),
    )


def figures(truth: Instances, pred: Instances, **options: object) -> dict[str, float | None]:
    gathered = AveragePrecision(kinds=["segm"], **options)  # type: ignore[arg-type]
    gathered.add(truth, pred)
    return gathered.figures()["segm"]


@pytest.mark.parametrize(
    ("truth", "pred", "wanted"),
    [
        (row(), row(), None),
        (row(), row((0, 2)), None),  # nothing to find: not defined
        (row((0, 2)), row(), 0.0),
        (row((3, 4)), row((3, 4)), 1.0),  # one pixel
        (row((0, 8)), row((0, 8)), 1.0),  # the whole frame
        (row((0, 4)), row((0, 4), (0, 4), scores=[0.9, 0.8]), 1.0),  # the duplicate comes second
        (row((0, 4)), row((5, 8), (0, 4), scores=[0.9, 0.8]), 0.5),  # a false one comes first
        (row((0, 4), (4, 8)), row((0, 4)), 51 / 101),  # half of the cells: recalls 0 to 0.50
        (row((0, 4)), row((0, 2)), 0.1),  # IoU 0.5 counts at 0.50 only
        (row((0, 8)), row((0, 4), (4, 8), scores=[0.9, 0.8]), 0.1),  # split
        (row((0, 4), (0, 4)), row((0, 4), (0, 4), scores=[0.9, 0.8]), 1.0),  # cells on one another
    ],
)
def test_average_precision_by_hand(truth: Instances, pred: Instances, wanted: float) -> None:
    assert figures(truth, pred)["AP"] == (None if wanted is None else pytest.approx(wanted))


def test_the_surer_prediction_chooses_first_and_the_better_fit_may_lose() -> None:
    # 0.6 fits less well but is surer: it takes the cell, the exact one is a false positive
    truth, pred = row((0, 5)), row((0, 3), (0, 5), scores=[0.9, 0.8])
    assert figures(truth, pred)["AP50"] == pytest.approx(1)
    assert figures(truth, pred)["AP75"] == pytest.approx(0.5)


def test_of_equal_fits_the_last_cell_is_taken() -> None:
    found = Overlaps(
        np.array([0, 1]), np.array([0, 0]), np.array([0.7, 0.7]),
        np.array([50, 2000]), np.array([False, False]), np.array([60]), np.array([0.9]),
    )  # fmt: skip
    done = detections(found, bins=[(0, 1e10), (0, 1024)], max_detections=9)
    # in the small bin the large cell is ignored, and a cell that counts goes first
    assert done.right[0, 0].tolist() == [True, True]
    large = Overlaps(
        found.i, found.j, found.iou, np.array([2000, 2000]), found.crowd, found.pred_areas,
        found.scores,
    )  # fmt: skip
    done = detections(large, bins=[(0, 1e10), (0, 1024)], max_detections=9)
    assert done.right[0, 0].tolist() == [True, False]
    assert done.wrong[0, 0].tolist() == [False, False]  # it took an ignored cell
    assert done.cells.tolist() == [2, 0]


def test_a_crowd_takes_any_number_and_counts_nothing() -> None:
    truth = row((0, 6), (6, 8), crowd="c-")
    pred = row((0, 2), (2, 4), (6, 8), scores=[0.9, 0.8, 0.7])
    assert figures(truth, pred)["AP"] == pytest.approx(1)
    assert figures(row((0, 6), crowd="c"), pred)["AP"] is None


def test_unmatched_predictions_outside_the_bin_are_ignored() -> None:
    truth, pred = row((0, 2)), row((3, 8), (0, 2), scores=[0.9, 0.8])
    found = figures(truth, pred, areas={"tiny": (0, 3)})
    assert found["AP"] == pytest.approx(0.5)
    assert found["APtiny"] == pytest.approx(1)
    assert found["ARtiny"] == 1


def test_the_limit_counts_per_image_and_class() -> None:
    pred = row((4, 8), (0, 4), scores=[0.9, 0.8])
    assert figures(row((0, 4)), pred, max_detections=1)["AR"] == 0
    assert figures(row((0, 4)), pred, max_detections=2)["AR"] == 1


def test_thresholds_are_those_of_coco_to_the_last_bit() -> None:
    assert COCO_THRESHOLDS.tolist() == np.linspace(0.5, 0.95, 10, endpoint=True).tolist()


@given(seed=st.integers(0, 10**6))
@settings(max_examples=40, deadline=None)
def test_greedy_rounds_equal_one_after_the_other(seed: int) -> None:
    rng = np.random.default_rng(seed)
    cells, found = int(rng.integers(1, 6)), int(rng.integers(1, 9))
    iou = np.round(rng.uniform(0.3, 1, (cells, found)), 1) * (rng.random((cells, found)) < 0.6)
    crowd, scores = rng.random(cells) < 0.2, np.round(rng.random(found), 1)
    true_areas, pred_areas = rng.choice([10, 2000], cells), rng.choice([10, 2000], found)
    i, j = np.nonzero(iou)
    bins = [(0.0, 1e10), (0.0, 100.0)]
    done = detections(
        Overlaps(i, j, iou[i, j], true_areas, crowd, pred_areas, scores),
        bins=bins,
        max_detections=6,
    )
    order = np.argsort(-scores, kind="stable")[:6]
    for a, (low, high) in enumerate(bins):
        ignored = crowd | (true_areas < low) | (true_areas > high)
        for t, threshold in enumerate(COCO_THRESHOLDS):
            free = np.ones(cells, dtype=bool)
            for d, p in enumerate(order):
                fits = [g for g in range(cells) if free[g] and 0 < threshold <= iou[g, p]]
                best = [g for g in fits if not ignored[g]] or fits
                outside = pred_areas[p] < low or pred_areas[p] > high
                if best:
                    taken = max(best, key=lambda g: (iou[g, p], g))
                    free[taken] = crowd[taken]
                    wanted = (not ignored[taken], False)
                else:
                    wanted = (False, not outside)
                assert (done.right[d, t, a], done.wrong[d, t, a]) == wanted


def random_pair(seed: int) -> tuple[Instances, Instances]:
    rng = np.random.default_rng(seed)

    def some(count: int) -> Instances:
        low = rng.integers(0, 6, size=(count, 2))
        high = low + rng.integers(1, 3, size=(count, 2))
        masks = tuple(np.ones(tuple(h - w), bool) for w, h in zip(low, high, strict=True))
        return Instances((8, 8), np.hstack([low, high]), masks, rng.permutation(count) / 9)

    return some(int(rng.integers(1, 5))), some(int(rng.integers(0, 6)))


@given(seed=st.integers(0, 10**6))
@settings(max_examples=40, deadline=None)
def test_bounds_order_flips_and_thresholds(seed: int) -> None:
    truth, pred = random_pair(seed)
    found = figures(truth, pred)
    assert all(v is None or -1e-9 <= v <= 1 + 1e-9 for v in found.values())
    assert found["AP50"] >= found["AP75"] - 1e-9  # type: ignore[operator]
    assert found["AP50"] >= found["AP"] - 1e-9  # type: ignore[operator]
    assert found["AFNR"] == pytest.approx(1 - found["AR"])  # type: ignore[operator]
    assert figures(flip(truth, 0), flip(pred, 0)) == found
    assert figures(truth, truth)["AP"] == pytest.approx(1)


@given(seed=st.integers(0, 10**6))
@settings(max_examples=15, deadline=None)
def test_resamples_are_as_if_the_images_came_so_often(seed: int) -> None:
    pairs = [random_pair(seed + k) for k in range(4)]
    gathered = AveragePrecision()
    for truth, pred in pairs:
        gathered.add(truth, pred)
    drawn = np.array([[1, 1, 1, 1], [2, 0, 1, 1], [0, 0, 4, 0]])
    spread = gathered.resampled(drawn)
    for b, times in enumerate(drawn):
        again = AveragePrecision()
        for (truth, pred), n in zip(pairs, times, strict=True):
            for _ in range(n):
                again.add(truth, pred)
        for kind, alone in again.figures().items():
            for name, values in spread[kind].items():
                # equal scores in other images may change places; these have distinct ones
                assert values[b] == pytest.approx(alone[name], abs=0.15)
    assert {k: v[0] for k, v in spread["segm"].items()} == pytest.approx(
        {k: gathered.figures()["segm"][k] for k in spread["segm"]}
    )


def test_detections_are_kept_small() -> None:
    count = 1000
    done = detections(
        Overlaps(
            np.arange(count), np.arange(count), np.ones(count), np.full(count, 50),
            np.zeros(count, bool), np.full(count, 50), np.linspace(0, 1, count),
        ),
        bins=[*ANY, (0, 100), (100, 1e10), (0, 1)], max_detections=2000,
    )  # fmt: skip
    ranking = Ranking((len(COCO_THRESHOLDS), 4))
    ranking.add(0, done)
    ranked = ranking.of(np.array([0]))
    assert ranked.right.nbytes + ranked.wrong.nbytes == 10 * count
    precision, recall = ranked.precision()
    assert recall[:, :2].min() == 1
    assert (precision[..., 2:] == -1).all()
