import pytest

from cellwright.report.score_blocks import BLOCKS, class_table, folded_blocks
from cellwright.report.score_tables import (
    area_words,
    coco_table,
    every_figure,
    figure,
    look_up,
    matching_table,
    per_image_table,
)
from cellwright.report.tables import Estimate, plain_text

from .conftest import block
from .scored import scores


@pytest.fixture(scope="module")
def scored():
    return scores(errors=False)


def test_matching_table_is_sorted_with_its_mean_last():
    old = block(0.5)
    old["matching"] = dict(reversed(old["matching"].items()))
    table = matching_table(old)
    assert [row[0] for row in table.rows] == [
        *(f"{0.5 + 0.05 * i:.2f}" for i in range(10)),
        "mean",
    ]
    assert table.columns[-1] == "F1"
    assert table.rows[0][1:4] == (8, 1, 2)
    assert table.rows[-1][1:] == (None, None, None, 0.25, None, None, None)


def test_matching_table_has_fnr_and_intervals(scored):
    table = matching_table(scored)
    assert table.columns[-1] == "FNR"
    first, mean = dict(zip(table.columns, table.rows[0], strict=True)), table.rows[-1]
    assert first["TP"] == scored["matching"]["0.50"]["tp"]
    low, high = scored["intervals"]["matching/0.50/accuracy"]
    assert first["Accuracy"] == Estimate(scored["matching"]["0.50"]["accuracy"], low, high)
    assert mean[-1].value == scored["matching"]["mean"]["fnr"]


def test_coco_table_has_any_bins_with_their_bounds():
    old = coco_table(block(1))
    assert old.columns == ("", "Masks", "Boxes")
    rows = {plain_text(row[0]): row[1:] for row in old.rows}
    assert rows["AP50, at IoU 0.50"] == (0.7, 0.7)
    assert rows["APl, large cells"] == (None, None)
    assert not any("AR" in name for name in rows)
    assert coco_table({}).rows == ()
    own = {
        "settings": {"areas": {"tiny": [0, 50], "50": [50, 60]}, "max_detections": 2000},
        "coco": {"segm": {"AP": 0.5, "AP50": 0.6, "APtiny": 0.1, "ARtiny": 0.2, "AFNR": 0.4}},
    }
    table = coco_table(own)
    names = [plain_text(row[0]).split(",")[0] for row in table.rows]
    assert names == ["AP", "AP50", "APtiny", "ARtiny", "AFNR = 1 \N{MINUS SIGN} AR"]
    assert plain_text(table.rows[2][0]) == "APtiny, cells up to 50 px"
    assert "2,000 surest" in table.note


def test_area_words_say_who_is_in_the_bin():
    assert area_words("m", [324, 961]) == "cells of 324 to 961 px"
    assert area_words("own", None) == "own"
    assert area_words("l", [961, None]) == "cells from 961 px"


def test_look_up_treats_minus_one_of_coco_as_no_such_cell():
    assert look_up(block(1), "coco/segm/APl") is None
    assert look_up({"a": {"b": -1}}, "a/b") == -1
    assert look_up({}, "a/b") is None
    assert look_up({"a": 1}, "a/b") is None


def test_figures_have_intervals_and_counts_have_none(scored):
    assert isinstance(figure(scored, "pixel/f1"), Estimate)
    assert figure(scored, "errors/missed") == scored["errors"]["missed"]
    assert figure({"pixel": {"f1": None}, "intervals": {"pixel/f1": [0, 1]}}, "pixel/f1") is None
    assert figure({"pixel": {"f1": 0.5}, "intervals": {"pixel/f1": [None, 1]}}, "pixel/f1") == 0.5


def test_every_figure_is_in_the_table(scored):
    table = every_figure(scored, caption="x")
    known = dict(table.rows)
    assert len(known) == len(table.rows) > 150
    for path in ("panoptic/pq", "calibration/bins/0.8-0.9/precision", "coco/bbox/AFNR", "images"):
        assert path in known
    assert not any(p.startswith(("settings", "by/", "intervals", "versions")) for p in known)


def test_blocks_name_figures_that_the_metrics_give(scored):
    for known in BLOCKS:
        assert len(known.table(scored).rows) == len(known.rows), known.title
        for path, *_ in known.rows:
            if path != "boundary/tolerance":
                assert path in dict(every_figure(scored, caption="").rows), path


def test_blocks_that_are_missing_are_left_out():
    assert folded_blocks(block(1)) == []
    half = folded_blocks({"panoptic": {"pq": None}, "overlap": {"f1": 0.0, "area_true": 0}})
    assert len(half) == 1
    assert "PQ" in half[0]
    assert "SQ</th>" not in half[0]


def test_pixels_of_several_classes_have_a_table():
    classes = {"alive": {"f1": 0.9, "iou": 0.8}, "dead": {"f1": None, "iou": 0.1}}
    table = class_table({"pixel_classes": classes})
    row = dict(zip(table.columns, table.rows[1], strict=True))
    assert (row["Class"], row["F1 (Dice)"], row["IoU"]) == ("dead", None, 0.1)
    assert class_table({"pixel_classes": {"cell": {"f1": 1}}}) is None


def test_images_stand_with_the_worst_first():
    records = [
        {"name": n, "matching": {"0.50": {"accuracy": a, "tp": 3}}}
        for n, a in (("good", 0.9), ("none", None), ("bad", 0.1))
    ]
    table = per_image_table(records)
    assert [row[0] for row in table.rows] == ["bad", "good", "none"]
    assert table.columns == ("Image", "TP @0.50", "FP @0.50", "FN @0.50", "Accuracy @0.50")
    assert table.rows[0] == ("bad", 3, None, None, 0.1)
