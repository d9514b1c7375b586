"""Matching figures equal to those of StarDist and of Cellpose, on the same label images.

StarDist holds IoU in float32, which is enough for its counts but not for sums of IoU: its
division is done in float64 here, so that its sums can be compared to nine digits, and once as
it is, to six. Cellpose's aggregated Jaccard index and boundary scores are others than those of
the papers (Kumar et al. 2017; Csurka et al. 2013) and are not compared.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from cellwright.evaluate import ratios
from cellwright.evaluate.comparison import Comparison
from cellwright.evaluate.match import MATCHING, THRESHOLDS, match
from cellwright.evaluate.matched import MATCHED, matched
from cellwright.evaluate.panoptic import PANOPTIC
from cellwright.evaluate.resample import total
from cellwright.geometry import from_label_map

CLOSE = 1e-9
SHAPE = (96, 112)


def pictures(images: int = 6) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """True and predicted label images: round cells that are moved, cut, joined, lost, made up."""
    draw = np.random.default_rng(11)
    row, col = np.mgrid[: SHAPE[0], : SHAPE[1]]
    for _ in range(images):
        true, pred = np.zeros(SHAPE, np.int32), np.zeros(SHAPE, np.int32)
        for k in range(1, 31):
            r, c = draw.uniform(0, SHAPE[0]), draw.uniform(0, SHAPE[1])
            size = draw.uniform(3, 11)
            true[(row - r) ** 2 + (col - c) ** 2 <= size**2] = k
            fate = draw.integers(10)
            if fate == 0:
                continue
            r, c = r + draw.normal(0, 1.5), c + draw.normal(0, 1.5)
            size *= draw.uniform(0.8, 1.2)
            cell = (row - r) ** 2 + (col - c) ** 2 <= size**2
            pred[cell] = k - 1 if fate == 1 and k > 1 else k
            if fate in (2, 3):
                pred[cell & (col > c + size * draw.uniform(-0.5, 0.5))] = 100 + k
        pred[:3, :3] = 200
        yield true, pred


def sides() -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Images with nothing on one side, on the other, on both; one pixel; two exact halves."""
    (true, pred) = next(pictures(1))
    nothing = np.zeros(SHAPE, np.int32)
    yield from ((true, nothing), (nothing, pred), (nothing, nothing), (true, true))
    one = nothing.copy()
    one[4, 5] = 3
    halves = nothing.copy()
    halves[10:14, 10:18] = 1
    cut = halves.copy()
    cut[10:14, 14:18] = 2
    yield from ((one, one), (halves, cut), (cut, halves))


PAIRS = [*pictures(), *sides()]


@pytest.fixture
def stardist(monkeypatch: pytest.MonkeyPatch) -> object:
    """StarDist's matching, with IoU in float64."""
    module = pytest.importorskip("stardist.matching")
    monkeypatch.setattr(module, "_safe_divide", lambda x, y: ratios.ratio(x, y))
    return module


@pytest.fixture(scope="module")
def cellpose() -> object:
    """Cellpose's metrics."""
    return pytest.importorskip("cellpose.metrics")


@pytest.mark.parametrize("n", range(len(PAIRS)))
def test_stardist_image(stardist: object, n: int) -> None:
    true, pred = PAIRS[n]
    truth, found = from_label_map(true), from_label_map(pred)
    seen = Comparison(truth, found)
    ours = MATCHING(truth, found)
    for threshold, theirs in zip(
        THRESHOLDS, stardist.matching(true, pred, THRESHOLDS), strict=True
    ):
        at = ours[f"{threshold:.2f}"]
        for name in ("tp", "fp", "fn", "precision", "recall", "accuracy", "f1"):
            assert at[name] == pytest.approx(getattr(theirs, name), abs=CLOSE), (threshold, name)
        fit = seen.matched(threshold).iou
        assert ratios.ratio(fit.sum(), len(fit)) == pytest.approx(
            theirs.mean_matched_score, abs=CLOSE
        )
        assert ratios.ratio(fit.sum(), theirs.n_true) == pytest.approx(
            theirs.mean_true_score, abs=CLOSE
        )
    mean = np.mean([m.accuracy for m in stardist.matching(true, pred, THRESHOLDS)])
    assert ours["mean"]["accuracy"] == pytest.approx(mean, abs=CLOSE)


@pytest.mark.parametrize("n", range(len(PAIRS)))
def test_stardist_fit_of_matches(stardist: object, n: int) -> None:
    true, pred = PAIRS[n]
    theirs = stardist.matching(true, pred, 0.5)
    ours = matched(from_label_map(true), from_label_map(pred))["masks"]
    for name in ("precision", "recall", "f1"):
        assert ours[name] == pytest.approx(getattr(theirs, name), abs=CLOSE)
    # the mean of no match is not defined here, and 0 in StarDist
    assert np.nan_to_num(ours["iou"]) == pytest.approx(theirs.mean_matched_score, abs=CLOSE)
    assert np.isnan(ours["iou"]) == (theirs.tp == 0)


def test_stardist_set(stardist: object) -> None:
    true, pred = zip(*PAIRS, strict=True)
    theirs = stardist.matching_dataset(true, pred, thresh=THRESHOLDS, show_progress=False)
    seen = [Comparison(from_label_map(t), from_label_map(p)) for t, p in PAIRS]
    ours = MATCHING.divide(total([MATCHING.count(s) for s in seen]))
    for threshold, stats in zip(THRESHOLDS, theirs, strict=True):
        at = ours[f"{threshold:.2f}"]
        for name in ("tp", "fp", "fn", "precision", "recall", "accuracy", "f1"):
            assert at[name] == pytest.approx(getattr(stats, name), abs=CLOSE), (threshold, name)
    half = theirs[0]
    fit = MATCHED.divide(total([MATCHED.count(s) for s in seen]))["masks"]["iou"]
    assert fit == pytest.approx(half.mean_matched_score, abs=CLOSE)


def test_stardist_by_image(stardist: object) -> None:
    true, pred = zip(*PAIRS, strict=True)
    theirs = stardist.matching_dataset(true, pred, thresh=0.5, by_image=True, show_progress=False)
    each = [MATCHING(from_label_map(t), from_label_map(p))["0.50"] for t, p in PAIRS]
    for name in ("precision", "recall", "accuracy", "f1"):
        assert np.mean([e[name] for e in each]) == pytest.approx(getattr(theirs, name), abs=CLOSE)


def test_stardist_as_it_is() -> None:
    theirs = pytest.importorskip("stardist.matching").matching(*PAIRS[0], 0.5)
    ours = matched(*map(from_label_map, PAIRS[0]))["masks"]
    assert ours["iou"] == pytest.approx(theirs.mean_matched_score, abs=1e-6)
    assert ours["f1"] == pytest.approx(theirs.f1, abs=CLOSE)


def test_stardist_panoptic_quality(stardist: object) -> None:
    true, pred = zip(*PAIRS, strict=True)
    above = np.nextafter(0.5, 1)  # an IoU of exactly 0.5 is no match in PQ (Kirillov et al. 2019)
    theirs = stardist.matching_dataset(true, pred, thresh=above, show_progress=False)
    seen = [Comparison(from_label_map(t), from_label_map(p)) for t, p in PAIRS]
    ours = PANOPTIC.divide(total([PANOPTIC.count(s) for s in seen]))
    assert ours["pq"] == pytest.approx(theirs.panoptic_quality, abs=CLOSE)


@pytest.mark.parametrize("n", range(len(PAIRS)))
def test_cellpose_average_precision(cellpose: object, n: int) -> None:
    true, pred = PAIRS[n]
    ours = match(from_label_map(true), from_label_map(pred), THRESHOLDS)
    with np.errstate(invalid="ignore"):
        ap, tp, fp, fn = cellpose.average_precision(true, pred, threshold=list(THRESHOLDS))
    assert [c.tp for c in ours] == tp.tolist()
    assert [c.fp for c in ours] == fp.tolist()
    assert [c.fn for c in ours] == fn.tolist()
    # Cellpose's figures are float32, and NaN where there is nothing on either side
    assert np.float32([c.accuracy for c in ours]) == pytest.approx(np.nan_to_num(ap), abs=CLOSE)


@pytest.mark.parametrize("n", range(len(PAIRS)))
def test_cellpose_mask_ious(cellpose: object, n: int) -> None:
    true, pred = PAIRS[n]
    # Cellpose wants labels 1 ... n, and matches pairs of less than 0.5 too, which do not count
    true = np.unique(true, return_inverse=True)[1].reshape(SHAPE)
    pred = np.unique(pred, return_inverse=True)[1].reshape(SHAPE)
    fit, partner = cellpose.mask_ious(true, pred)
    ours = Comparison(from_label_map(true), from_label_map(pred)).matched(0.5)
    assert np.flatnonzero(fit >= 0.5).tolist() == ours.i.tolist()
    assert ours.iou == pytest.approx(fit[ours.i], abs=CLOSE)
    unlike = partner[ours.i] - 1 != ours.j
    assert ours.iou[unlike] == pytest.approx(np.full(unlike.sum(), 0.5))  # exact halves: either


def test_real_cells(stardist: object, cellpose: object, data_dir: Path) -> None:
    import tifffile

    files = sorted((data_dir / "dsb2018" / "test" / "labels").glob("*.tif"))[:8]
    if not files:
        pytest.skip("DSB 2018 is not on this machine")
    true = [np.unique(tifffile.imread(f), return_inverse=True)[1] for f in files]
    true = [t.reshape(tifffile.imread(f).shape) for t, f in zip(true, files, strict=True)]
    pred = [np.where(t % 9 == 1, 0, np.roll(t // 2 + t % 7, (2, -1), (0, 1))) for t in true]
    ours = [match(from_label_map(t), from_label_map(p)) for t, p in zip(true, pred, strict=True)]
    theirs = stardist.matching_dataset(true, pred, thresh=THRESHOLDS, show_progress=False)
    _, tp, fp, fn = cellpose.average_precision(true, pred, threshold=list(THRESHOLDS))
    for k, stats in enumerate(theirs):
        assert sum(c[k].tp for c in ours) == stats.tp == tp[:, k].sum()
        assert sum(c[k].fp for c in ours) == stats.fp == fp[:, k].sum()
        assert sum(c[k].fn for c in ours) == stats.fn == fn[:, k].sum()
    assert theirs[0].tp > 0
