"""The page of a comparison: what it says, that it is whole, that names are no markup."""

from __future__ import annotations

import re

import numpy as np
import pytest

from cellwright.evaluate.compare import compare
from cellwright.evaluate.contest import RunComparison
from cellwright.evaluate.scorer import Scorer
from cellwright.report.compare_page import compare_page
from cellwright.report.compare_pictures import Sheet
from cellwright.report.compare_tables import (
    figures_table,
    images_table,
    most_different,
    pairs_table,
    tag_table,
)
from cellwright.report.table_files import read_tables
from cellwright.report.tables import Estimate
from cellwright.types import Image, InputError, Instances

ODD = "b<b>"


def cells(count: int) -> Instances:
    boxes = [[4, 4 + 8 * k, 10, 10 + 8 * k] for k in range(count)]
    return Instances((24, 60), boxes, [np.ones((6, 6))] * count)


@pytest.fixture(scope="module")
def three() -> RunComparison:
    runs = {"a": lambda k: 6, ODD: lambda k: 5 - k % 2, "c": lambda k: 2 + k % 3}
    scorers = {name: Scorer(resamples=0) for name in runs}
    for name, found in runs.items():
        for k in range(9):
            scorers[name].add(f"i{k}", cells(6), cells(found(k)), tags={"z": k % 2})
    results = {name: s.result() for name, s in scorers.items()}
    gathered = {name: s.precision for name, s in scorers.items()}
    return compare(results, gathered=gathered, by=["z"], resamples=200, swaps=2000)


@pytest.fixture(scope="module")
def two(three: RunComparison) -> RunComparison:
    scorers = {name: Scorer(resamples=0) for name in ("a", "c")}
    for name, scorer in scorers.items():
        for k in range(7 if name == "a" else 9):
            scorer.add(f"i{k}", cells(6), cells(6 if name == "a" else 3))
    return compare({n: s.result() for n, s in scorers.items()}, resamples=100)


def sheet(name: str, image=None) -> Sheet:
    picture = image or (lambda: Image(np.zeros((24, 60), np.uint8)))
    runs = {"a": lambda: cells(6), ODD: lambda: cells(4)}
    return Sheet(name, picture, lambda: cells(6), runs, {"a": 1.0, ODD: 0.667})


def track(frames, label):
    return iter(frames)


def text_of(page: str) -> str:
    return re.sub(r"<[^>]*>", " ", page)


def test_the_page_says_first_who_wins(three: RunComparison) -> None:
    page, failed = compare_page(three, track=track)
    assert failed == ()
    body = page[page.index("<main") :]
    assert body.index("By accuracy at IoU 0.50, best first: a 1.000") < body.index('class="cards"')
    assert "a finds the cells better than c" in body
    assert ODD not in page
    assert "b&lt;b&gt;" in page
    assert "Images side by side" not in page
    assert not re.search(r'(src|href)="(?!data:|#)', page)
    wanted = ["What it comes to", "Figures", "Curves", "By z", "Images", "Settings"]
    assert re.findall(r"<h2[^>]*>([^<]*)</h2>", page) == wanted


def test_the_best_is_marked_by_a_sign_and_by_its_name(three: RunComparison) -> None:
    page, _ = compare_page(three, track=track)
    cards = re.findall(r'<dl class="cards">.*?</dl>', page)
    assert [part.count("\N{BLACK STAR}") > 0 for part in cards] == [True, False, False]
    assert figures_table(three).rows[0][-1] == "a"


def test_tables_hold_differences_with_intervals_and_p(
    two: RunComparison, three: RunComparison
) -> None:
    table = figures_table(two)
    assert table.columns == ("Figure", "a", "c", "Best value", "a − c", "p", "Settled for")
    row = table.rows[0]
    assert row[4] == Estimate(0.5, 0.5, 0.5)
    assert (row[5], row[6]) == (2 / 2**7, "a")
    afnr = next(r for r in table.rows if r[0] == "AFNR (less is better)")
    assert (afnr[4].value, afnr[6]) == (-0.5, "a")
    average = next(r for r in table.rows if r[0] == "Pixel IoU")
    assert average[3] == "a"
    pairs = pairs_table(three)
    assert [r[1] for r in pairs.rows[:3]] == [f"a − {ODD}", "a − c", f"{ODD} − c"]
    assert pairs.rows[1][4] >= pairs.rows[1][3]


def test_tag_and_image_tables(three: RunComparison) -> None:
    table = tag_table(three, "z", three.by["z"])
    assert [row[:3] for row in table.rows] == [("0", 5, 30), ("1", 4, 24)]
    assert table.columns[-1] == "a − c"
    assert isinstance(table.rows[0][-1], Estimate)
    first = most_different(three, 2)
    assert [r["name"] for r in first] == ["i0", "i3"]
    assert images_table(three, 2).rows[0][-1] == pytest.approx(1 - first[0]["values"][ODD])


def test_tables_can_be_read_back_from_the_page(three: RunComparison) -> None:
    page, _ = compare_page(three, track=track)
    found = {t.caption: t for t in read_tables(page)}
    assert found["Figures of the runs"].rows[0][1] == figures_table(three).rows[0][1]
    assert "Accuracy at IoU 0.50 by z" in found
    assert "Differences of the runs, pair by pair" in found
    gains = {row[0]: row[1] for row in found[f"By how much a is better than {ODD}: numbers"].rows}
    fewer = three.figure("matching/mean/fnr").difference("a", ODD)
    assert gains["AFNR"] == Estimate(-fewer.value, -fewer.high, -fewer.low)
    assert not [name for name in gains if name.startswith("Hausdorff")]


def test_missing_images_are_told(two: RunComparison) -> None:
    page, _ = compare_page(two, track=track)
    assert "a lacks 2 images that another run has; they are not compared: i7, i8." in text_of(page)


def test_pictures_stand_side_by_side_and_a_lost_one_is_told(three: RunComparison) -> None:
    def lost() -> Image:
        raise InputError("i1.tif is damaged")

    page, failed = compare_page(three, [sheet("i0"), sheet("i1", lost)], track=track)
    part = page[page.index("Images side by side</h2>") :]
    first = part[: part.index("<h3>i1</h3>")]
    assert first.count("<figure") == 3
    assert first.count('class="layer truth"') == 3
    assert first.count('class="layer prediction"') == 2
    assert "its accuracy at IoU 0.50 in the image" in first
    assert " 0.667 " in text_of(first)
    assert [name for name, _ in failed] == ["i1, Truth", "i1, a", f"i1, {ODD}"]
    assert "i1.tif is damaged" in part


def test_a_comparison_of_one_image_has_a_page() -> None:
    results = {}
    for name, count in (("a", 6), ("b", 0)):
        scorer = Scorer(resamples=0)
        scorer.add("only", cells(6), cells(count))
        results[name] = scorer.result()
    page, _ = compare_page(compare(results), track=track)
    assert "1 image is too few for a test" in text_of(page)
