from pathlib import Path

import pytest

from cellwright.report.calibration_section import calibration_part, calibration_table
from cellwright.report.error_section import (
    analysis_table,
    error_section,
    error_table,
    gain_charts,
    recall_parts,
)
from cellwright.report.score_words import ERRORS
from cellwright.report.sources import ScoresSource
from cellwright.report.table_files import read_tables
from cellwright.report.tables import plain_text

from .conftest import block
from .scored import scores


@pytest.fixture(scope="module")
def scored():
    return scores()


def section(record):
    return error_section(ScoresSource(Path("s.json"), record), title="Errors: a")


def test_section_tells_kinds_gains_and_who_is_found(scored):
    found = section(scored)
    text = "".join(found.body)
    assert found.title == "Errors: a"
    headings = ["How often it goes wrong", "What would be gained", "Which cells are found"]
    assert [text.index(h) for h in headings] == sorted(text.index(h) for h in headings)
    assert "Most would be gained if" in text


def test_no_section_without_errors_and_half_of_one_with_a_part(scored):
    assert section(block(1)) is None
    only = "".join(section({"analysis": scored["analysis"]}).body)
    assert "What would be gained" in only
    assert "How often" not in only
    without = {k: v for k, v in scored.items() if k != "analysis"}
    assert "What would be gained" not in "".join(section(without).body)


def test_every_kind_of_error_is_counted(scored):
    table = error_table(scored)
    assert {row[0]: row[1] for row in table.rows} == {
        "Missed": 6,
        "Merging": 5,
        "Split": 5,
        "False": 5,
        "Duplicate": 5,
    }
    missed = table.rows[0][2]
    assert missed.value == pytest.approx(6 / 36)
    assert missed.interval == tuple(scored["intervals"]["errors/missed_rate"])
    assert {key for key, *_ in ERRORS} <= set(scored["errors"])


def test_gains_stand_in_their_order(scored):
    accuracy, average = gain_charts(scored["analysis"])
    (table,) = read_tables(accuracy)
    gains = [row[1] for row in table.rows]
    assert gains == sorted(gains, reverse=True)
    assert len(gains) == 9
    assert "mask AP" in average
    nothing = [{"name": "as predicted"}, {"name": "no merges", "gain_accuracy50": None}]
    assert gain_charts(nothing) == []


def test_analysis_table_has_scores_and_gains(scored):
    table = analysis_table(scored["analysis"])
    assert table.columns[:5] == ("Correction", "Accuracy @0.50", "gain", "Mean accuracy", "gain")
    assert table.rows[0][0] == "as predicted"
    merged = next(row for row in table.rows if row[0] == "merged cells parted")
    assert merged[2] == pytest.approx(merged[1] - table.rows[0][1])
    unknown = analysis_table([{"name": "own <b>", "summary": "x <i>", "accuracy50": None}])
    assert "<i>" not in unknown.html()
    assert unknown.columns == ("Correction", "What is changed")


def test_recall_by_size_and_by_cover(scored):
    size, cover = recall_parts(scored)
    assert "below 100 px" in size
    assert "not covered" in cover
    tables = [t for t in read_tables(size) if t.columns[0] == "Area"]
    names = {plain_text(row[0]): row[1] for row in tables[0].rows}
    assert "100 to 324 px" in names
    assert sum(names.values()) == scored["truth"]
    single = {"by_size": {"<100": {"cells": 4, "recall50": 0.5, "recall75": None}}}
    assert recall_parts(single) == []
    assert recall_parts({}) == []


def test_calibration_leaves_out_empty_bins(scored):
    (part,) = calibration_part(scored)
    assert part.startswith("<details>")
    filled = [b for b in scored["calibration"]["bins"].values() if b["cells"]]
    table = calibration_table(scored)
    assert len(table.rows) == len(filled) == part.count('class="mark"')
    assert table.rows[0][0] == "0.3 to 0.4"
    assert f"{scored['calibration']['ece']:.3f}" in table.note
    empty = {"calibration": {"ece": None, "bins": {"0.0-0.1": {"cells": 0, "score": None}}}}
    assert calibration_part(empty) == calibration_part({}) == []
