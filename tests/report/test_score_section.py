import json
import re
from pathlib import Path
from xml.etree import ElementTree

import pytest

from cellwright.report.curve_section import by_threshold, precision_recall
from cellwright.report.group_section import group_parts, group_table, is_scale, short_names
from cellwright.report.score_cards import score_cards
from cellwright.report.score_section import image_scores, score_section
from cellwright.report.score_words import (
    CORRECTIONS,
    errors_sentence,
    found_sentence,
    gain_sentence,
    image_warnings,
)
from cellwright.report.sources import ScoresSource
from cellwright.report.table_files import read_tables
from cellwright.report.tables import Estimate, plain_text

from .conftest import block
from .scored import NAMES, scores


@pytest.fixture(scope="module")
def scored():
    return scores()


def shown(record, **options):
    section = score_section(ScoresSource(Path("scores.json"), record), **options)
    return "".join(section.body)


def chart(markup):
    return ElementTree.fromstring(markup)


def test_section_of_all_blocks(scored):
    text = shown(scored, title="S")
    for words in (
        "6 images, from scores.json",
        "Cells matched, by IoU threshold",
        "COCO average precision",
        "Precision over recall, masks",
        "Precision over recall, boxes",
        "Finding and fitting in one figure",
        "Rand precision",
        "Hausdorff 95",
        "Regions where cells overlap",
        "Reliability of the scores",
        "Score by z",
        "Scores by line",
        "Every figure by z",
        "Scores of each image (6)",
        "What the scores depend on",
    ):
        assert words in text, words
    assert "A&lt;549&gt;" in text
    assert "A<549>" not in text
    assert "nan" not in re.sub(r"data-\w+=\"\w*\"", "", text).lower()


def test_section_of_schema_1_and_of_next_to_nothing():
    old = block(0.8) | {"by": {"line": {"A": block(0.9), "B": block(0.6)}}}
    text = shown(old)
    assert "2 images, from scores.json" in text
    assert "0.720" in text
    for absent in ("In brackets", "More scores", "Precision over recall", "What goes wrong"):
        assert absent not in text
    assert "Pixels" in shown({"pixel": {"f1": 0.5}})
    assert shown({"matching": {}, "settings": {}})


def test_figures_that_are_not_defined_are_dashes(scored):
    empty = json.loads(json.dumps(scored), parse_float=lambda _: None)
    empty["intervals"] = {}
    text = shown(empty)
    assert "None" not in text
    assert "\N{EN DASH}" in text


def test_cards_have_intervals(scored):
    text = "".join(score_cards(scored))
    value, (low, high) = scored["pixel"]["f1"], scored["intervals"]["pixel/f1"]
    assert f'{value:.3f} <span class="interval">({low:.3f} to {high:.3f})</span>' in text
    assert text.count("<dt>") == 8
    assert score_cards({}) == []


def test_warnings_come_before_the_figures():
    settings = {"without_prediction": ["a<1>", "b"], "missing": "skip", "without_truth": ["c"]}
    text = shown(block(1) | {"settings": settings}, warnings=["out of date"])
    places = [text.index(t) for t in ("out of date", "a&lt;1&gt;, b", "not scored: c", "<dl")]
    assert places == sorted(places)
    assert text.count('class="warning"') == 3
    assert "are left out" in text


def test_many_lost_images_are_not_all_named():
    (sentence,) = image_warnings({"without_prediction": list("abcdefghij"), "missing": "empty"})
    assert sentence.startswith("10 true images have no prediction and count as images in which")
    assert sentence.endswith("a, b, c, d, e, f and 4 more.")
    assert image_warnings({}) == []
    (sentence,) = image_warnings({"training_images": ["a", "b"]})
    assert sentence == "2 images are among those that the model learnt from: a, b."


def test_sentences_say_what_is_there(scored):
    assert found_sentence(scored).startswith("Of 36 true cells ")
    assert found_sentence({}) == ""
    nothing = {"matching": {"0.50": {"tp": 0, "fp": 0, "fn": 2}}}
    assert found_sentence(nothing).endswith(
        "0 (0.0 %) were found; nothing was predicted (IoU 0.50)."
    )
    assert errors_sentence({"errors": {"missed": 0, "splits": 0}}).startswith("No cell was")
    counted = {"errors": {"missed": 2, "merges": 9, "splits": 1}}
    assert errors_sentence(counted).endswith("9 merges of cells, then 2 cells missed.")
    assert errors_sentence({}) == ""
    assert gain_sentence([]) == ""


def test_gain_sentence_names_the_largest_gain_of_each():
    rows = [
        {"name": "as predicted", "accuracy50": 0.7, "AP": 0.4},
        {"name": "no merges", "accuracy50": 0.8, "gain_accuracy50": 0.1, "AP": 0.5, "gain_AP": 0.1},
        {"name": "gt mask", "accuracy50": 0.7, "gain_accuracy50": 0.0, "AP": 0.9, "gain_AP": 0.5},
        {"name": "perfect masks", "gain_accuracy50": None, "AP": 0.9, "gain_AP": 0.5},
    ]
    assert gain_sentence(rows) == (
        "Most would be gained if merged cells were told apart: accuracy at IoU 0.50 from 0.700 to "
        "0.800. Mask AP would gain most if the cells found were outlined perfectly: from 0.400 to "
        "0.900."
    )
    assert gain_sentence(rows[:1]) == "No correction would gain accuracy at IoU 0.50."


def test_every_correction_has_words(scored):
    assert [row["name"] for row in scored["analysis"]][1:] == list(CORRECTIONS)
    assert all(len(name) <= 22 for name, _ in CORRECTIONS.values())


def test_accuracy_has_a_band_over_iou(scored):
    tree = chart(by_threshold(scored))
    assert len(tree.findall(".//polygon")) == 1
    assert len(tree.findall(".//polyline")) == 4
    (table,) = read_tables(by_threshold(scored))
    assert table.rows[0][1].interval == tuple(scored["intervals"]["matching/0.50/accuracy"])
    assert not chart(by_threshold(block(1))).findall(".//polygon")


def test_curves_of_precision_over_recall(scored):
    masks, boxes = precision_recall(scored)
    (table,) = read_tables(masks)
    assert table.columns[1:] == ("IoU 0.50", "IoU 0.75", "mean of IoU 0.50 to 0.95")
    assert len(table.rows) == 101
    assert table.rows[0][1] == pytest.approx(scored["curves"]["segm"]["precision"]["0.50"][0])
    assert "boxes" in boxes
    assert precision_recall({"curves": {"segm": {"recall": [0, 1], "precision": {}}}}) == []


def test_numbers_are_lines_and_words_are_bars(scored):
    lines = "".join(group_parts("z", scored["by"]["z"], scored))
    assert lines.index("Score by z") < lines.index("Scores by z")
    assert 'class="band"' in lines
    bars = "".join(group_parts("line", scored["by"]["line"], scored))
    assert "Accuracy at IoU 0.50 by line" in bars
    assert "all images" in bars
    assert 'class="whisker"' in bars
    assert is_scale(["1", "2", "(none)", "-3.5"])
    assert not is_scale(["1", "2"])
    assert not is_scale(["1", "2", "b"])


def test_very_many_values_show_the_lowest():
    groups = {
        f"p{i:02}": {"matching": {"0.50": {"accuracy": i / 50}}, "images": 1} for i in range(40)
    }
    text = "".join(group_parts("position", groups, {}))
    assert "the 30 lowest of 40" in text
    drawn = text[: text.index('<div class="table">')]
    assert "p29" in drawn
    assert "p30" not in drawn
    assert "Every figure" not in text


def test_group_table_leaves_out_what_nobody_has():
    table = group_table("z", {"1": {"pixel": {"f1": 0.5}}, "2": {"pixel": {"f1": None}}})
    assert table.columns == ("z", "Pixel F1 (Dice)")
    assert [(plain_text(a), b) for a, b in table.rows] == [("1", 0.5), ("2", None)]
    assert table.note == ""


def test_group_table_has_intervals(scored):
    table = group_table("z", scored["by"]["z"])
    assert [plain_text(row[0]) for row in table.rows] == ["0", "5", "10"]
    accuracy = table.rows[0][table.columns.index("Accuracy @0.50")]
    assert isinstance(accuracy, Estimate)
    assert "95 %" in table.note


def test_shared_words_are_taken_off_names():
    assert short_names(["a cell", "b cell"]) == (["a", "b"], "cell")
    assert short_names(["a"]) == (["a"], "")
    assert short_names(["cell", "cell"])[0] == ["cell", "cell"]


def test_accuracy_of_each_image(scored):
    found = image_scores(scored)
    assert list(found) == list(NAMES)
    assert found["field_5"] == max(found.values())
    assert image_scores({"per_image": [{"name": "a"}]}) == {}
