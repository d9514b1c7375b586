import re
import xml.etree.ElementTree as ElementTree

from cellwright.report.bars import bar_chart
from cellwright.report.table_files import read_tables
from cellwright.report.tables import Estimate

LABELS = {"title": "T<1>", "label": "z", "value_label": "accuracy"}


def test_bars_grow_from_zero_with_their_intervals():
    rows = [("a<b", Estimate(0.4, 0.3, 0.5)), ("c", 0.8), ("loss", -0.4), ("none", None)]
    tree = ElementTree.fromstring(bar_chart(rows, **LABELS))
    bars = [
        (float(r.attrib["x"]), float(r.attrib["x"]) + float(r.attrib["width"]))
        for r in tree.findall(".//rect")
    ]
    (zero, first), (start, second), (third, end) = bars
    assert zero == start == round(end, 1)
    assert round(second - start) == round(2 * (first - zero))
    assert third < zero
    (whisker,) = tree.findall(".//path[@class='whisker']")
    low, high = map(float, re.match(r"M([\d.]+) [\d.]+H([\d.]+)", whisker.attrib["d"]).groups())
    assert low < first < high
    tips = [g.find("title").text for g in tree.findall(".//g")]
    assert tips == ["a<b: 0.400 (0.300 to 0.500)", "c: 0.800", "loss: -0.400", "none: –"]
    assert "loss -0.400" in tree.find("svg").attrib["aria-label"]


def test_bars_and_their_texts_stay_on_the_drawing():
    rows = [(f"a very long name of the row number {i}", Estimate(1.0, 0.9, 1.0)) for i in range(30)]
    tree = ElementTree.fromstring(bar_chart(rows, x_range=(0, 1), **LABELS))
    width, height = map(float, tree.find("svg").attrib["viewBox"].split()[2:])
    for text in tree.findall(".//text"):
        assert 0 < float(text.attrib["x"]) < width
        assert 0 < float(text.attrib["y"]) < height
    assert max(float(t.attrib["x"]) for t in tree.findall(".//text")) < width - 35


def test_what_lies_beyond_the_axis_ends_with_it():
    rows = [("a", Estimate(3.0, -2.0, 5.0)), ("b", 0.5)]
    tree = ElementTree.fromstring(bar_chart(rows, x_range=(0, 1), **LABELS))
    wide, half = (float(r.attrib["width"]) for r in tree.findall(".//rect"))
    assert round(wide / half, 2) == 2


def test_reference_is_drawn_and_named():
    text = bar_chart([("a", 0.5)], reference=("as predicted", 0.7), **LABELS)
    tree = ElementTree.fromstring(text)
    (line,) = tree.findall(".//line[@class='reference']")
    assert line.attrib["x1"] == line.attrib["x2"]
    assert "as predicted: 0.700" in text


def test_numbers_and_nothing():
    rows = [("a", Estimate(0.4, 0.3, 0.5)), ("b", Estimate(0.2)), ("c", float("nan"))]
    (table,) = read_tables(bar_chart(rows, **LABELS))
    assert table.columns == ("z", "accuracy")
    assert table.rows == (("a", Estimate(0.4, 0.3, 0.5)), ("b", 0.2), ("c", None))
    assert "no values" in bar_chart([("a", None)], **LABELS)
    assert "no values" in bar_chart([], **LABELS)
