import xml.etree.ElementTree as ElementTree

from cellwright.report.scatter import Point, scatter
from cellwright.report.table_files import read_tables
from cellwright.report.tables import Estimate

LABELS = {"title": "T<1>", "x_label": "score", "y_label": "precision"}


def test_points_lie_about_the_diagonal_and_grow_with_their_weight():
    points = [Point(0.2, 0.1, "few", weight=1), Point(0.8, 0.9, "many", 0.85, 0.95, 100)]
    text = scatter({"all": points}, span=(0, 1), diagonal="as sure as right", **LABELS)
    tree = ElementTree.fromstring(text)
    few, many = tree.findall(".//circle")
    assert float(few.attrib["r"]) < float(many.attrib["r"])
    (line,) = tree.findall(".//line[@class='reference']")
    x1, y1, x2, y2 = (float(line.attrib[k]) for k in ("x1", "y1", "x2", "y2"))
    on = [
        y1 + (float(c.attrib["cx"]) - x1) / (x2 - x1) * (y2 - y1) - float(c.attrib["cy"])
        for c in (few, many)
    ]
    assert on[0] < 0 < on[1]
    tips = [g.find("title").text for g in tree.findall(".//g")]
    assert tips == ["few: 0.200, 0.100, 1", "many: 0.800, 0.900 (0.850 to 0.950), 100"]
    assert "1 above the diagonal" in tree.find("svg").attrib["aria-label"]


def test_series_differ_by_shape_and_colour():
    series = {str(i): [Point(i, i)] for i in range(4)}
    text = scatter(series, **LABELS)
    marks = [
        (m.tag, m.attrib.get("points", "").count(","), m.attrib["fill"])
        for m in ElementTree.fromstring(text).findall(".//g/*[@class='mark']")
    ]
    assert len(set(marks)) == 4
    assert text.count("<li>") == 4


def test_intervals_stay_on_the_drawing_and_odd_points_are_left_out():
    points = [Point(0.5, 0.5, low=-2, high=3), Point(float("nan"), 1), Point(1, float("inf"))]
    tree = ElementTree.fromstring(scatter({"a": points}, span=(0, 1), **LABELS))
    assert len(tree.findall(".//circle")) == 1
    top, base = tree.find(".//path[@class='whisker']").attrib["d"].split(" ")[1].split("V")
    assert {float(top), float(base)} == {10.0, 324.0}


def test_numbers_name_what_is_there():
    points = [Point(0.25, 0.5, "0.2 to 0.3", 0.4, 0.6, 12)]
    (table,) = read_tables(
        scatter({"a": points}, name_label="Score", weight_label="Cells", **LABELS)
    )
    assert table.columns == ("Score", "score", "precision", "Cells")
    assert table.rows == (("0.2 to 0.3", 0.25, Estimate(0.5, 0.4, 0.6), 12),)
    (table,) = read_tables(scatter({"a": [Point(1, 2)], "b": [Point(3, 4)]}, **LABELS))
    assert table.columns == ("Series", "score", "precision")
    assert "no values" in scatter({"a": []}, **LABELS)
