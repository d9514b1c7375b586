import csv
import io
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cellwright.report.html import Html
from cellwright.report.table_text import csv_text, latex_text, markdown_text, slug
from cellwright.report.tables import Estimate, Table

TABLE = Table(
    "Scores & more",
    ("Name", "N", "F1 | Dice"),
    (
        ("a_1 <b>", 12345, Estimate(0.123456789, 0.1, 0.2)),
        ('says "x, y"', None, Estimate(-0.5)),
        (Html("<em>R&amp;D</em>"), 3, None),
    ),
    "100 % simulated.",
)


def test_csv_has_full_precision_and_three_columns_for_an_estimate():
    assert list(csv.reader(io.StringIO(csv_text(TABLE)))) == [
        ["Name", "N", "F1 | Dice", "F1 | Dice low", "F1 | Dice high"],
        ["a_1 <b>", "12345", "0.123456789", "0.1", "0.2"],
        ['says "x, y"', "", "-0.5", "", ""],
        ["R&D", "3", "", "", ""],
    ]


@settings(max_examples=60, deadline=None)
@given(
    st.text(st.characters(exclude_categories=("Cs", "Cc")), min_size=1),
    st.floats(allow_nan=False, allow_infinity=False),
)
def test_csv_gives_back_what_came(text, number):
    table = Table("t", ("a", "b"), ((text, number),))
    _, (name, value) = csv.reader(io.StringIO(csv_text(table)))
    assert name == ("" if text.strip() == "\N{EN DASH}" else text.strip())
    assert float(value) == number


def test_markdown():
    assert markdown_text(TABLE) == (
        "**Scores \\& more**\n\n"
        "| Name | N | F1 \\| Dice |\n"
        "| :--- | ---: | ---: |\n"
        "| a\\_1 \\<b\\> | 12,345 | 0.123 (0.100 to 0.200) |\n"
        '| says "x, y" | – | -0.500 |\n'
        "| R\\&D | 3 | – |\n"
        "\n100 % simulated.\n"
    )


def test_latex():
    text = latex_text(TABLE)
    assert r"\begin{tabular}{lrr}" in text
    assert r"\caption{Scores \& more}" in text
    assert r"\label{tab:scores-more}" in text
    assert r"a\_1 \textless{}b\textgreater{} & 12,345 & 0.123 (0.100 to 0.200) \\" in text
    assert r'says "x, y" & -- & $-$0.500 \\' in text
    assert r"\footnotesize 100 \% simulated." in text
    assert text.count("\\\\\n") == 4


@given(st.text(st.characters(codec="ascii"), max_size=20))
@settings(max_examples=60, deadline=None)
def test_no_character_breaks_a_row(text):
    table = Table("t", ("a", "b"), ((text, "end"),))
    row = latex_text(table).split("\\midrule\n")[1].split("\\bottomrule")[0]
    bare = re.sub(r"\\textbackslash\{\}|\\[&%$#_{}]|\\text\w+\{\}", "", row)
    assert bare.count("&") == 1
    assert not set(bare.removesuffix("\\\\\n")) & set("%$#_{}~^\\\n")
    lines = markdown_text(table).splitlines()
    assert len(lines) == 5
    assert len(re.findall(r"(?<!\\)(?:\\\\)*\|", lines[-1])) == 3


@pytest.mark.parametrize(
    ("text", "name"),
    [("Cells matched, by IoU threshold", "cells-matched-by-iou-threshold"), ("µ", "table")],
)
def test_slug(text, name):
    assert slug(text) == name
