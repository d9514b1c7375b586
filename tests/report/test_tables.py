from html.parser import HTMLParser

import numpy as np
import pytest

from cellwright.report.score_tables import (
    coco_table,
    group_table,
    look_up,
    matching_table,
    pixel_table,
)
from cellwright.report.tables import Table, flat, paper_table, settings_table, shown

from .conftest import block


class Cells(HTMLParser):
    def __init__(self, text):
        super().__init__()
        self.texts, self.tags = [], []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)

    def handle_data(self, data):
        self.texts.append(data)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (np.float32(0.5), "0.500"),
        (np.int64(70000), "70,000"),
        (0, "0"),
        (0.0, "0.000"),
        (float("inf"), "\N{EN DASH}"),
        (False, "no"),
        ({"a": 0.25}, "a: 0.25"),
    ],
)
def test_shown(value, text):
    assert shown(value) == text


def test_table_escapes_and_marks_numbers():
    text = Table("a<b", ("Name", "Value"), (("<img src=x>", 1), ('"&', None)), "x<y").html()
    parsed = Cells(text)
    assert "img" not in parsed.tags
    assert "<img src=x>" in parsed.texts
    assert '"&' in parsed.texts
    assert "x<y" in parsed.texts
    assert text.count('<td class="number">') == 2
    assert text.count('scope="row"') == 2


def test_matching_table_is_sorted_with_its_mean_last():
    scores = block(0.5)
    scores["matching"] = dict(reversed(scores["matching"].items()))
    table = matching_table(scores)
    assert [row[0] for row in table.rows] == [
        *(f"{0.5 + 0.05 * i:.2f}" for i in range(10)),
        "mean",
    ]
    assert table.rows[0][1:4] == (8, 1, 2)
    assert table.rows[-1][1:] == (None, None, None, 0.25, None, None, None)


def test_pixel_and_coco_tables():
    assert dict(pixel_table(block(1)).rows)["F1 (Dice)"] == 0.91
    rows = coco_table(block(1)).rows
    assert [row[0] for row in rows] == ["Masks", "Boxes"]
    assert rows[0][1] == 0.4
    assert rows[0][-1] is None
    assert coco_table({}).rows == ()


def test_group_table_leaves_out_what_nobody_has():
    table = group_table("z", {"1": {"pixel": {"f1": 0.5}}, "2": {"pixel": {"f1": None}}})
    assert table.columns == ("z", "Pixel F1 (Dice)")
    assert table.rows == (("1", 0.5), ("2", None))


def test_look_up_treats_minus_one_of_coco_as_no_such_cell():
    assert look_up(block(1), ("coco", "segm", "APl")) is None
    assert look_up({"a": {"b": -1}}, ("a", "b")) == -1
    assert look_up({}, ("a", "b")) is None


def test_paper_table_subtracts_numbers_only():
    paper = {
        "title": "P4",
        "rows": [
            {"metric": "F1", "paper": 0.9, "ours": 0.85},
            {"metric": "AP", "paper": "n/a", "ours": 0.4, "note": "other split"},
        ],
    }
    table = paper_table(paper)
    assert table.rows[0] == ("F1", 0.9, 0.85, "-0.050", "")
    assert table.rows[1] == ("AP", "n/a", 0.4, None, "other split")


def test_settings_keep_exact_values():
    table = settings_table("s", {"a": {"b": 0.00012345, "c": {}}, "d": None, "e": [[1, 2], 3]})
    assert table.rows == (
        ("a.b", "0.00012345"),
        ("a.c", ""),
        ("d", "\N{EN DASH}"),
        ("e", "[1, 2], 3"),
    )
    assert flat({"x": {"y": 1}}) == [("x.y", 1)]
