import re
import xml.etree.ElementTree as ElementTree

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cellwright.report.canvas import ticks
from cellwright.report.figures import histogram, line_chart
from cellwright.report.table_files import read_tables
from cellwright.report.tables import Estimate


def chart(series, **options):
    labels = {"title": "T<1>", "x_label": "x&", "y_label": "y"} | options
    return ElementTree.fromstring(line_chart(series, **labels))


def test_lines_are_well_formed_and_named():
    tree = chart({"a<b": ([1, 2, 3], [0.1, 0.4, 0.2]), "c": ([1, 2], [1, 0])})
    assert len(tree.findall(".//polyline")) == 2
    assert [item.find("svg").tail for item in tree.findall(".//li")] == ["a<b", "c"]
    assert "a<b ends at 0.2" in tree.find("svg").attrib["aria-label"]
    styles = [
        (p.attrib["stroke"], p.attrib["stroke-dasharray"]) for p in tree.findall(".//polyline")
    ]
    assert len(set(styles)) == 2


def test_gaps_are_left_out_and_empty_series_say_so():
    tree = chart({"a": ([1, 2, 3], [1.0, float("nan"), 2.0])})
    assert len(tree.find(".//polyline").attrib["points"].split()) == 2
    assert "no values" in line_chart(
        {"a": ([1], [float("nan")])}, title="t", x_label="x", y_label="y"
    )


@pytest.mark.parametrize("y_range", [None, (0, 1)])
def test_points_lie_on_the_canvas(y_range):
    tree = chart({"a": ([5, 50, 200], [0.0, 1.0, 0.5])}, y_range=y_range)
    for x, y in re.findall(r"([\d.]+),([\d.]+)", tree.find(".//polyline").attrib["points"]):
        assert 0 <= float(x) <= 480
        assert 0 <= float(y) <= 290


def test_sixteen_lines_look_different():
    tree = chart({str(i): ([0, 1], [i, i]) for i in range(16)})
    styles = [
        (p.attrib["stroke"], p.attrib["stroke-dasharray"]) for p in tree.findall(".//polyline")
    ]
    assert len(set(styles)) == 16


@settings(max_examples=60, deadline=None)
@given(st.floats(-1e6, 1e6), st.floats(1e-6, 1e6))
def test_ticks_enclose_their_range_with_few_steps(low, width):
    found = ticks(low, low + width)
    slack = 1e-6 * max(1, abs(low), width)
    assert found[0] <= low + slack
    assert found[-1] >= low + width - slack
    assert 2 <= len(found) <= 9
    assert found == sorted(set(found))


@pytest.mark.parametrize(
    "values", [[3, 3, 3], [0, 1, 1, 2, 50], np.linspace(0, 1, 99), [0.5], [1, np.inf, 2]]
)
def test_histogram_counts_every_finite_value(values):
    tree = ElementTree.fromstring(histogram(values, title="t", x_label="x"))
    counted = sum(int(r.find("title").text.split(": ")[1]) for r in tree.findall(".//rect"))
    assert counted == np.isfinite(values).sum()


def test_histogram_of_counts_has_whole_ticks():
    text = histogram([14, 14, 15, 15, 15, 15, 15, 15], title="t", x_label="x")
    labels = [float(t.text) for t in ElementTree.fromstring(text).findall(".//text")[:-2]]
    assert all(label.is_integer() for label in labels)
    assert text.count("<rect") == 2


def test_histogram_of_nothing():
    assert "no values" in histogram([], title="t", x_label="x")


def test_bands_lie_about_their_line():
    band = {"a": ([1, 2, 3], [0.2, 0.3, float("nan")], [0.6, 0.7, 0.9]), "gone": ([1], [0], [1])}
    tree = chart({"a": ([1, 2, 3], [0.4, 0.5, 0.6])}, bands=band)
    (shade,) = tree.findall(".//polygon")
    corners = [tuple(map(float, c.split(","))) for c in shade.attrib["points"].split()]
    assert len(corners) == 4
    line = [float(c.split(",")[1]) for c in tree.find(".//polyline").attrib["points"].split()]
    assert corners[0][1] < line[0] < corners[-1][1]
    assert "95 % intervals" in tree.find("svg").attrib["aria-label"]


def test_wide_bands_widen_the_axis():
    tree = chart({"a": ([1, 2], [0.4, 0.5])}, bands={"a": ([1, 2], [-3, -3], [9, 9])})
    for _, y in re.findall(r"([\d.]+),(-?[\d.]+)", tree.find(".//polygon").attrib["points"]):
        assert 0 <= float(y) <= 290


def test_numbers_of_a_chart_can_be_read():
    bands = {"a": ([1, 2], [0.3, 0.4], [0.5, 0.6])}
    text = line_chart(
        {"a": ([1, 2], [0.4, 0.5]), "b": ([2, 3], [7, 8])},
        title="T",
        x_label="x",
        y_label="y",
        bands=bands,
    )
    (table,) = read_tables(text)
    assert table.columns == ("x", "a", "b")
    assert table.rows == (
        (1, Estimate(0.4, 0.3, 0.5), None),
        (2, Estimate(0.5, 0.4, 0.6), 7.0),
        (3, None, 8.0),
    )
    (counts,) = read_tables(histogram([1, 1, 2, 5], title="H", x_label="x"))
    assert sum(row[2] for row in counts.rows) == 4
