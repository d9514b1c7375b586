"""Comparison of runs: tests that keep their level, exact cases, peers, what it refuses."""

from __future__ import annotations

import json
from dataclasses import replace
from itertools import product

import numpy as np
import pytest
from scipy.stats import permutation_test

from cellwright.evaluate.compare import compare
from cellwright.evaluate.contest import RunComparison
from cellwright.evaluate.match import MATCHING
from cellwright.evaluate.paired import holm, swap_test
from cellwright.evaluate.resample import draw
from cellwright.evaluate.scorer import Scorer
from cellwright.evaluate.scores import Scores
from cellwright.evaluate.verdict import sentence, sentences
from cellwright.types import InputError, Instances

MAIN = "matching/0.50/accuracy"


def sums(tp: int, fp: int, fn: int) -> dict[str, float]:
    """Sums of matching, the same at every IoU."""
    steps = [f"{k / 100:.2f}" for k in range(50, 100, 5)]
    return {f"{k}@{s}": v for s in steps for k, v in (("tp", tp), ("fp", fp), ("fn", fn))}


def record(name: str, tp: int, fp: int, fn: int, **tags: str) -> dict:
    pixel = {"tp": 9.0 * tp, "fp": 9.0 * fp, "fn": 9.0 * fn, "tn": 5000.0 - 9.0 * (tp + fp + fn)}
    return {
        "name": name,
        "tags": tags,
        "truth": tp + fn,
        "predicted": tp + fp,
        "sums": {"pixel": pixel, "matching": sums(tp, fp, fn)},
    }


def scores(records: list[dict]) -> Scores:
    truth, predicted = (sum(r[k] for r in records) for k in ("truth", "predicted"))
    return Scores(len(records), truth, predicted, {}, per_image=records)


def run(found: np.ndarray, cells: np.ndarray, names: list[str] | None = None) -> Scores:
    """A run that finds so many cells of each image and nothing that is not there."""
    names = names or [f"i{k}" for k in range(len(cells))]
    return scores(
        [
            record(n, int(t), 0, int(c - t), half="a" if k % 2 else "b")
            for k, (n, t, c) in enumerate(zip(names, found, cells, strict=True))
        ]
    )


@pytest.fixture(scope="module")
def three() -> dict[str, Scores]:
    rng = np.random.default_rng(3)
    cells = rng.integers(20, 60, 40)
    chances = {"good": 0.85, "fair": 0.75, "poor": 0.6}
    return {name: run(rng.binomial(cells, c), cells) for name, c in chances.items()}


@pytest.fixture(scope="module")
def compared(three: dict[str, Scores]) -> RunComparison:
    return compare(three, by=["half"])


def accuracy(rows: list[dict[str, float]]) -> float:
    tp, fp, fn = (sum(r[f"{k}@0.50"] for r in rows) for k in ("tp", "fp", "fn"))
    return tp / (tp + fp + fn)


def differ(a: dict, b: dict) -> dict:
    return {"d": MATCHING.divide(a)["0.50"]["accuracy"] - MATCHING.divide(b)["0.50"]["accuracy"]}


def test_swap_test_is_the_exhaustive_enumeration_for_few_images() -> None:
    rng = np.random.default_rng(0)
    one = [sums(*rng.integers(0, 9, 3) + 1) for _ in range(7)]
    other = [sums(*rng.integers(0, 9, 3) + 1) for _ in range(7)]
    seen = abs(accuracy(one) - accuracy(other))
    large = 0
    for swapped in product([False, True], repeat=7):
        pairs = [(b, a) if s else (a, b) for a, b, s in zip(one, other, swapped, strict=True)]
        large += (
            abs(accuracy([a for a, _ in pairs]) - accuracy([b for _, b in pairs])) >= seen - 1e-9
        )
    assert 2 < large < 128
    assert swap_test(one, other, differ)["d"] == large / 128


def test_random_swaps_come_near_the_exact_p() -> None:
    rng = np.random.default_rng(1)
    one = [sums(*rng.integers(1, 9, 3)) for _ in range(10)]
    other = [sums(*rng.integers(1, 9, 3)) for _ in range(10)]
    exact = swap_test(one, other, differ)["d"]
    drawn = swap_test(one, other, differ, swaps=1000, seed=5)["d"]
    assert abs(drawn - exact) < 4 * np.sqrt(exact * (1 - exact) / 1000)
    assert (drawn * 1001) == pytest.approx(round(drawn * 1001))


@pytest.mark.parametrize("images", [8, 30])
def test_swap_test_of_a_mean_is_that_of_scipy(images: int) -> None:
    rng = np.random.default_rng(images)
    a, b = rng.normal(0.25, 1, images), rng.normal(0, 1, images)
    ours = swap_test(
        [{"x": v} for v in a],
        [{"x": v} for v in b],
        lambda p, q: {"mean": (p["x"] - q["x"]) / images},
    )["mean"]
    peer = permutation_test(
        (a, b),
        lambda p, q, axis: np.mean(p - q, axis=axis),
        permutation_type="samples",
        vectorized=True,
        n_resamples=10_000,
        rng=np.random.default_rng(0),
    ).pvalue
    assert ours == pytest.approx(peer, abs=1e-12 if images == 8 else 0.02)


def test_no_more_than_one_in_twenty_equal_pairs_is_told_apart() -> None:
    """Images of very different size and difficulty; both runs draw from the same chances."""
    rng = np.random.default_rng(7)
    trials, images, swaps = 800, 24, 400
    wrong = missed = 0
    for trial in range(trials):
        cells = rng.integers(1, 120, images)
        chance = rng.beta(4, 2, images)
        one, other = rng.binomial(cells, chance), rng.binomial(cells, chance)
        better = rng.binomial(cells, np.minimum(chance + 0.06, 1))
        rows = [
            [{"tp": t, "fn": c - t} for t, c in zip(found, cells, strict=True)]
            for found in (one, other, better)
        ]
        ratio = lambda a, b: {"d": (a["tp"] - b["tp"]) / (a["tp"] + a["fn"])}  # noqa: E731
        wrong += swap_test(rows[0], rows[1], ratio, swaps=swaps, seed=trial)["d"] < 0.05
        missed += swap_test(rows[2], rows[1], ratio, swaps=swaps, seed=trial)["d"] >= 0.05
    assert 0.03 < wrong / trials < 0.07
    assert missed / trials < 0.2


def test_the_interval_of_a_difference_is_that_of_the_same_images_for_both() -> None:
    rng = np.random.default_rng(2)
    cells = rng.integers(5, 100, 30)
    one = rng.binomial(cells, rng.beta(3, 2, 30))
    other = np.maximum(one - 1, 0)
    found = compare({"a": run(one, cells), "b": run(other, cells)}, resamples=500).figures[0]
    drawn = draw(30, 500)
    by_hand = drawn @ (one - other) / (drawn @ cells)
    d = found.differences[0]
    assert (d.low, d.high) == pytest.approx(np.quantile(by_hand, [0.025, 0.975]))
    assert d.value == pytest.approx((one - other).sum() / cells.sum())
    # settled although the intervals of the two values overlap
    assert d.better == "a"
    assert found.values["b"].high > found.values["a"].low


def test_pairs_are_all_there_and_p_is_corrected(compared: RunComparison) -> None:
    figure = compared.figure(MAIN)
    assert [(d.first, d.second) for d in figure.differences] == [
        ("good", "fair"),
        ("good", "poor"),
        ("fair", "poor"),
    ]
    plain = [d.p for d in figure.differences]
    assert [d.p_holm for d in figure.differences] == holm(plain)
    assert min(d.p_holm for d in figure.differences) == pytest.approx(3 / 10_001)
    assert compared.ranking == ("good", "fair", "poor")
    turned = figure.difference("poor", "good")
    assert turned.value == -figure.difference("good", "poor").value < 0
    assert turned.low <= turned.value <= turned.high
    assert turned.better == "good"


def test_without_resamples_the_test_alone_decides(three: dict[str, Scores]) -> None:
    found = compare(three, resamples=0).figure(MAIN).difference("good", "poor")
    assert (found.low, found.better) == (None, "good")
    assert found.p_holm < 0.001


def test_an_interval_without_the_test_settles_nothing() -> None:
    """Percentile intervals of few images are too narrow: here one excludes zero by chance."""
    cells = np.full(7, 40)
    gains = np.array([4, 5, 3, 1, 2, -1, -1])
    found = compare({"a": run(30 + gains, cells), "b": run(np.full(7, 30), cells)}).figures[0]
    d = found.differences[0]
    assert d.low > 0
    assert d.p > 0.05
    assert d.better is None


def test_few_images_settle_nothing_of_average_precision() -> None:
    places = [0, 10, 20, 30, 40]
    settled = {}
    for count in (4, 8):
        orders = {n: list(range(count)) for n in "ab"}
        scorers = scored({"a": [places] * count, "b": [places[:2]] * count}, orders)
        results = {n: s.result() for n, s in scorers.items()}
        gathered = {n: s.precision for n, s in scorers.items()}
        d = compare(results, gathered=gathered).figure("coco/segm/AP50").differences[0]
        assert d.low > 0.3
        settled[count] = d.better
    assert settled == {4: None, 8: "a"}


def test_a_figure_that_is_not_defined_has_no_test() -> None:
    cell = cells_at([0])
    scorers = {"some": Scorer(resamples=0), "none": Scorer(resamples=0)}
    for k in range(7):
        scorers["some"].add(f"i{k}", cell, cell)
        scorers["none"].add(f"i{k}", cell, cells_at([]))
    found = compare({n: s.result() for n, s in scorers.items()}, main="boundary/hausdorff95")
    d = found.figure("boundary/hausdorff95").differences[0]
    assert (d.value, d.p, d.better) == (None, None, None)
    assert found.ranking == ("some", "none")
    assert "is not defined for some or none" in sentence(found)


def test_a_lower_figure_is_better_where_its_best_is_lower(compared: RunComparison) -> None:
    found = compared.figure("matching/mean/fnr").difference("good", "poor")
    assert found.value < 0
    assert found.better == "good"


def test_by_tag_and_per_image(compared: RunComparison, three: dict[str, Scores]) -> None:
    groups = compared.by["half"]
    assert {value: g.images for value, g in groups.items()} == {"a": 20, "b": 20}
    chosen = [r for r in three["good"].per_image if r["tags"]["half"] == "a"]
    want = accuracy([r["sums"]["matching"] for r in chosen])
    assert groups["a"].figure.values["good"].value == pytest.approx(want)
    for d in groups["a"].figure.differences:
        assert d.low < d.value < d.high
        assert (d.p, d.better) == (None, None)
    first = compared.per_image[0]
    assert first["values"]["good"] == accuracy([three["good"].per_image[0]["sums"]["matching"]])
    assert compare(three, by=["density"]).by["density"].keys()


def test_the_record_is_plain_json(compared: RunComparison) -> None:
    data = json.loads(json.dumps(compared.to_json(), allow_nan=False))
    assert data["schema_version"] == 1
    assert data["figures"][0]["differences"][0]["better"] == "good"
    assert data["by"]["half"]["a"]["figure"]["values"]["fair"]["value"] < 1


def test_what_the_sentence_says(three: dict[str, Scores], compared: RunComparison) -> None:
    two = compare({"poor": three["poor"], "good": three["good"]})
    d = two.figure(MAIN).difference("good", "poor")
    values = two.figure(MAIN).values
    assert sentences(two)[0] == (
        f"good finds the cells better than poor: accuracy at IoU 0.50 is "
        f"{values['good'].value:.3f} against {values['poor'].value:.3f}, {d.value:+.3f} "
        f"(95 % interval {d.low:+.3f} to {d.high:+.3f}, p = 0.0001, 40 images)."
    )
    assert sentence(two).endswith("All 6 other figures say so too.")
    said = sentences(compared)
    assert said[0].startswith("By accuracy at IoU 0.50, best first: good 0.8")
    assert "good finds the cells better than fair" in said[1]
    assert "corrected for 3 pairs" in said[2]
    afnr = compare({"a": three["poor"], "b": three["good"]}, main="matching/mean/fnr")
    assert sentence(afnr).startswith("b misses fewer cells than a: AFNR is 0.1")


def test_the_sentence_tells_where_other_figures_disagree(three: dict[str, Scores]) -> None:
    painted = {name: scores([dict(r) for r in three[name].per_image]) for name in ("good", "poor")}
    for mine, other in zip(painted["good"].per_image, three["poor"].per_image, strict=True):
        mine["sums"] = {**mine["sums"], "pixel": other["sums"]["pixel"]}
    for mine, other in zip(painted["poor"].per_image, three["good"].per_image, strict=True):
        mine["sums"] = {**mine["sums"], "pixel": other["sums"]["pixel"]}
    said = sentences(compare(painted))
    assert said[0].startswith("good finds the cells better than poor")
    assert said[1] == (
        "Of 6 other figures, good is better in 4 and poor is better in 2 "
        "(pixel F1 (Dice), pixel IoU)."
    )
    for mine, other in zip(painted["poor"].per_image, painted["good"].per_image, strict=True):
        mine["sums"] = {**mine["sums"], "pixel": other["sums"]["pixel"]}
    said = sentences(compare(painted))
    assert said[1] == "Of 6 other figures, good is better in 4; 2 are not settled."


def test_what_the_sentence_says_when_nothing_is_settled() -> None:
    rng = np.random.default_rng(11)
    cells = rng.integers(20, 60, 30)
    even = compare({n: run(rng.binomial(cells, 0.7), cells) for n in ("x", "y")})
    assert even.figures[0].differences[0].better is None
    assert sentence(even).startswith("30 images cannot tell ")
    assert "None of the" in sentence(even)
    few = compare({"x": run(cells[:5], cells[:5]), "y": run(cells[:5] // 3, cells[:5])})
    assert few.figures[0].differences[0].better is None
    assert sentence(few).startswith("5 images are too few for a test to settle between x and y")
    one = compare({"x": run(cells[:1], cells[:1]), "y": run(cells[:1] // 3, cells[:1])})
    assert one.figures[0].differences[0].low is None
    assert sentence(one).startswith("1 image is too few")
    none = np.zeros(8, int)
    empty = compare({"x": run(none, none), "y": run(none, none)})
    assert empty.figures[0].differences[0].p == 1
    assert "cannot tell x and y apart" in sentence(empty)


def test_images_that_a_run_lacks_are_listed_and_left_out() -> None:
    cells = np.arange(10, 20)
    names = [f"n{k}" for k in range(10)]
    one = run(cells, cells, names)
    other = run(cells[:8] - 2, cells[:8], [*names[:7], "other"])
    other.per_image.reverse()
    found = compare({"one": one, "other": other})
    assert found.images == 7
    assert found.missing == {"one": ("other",), "other": ("n7", "n8", "n9")}
    want = (cells[:7] - 2).sum() / cells[:7].sum()
    assert found.figures[0].values["other"].value == pytest.approx(want)


def test_what_is_refused() -> None:
    cells = np.arange(10, 20)
    good = run(cells, cells)
    old = scores([{k: v for k, v in r.items() if k != "sums"} for r in good.per_image])
    frame = scores([record(r["name"], r["truth"], 0, 0) for r in good.per_image])
    frame.per_image[3]["sums"]["pixel"]["tn"] += 100
    twice = scores([*good.per_image, good.per_image[0]])
    for runs, words in (
        ({"a": good}, "two or more"),
        ({"a": good, "b": replace(old, schema_version=1)}, "run evaluate again"),
        ({"a": good, "b": run(cells, cells, [f"x{k}" for k in range(10)])}, "share no image"),
        ({"a": good, "b": run(cells, cells + 1)}, "i0 was scored on another truth: 10 true cells"),
        ({"a": good, "b": frame}, "i3 .* 5000 pixels in the frame for a, 5100"),
        ({"a": good, "b": twice}, "two images named 'i0'"),
    ):
        with pytest.raises(InputError, match=words):
            compare(runs)
    with pytest.raises(InputError, match="no figure 'AP'"):
        compare({"a": good, "b": good}, main="AP")
    with pytest.raises(InputError, match="not every run has 'coco/segm/AP'"):
        compare({"a": good, "b": good}, main="coco/segm/AP")
    with pytest.raises(InputError, match="no image has the tag 'z'"):
        compare({"a": good, "b": good}, by=["z"])
    with pytest.raises(InputError, match="hold the size of each image"):
        compare({"a": good, "b": good}, by=["size"])


def cells_at(columns: list[int], seed: int = 0) -> Instances:
    boxes = [[0, c, 4, c + 4] for c in columns]
    # no two scores alike: ties keep the order in which images come
    ranks = np.random.default_rng(seed).uniform(size=len(columns))
    return Instances((4, 60), boxes, [np.ones((4, 4))] * len(columns), scores=ranks)


def scored(runs: dict[str, list[list[int]]], order: dict[str, list[int]]) -> dict[str, Scorer]:
    truth = cells_at([0, 10, 20, 30, 40])
    scorers = {name: Scorer(resamples=0) for name in runs}
    for name, images in runs.items():
        for k in order[name]:
            scorers[name].add(f"i{k}", truth, cells_at(images[k], k))
    return scorers


def test_average_precision_has_a_paired_interval_and_no_p() -> None:
    rng = np.random.default_rng(4)
    places = np.array([0, 10, 20, 30, 40, 50])
    runs = {
        "a": [sorted(rng.choice(places, 5, replace=False).tolist()) for _ in range(9)],
        "b": [sorted(rng.choice(places, 3, replace=False).tolist()) for _ in range(9)],
    }
    orders = {"a": list(range(9)), "b": [4, 2, 0, 8, 6, 1, 3, 5, 7]}
    scorers = scored(runs, orders)
    results = {n: s.result() for n, s in scorers.items()}
    gathered = {n: s.precision for n, s in scorers.items()}
    found = compare(results, gathered=gathered, resamples=200).figure("coco/segm/AP50")
    d = found.differences[0]
    assert d.p is None
    assert d.low < d.value < d.high
    assert d.value == pytest.approx(
        results["a"].coco["segm"]["AP50"] - results["b"].coco["segm"]["AP50"]
    )
    # drawn columns meet images by name, whatever order a run was scored in
    straight = scored(runs, {"a": orders["a"], "b": orders["a"]})
    again = compare(
        {n: s.result() for n, s in straight.items()},
        gathered={n: s.precision for n, s in straight.items()},
        resamples=200,
    ).figure("coco/segm/AP50")
    assert (d.low, d.high) == pytest.approx((again.differences[0].low, again.differences[0].high))
    # without the detections: values of the same images, no interval
    bare = compare(results).figure("coco/segm/AP50").differences[0]
    assert (bare.value, bare.low, bare.better) == (pytest.approx(d.value), None, None)
    said = sentence(compare(results, main="coco/segm/AP50"))
    assert "over 9 images; without the predictions and the truth it cannot be said" in said
    own = {n: replace(r, intervals={"coco/segm/AP50": (0.1, 0.9)}) for n, r in results.items()}
    assert compare(own).figure("coco/segm/AP50").values["a"].low == 0.1
    text = sentence(compare(results, gathered=gathered, main="coco/segm/AP50"))
    assert "p =" not in text
    assert "mask AP50 is" in text


def test_average_precision_of_other_images_or_settings_is_left_out(
    caplog: pytest.LogCaptureFixture,
) -> None:
    runs = {"a": [[0, 10]] * 4, "b": [[0, 50]] * 4}
    scorers = scored(runs, {"a": [0, 1, 2, 3], "b": [0, 1, 2]})
    results = {n: s.result() for n, s in scorers.items()}
    assert not [f for f in compare(results).figures if f.path.startswith("coco/")]
    assert set(compare(results).curves) == {"b"}
    gathered = {n: s.precision for n, s in scorers.items()}
    assert compare(results, gathered=gathered).figure("coco/segm/AP").values["a"].value is not None
    results["a"].settings["max_detections"] = 100
    assert not [f for f in compare(results).figures if f.path.startswith("coco/")]
    assert "another number of detections" in caplog.text


def test_holm_by_hand() -> None:
    assert holm([0.01, 0.02, 0.03, 0.9]) == [0.04, 0.06, 0.06, 0.9]
    assert holm([None, 0.6, 0.7]) == [None, 1.0, 1.0]
    assert holm([]) == []
