from html.parser import HTMLParser

import numpy as np
import pytest

from cellwright.report.html import Html
from cellwright.report.tables import (
    Estimate,
    Table,
    exact,
    flat,
    markup,
    paper_table,
    settings_table,
    shown,
)


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


@pytest.mark.parametrize(
    ("estimate", "text"),
    [
        (Estimate(0.78, 0.751, 0.806), "0.780 (0.751 to 0.806)"),
        (Estimate(9.95, 9.1, 10.6), "9.95 (9.10 to 10.60)"),
        (Estimate(-0.5, -1.0, 0.25), "-0.500 (-1.000 to 0.250)"),
        (Estimate(1234.5, 1000, 2000), "1,234.5 (1,000.0 to 2,000.0)"),
        (Estimate(0.5), "0.500"),
        (Estimate(0.5, None, 0.6), "0.500"),
        (Estimate(0.5, float("nan"), 0.6), "0.500"),
        (Estimate(None, 0.1, 0.2), "\N{EN DASH}"),
        (Estimate.of(0.5, [0.25, 0.75]), "0.500 (0.250 to 0.750)"),
        (Estimate.of(0.5, None), "0.500"),
    ],
)
def test_estimate_is_shown_with_its_interval(estimate, text):
    assert str(estimate) == shown(estimate) == text
    assert Cells(markup(estimate)).texts[0].split()[0] == text.split()[0]
    assert "".join(Cells(markup(estimate)).texts) == text


def test_cells_carry_what_their_text_does_not():
    rows = (("a", 1 / 3, 7, Estimate(0.5, 0.25, None)), ("b", None, 12345, None))
    text = Table("t", ("", "x", "n", "e"), rows).html()
    assert 'data-v="0.3333333333333333">0.333<' in text
    assert '<td class="number">7</td>' in text
    assert 'data-v="12345">12,345<' in text
    assert 'data-v="0.5" data-low="0.25" data-high="">0.500<' in text


def test_numeric_columns():
    rows = (("a", 1, Estimate(0.5), None, True), ("b", None, 0.5, "x", 2))
    assert Table("t", tuple("abcde"), rows).numeric == (False, True, True, False, False)
    assert Table("t", ("a",), ()).numeric == (False,)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.1 + 0.2, "0.30000000000000004"),
        (np.float32(0.1), "0.10000000149011612"),
        (float("nan"), ""),
        (np.int64(10**12), "1000000000000"),
        (True, "yes"),
        ("\N{EN DASH}", ""),
        (Html("<b>a &amp; b</b> "), "a & b"),
    ],
)
def test_exact_values_are_not_rounded(value, text):
    assert exact(value) == text
