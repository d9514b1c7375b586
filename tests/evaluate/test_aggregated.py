"""AJI and AJI+: hand-made cases, a dense reference, properties."""

from __future__ import annotations

import math
from itertools import permutations

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from cellwright.evaluate.aggregated import AGGREGATED, aggregated_jaccard
from cellwright.evaluate.comparison import Comparison
from cellwright.geometry import flip, from_label_map, from_masks
from cellwright.types import Instances


def row(*runs: tuple[int, int], width: int = 8, **facts: object) -> Instances:
    """Cells in one row of pixels, each from column a to column b (not included)."""
    boxes = [(0, a, 1, b) for a, b in runs]
    return Instances((1, width), boxes, tuple(np.ones((1, b - a)) for a, b in runs), **facts)


@pytest.mark.parametrize(
    ("truth", "pred", "aji", "plus"),
    [
        ([], [(0, 2)], 0, 0),
        ([(0, 2)], [], 0, 0),
        ([(0, 1)], [(0, 1)], 1, 1),  # one pixel
        ([(0, 8)], [(0, 8)], 1, 1),  # the whole frame
        ([(0, 4)], [(4, 8)], 0, 0),  # side by side
        ([(0, 4)], [(0, 3)], 3 / 4, 3 / 4),
        ([(0, 4)], [(0, 4), (0, 4)], 4 / 8, 4 / 8),  # a duplicate adds its pixels
        ([(0, 4), (0, 4)], [(0, 4), (0, 4)], 8 / 12, 1),  # both take the first, one is left
        ([(0, 4), (0, 4)], [(0, 4)], 8 / 8, 4 / 8),  # both take the only one
        ([(0, 8)], [(0, 5), (5, 8)], 5 / 11, 5 / 11),  # split
        ([(0, 4), (4, 8)], [(0, 6)], 6 / 14, 4 / 10),  # merge
        ([(0, 3), (5, 8)], [(0, 3)], 3 / 6, 3 / 6),  # a miss adds its pixels
        # the pair of the largest IoU (3/4) is given up for pairs of 2/3 and 1/5
        ([(0, 3), (3, 5)], [(0, 2), (0, 4)], 4 / 11, 3 / 8),
    ],
)
def test_hand_made(truth: list, pred: list, aji: float, plus: float) -> None:
    found = aggregated_jaccard(row(*truth), row(*pred))
    assert found == pytest.approx({"aji": aji, "aji_plus": plus})


def test_nothing_on_either_side_is_left_out_of_the_mean() -> None:
    assert all(math.isnan(v) for v in aggregated_jaccard(row(), row()).values())
    parts = [AGGREGATED.count(Comparison(*p)) for p in ((row(), row()), (row((0, 4)), row((0, 3))))]
    sums = {k: sum(p[k] for p in parts) for k in parts[0]}
    assert AGGREGATED.divide(sums) == {"aji": 0.75, "aji_plus": 0.75}


def test_classes_and_crowds() -> None:
    names = ("alive", "dead")
    truth = row((0, 4), classes=[0], class_names=names)
    assert aggregated_jaccard(truth, row((0, 4), classes=[1], class_names=names))["aji"] == 0
    crowd = row((0, 4), (5, 8), tags=({"iscrowd": True}, {}))
    assert aggregated_jaccard(crowd, row((0, 3), (5, 8)))["aji_plus"] == 1
    assert aggregated_jaccard(crowd, row((2, 6), (5, 8)))["aji_plus"] == 3 / 7


def dense(truth: np.ndarray, pred: np.ndarray) -> tuple[float, float]:
    """AJI and the best AJI+ by definition, on full frames; every assignment is tried."""
    shared = np.array([[(a & b).sum() for b in pred] for a in truth], float)
    union = np.array([[(a | b).sum() for b in pred] for a in truth], float)
    areas, found = truth.sum((1, 2)), pred.sum((1, 2))
    best = (shared / union).argmax(1)
    hit = shared.max(1) > 0
    taken = {int(j) for j, h in zip(best, hit, strict=True) if h}
    at = np.flatnonzero(hit), best[hit]
    whole = union[at].sum() + areas[~hit].sum()
    whole += sum(found[j] for j in range(len(pred)) if j not in taken)
    aji = shared[at].sum() / whole
    size = max(len(truth), len(pred))
    padded = np.zeros((size, size))
    padded[: len(truth), : len(pred)] = shared / union
    order = max(permutations(range(size)), key=lambda p: padded[range(size), p].sum())
    pairs = [(i, j) for i, j in enumerate(order) if padded[i, j] > 0]
    inside = sum(shared[p] for p in pairs)
    outside = areas.sum() + found.sum() - inside  # a pair's union counts its shared pixels once
    return aji, inside / outside


@pytest.mark.parametrize("seed", range(20))
def test_as_a_dense_reference(seed: int) -> None:
    rng = np.random.default_rng(seed)
    sides = []
    for count in rng.integers(1, 6, 2):
        corner, size = rng.integers(0, 9, (2, count, 2))
        masks = np.zeros((count, 16, 16), bool)
        for mask, (r, c), (h, w) in zip(masks, corner, size, strict=True):
            mask[r : r + h + 2, c : c + w + 2] = True
        sides.append(masks)
    aji, plus = dense(*sides)
    found = aggregated_jaccard(from_masks(sides[0]), from_masks(sides[1]))
    assert found == pytest.approx({"aji": aji, "aji_plus": plus}, abs=1e-12)


run = st.tuples(st.integers(0, 6), st.integers(1, 5)).map(lambda r: (r[0], min(r[0] + r[1], 8)))
cells = st.lists(run, min_size=1, max_size=5, unique=True).map(lambda found: row(*found))


@settings(max_examples=60, deadline=None)
@given(cells, cells)
def test_properties(truth: Instances, pred: Instances) -> None:
    found = aggregated_jaccard(truth, pred)
    assert all(0 <= v <= 1 for v in found.values())
    assert aggregated_jaccard(truth, truth) == {"aji": 1, "aji_plus": 1}
    # equal IoU leave a choice, and with it the order of the cells
    iou = Comparison(truth, pred).masks.iou
    assume(len(np.unique(iou.round(9))) == len(iou))
    assert aggregated_jaccard(flip(truth, 1), flip(pred, 1)) == pytest.approx(found)
    assert aggregated_jaccard(truth[::-1], pred[::-1]) == pytest.approx(found)
    assert aggregated_jaccard(pred, truth)["aji_plus"] == pytest.approx(found["aji_plus"])


#: (AJI, AJI+) of `discs` by HoVer-Net's published evaluation (github.com/vqdang/hover_net,
#: commit 5847ebf), which is not a package; with its metrics folder on the path:
#: python -c "from stats_utils import *; print(get_fast_aji(*maps), get_fast_aji_plus(*maps))"
#: where maps = discs(0), discs(1) ...
RECORDED = {
    0: (0.1630170316301703, 0.17778263721845616),
    1: (0.17575148622624132, 0.17354241212376342),
    2: (0.19692222631772946, 0.21266862170087977),
    3: (0.21039381406221902, 0.21610565684899485),
    4: (0.17040233885563136, 0.21217907914279652),
}


def discs(seed: int) -> list[np.ndarray]:
    """Two label maps, 1 ... N, of discs at unrelated places: many small overlaps."""
    rng = np.random.default_rng(seed)
    row, column = np.mgrid[:90, :110]
    maps = []
    for count in (40, 35):
        ids = np.zeros((90, 110), np.int32)
        for k, (y, x, size) in enumerate(rng.uniform((0, 0, 4), (90, 110, 12), (count, 3)), 1):
            ids[(row - y) ** 2 + (column - x) ** 2 <= size**2] = k
        maps.append(np.unique(ids, return_inverse=True)[1].reshape(ids.shape))
    return maps


@pytest.mark.parametrize("seed", RECORDED)
def test_as_in_hover_net(seed: int) -> None:
    found = aggregated_jaccard(*(from_label_map(ids) for ids in discs(seed)))
    assert (found["aji"], found["aji_plus"]) == pytest.approx(RECORDED[seed], rel=0, abs=1e-9)
