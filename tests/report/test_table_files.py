import json

import pytest

from cellwright.report.html import Section, columns, folded, page, paragraph
from cellwright.report.table_files import read_tables, write_tables
from cellwright.report.table_text import csv_text
from cellwright.report.tables import Estimate, Table
from cellwright.types import InputError

FIRST = Table(
    "First <b> & c",
    ("", "x", "Words"),
    (
        ("m", 1 / 3, "<table>"),
        ("n", None, ""),
        ("o", 31.0, "a  b"),
        ("p", 1234567, "10"),
        ("q", Estimate(0.5, 0.25, 1.0), "yes"),
    ),
    "A note.",
)
SECOND = Table("A b c", ("k", "v"), (("x", True), ("y", 1e-12), ("z", "word")))


@pytest.fixture
def text():
    body = (paragraph("<table>"), columns([FIRST.html()]), folded("more", SECOND.html()))
    return page("t", [Section("One", body)])


def test_tables_come_back_from_the_page(text):
    first, second = read_tables(text)
    assert first == FIRST
    assert (second.caption, second.columns, second.note) == ("A b c", ("k", "v"), "")
    assert csv_text(second) == csv_text(SECOND)


def test_each_table_is_written_three_times(text, tmp_path):
    folder = tmp_path / "tables"
    written = write_tables(text, folder)
    names = [path.name for path in written]
    stems = ("first-b-c", "a-b-c")
    assert names == [f"{stem}.{end}" for stem in stems for end in ("csv", "md", "tex")]
    assert (folder / "first-b-c.csv").read_text("utf-8") == csv_text(FIRST)
    assert json.loads((folder / "tables.json").read_text())["files"] == names


def test_tables_of_one_name_are_numbered(tmp_path):
    twice = SECOND.html() + FIRST.html() + SECOND.html()
    assert [p.name for p in write_tables(twice, tmp_path) if p.suffix == ".md"] == [
        "a-b-c.md",
        "first-b-c.md",
        "a-b-c-2.md",
    ]


def test_earlier_tables_go_and_other_files_stay(text, tmp_path):
    write_tables(text, tmp_path)
    (tmp_path / "notes.txt").write_text("mine")
    write_tables(SECOND.html(), tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "a-b-c.csv",
        "a-b-c.md",
        "a-b-c.tex",
        "notes.txt",
        "tables.json",
    ]


def test_files_of_others_are_never_replaced(text, tmp_path):
    (tmp_path / "a-b-c.md").write_text("mine")
    with pytest.raises(InputError, match=r"a-b-c\.md is there already"):
        write_tables(text, tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["a-b-c.md"]


def test_bad_folders_are_named(text, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="is a file"):
        write_tables(text, tmp_path / "file")
    (tmp_path / "tables.json").write_text("[]")
    with pytest.raises(InputError, match="damaged"):
        write_tables(text, tmp_path)
