"""The tables of a page as files beside it: CSV, Markdown and LaTeX.

Tables are read back from the markup of the page, so that the files hold every table
that a reader sees, the numbers behind the charts among them, and nothing else.
"""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

from cellwright.report.table_text import csv_text, latex_text, markdown_text, slug
from cellwright.report.tables import NONE, Estimate, Table
from cellwright.types import InputError

_MANIFEST = "tables.json"
_WRITERS = {"csv": csv_text, "md": markdown_text, "tex": latex_text}


def read_tables(page: str) -> list[Table]:
    """All tables of a page in their order, with exact values.

    Examples
    --------
    >>> read_tables(Table("t", ("a", "b"), (("x", 1 / 3), ("y", None))).html())[0].rows
    (('x', 0.3333333333333333), ('y', None))
    """
    found = re.findall(r"<table>.*?</table></div>(?:<p class=\"note\">.*?</p>)?", page, re.DOTALL)
    return [_Reader(text).table() for text in found]


def write_tables(page: str, folder: Path) -> list[Path]:
    """Write each table of `page` as NAME.csv, NAME.md and NAME.tex.

    Parameters
    ----------
    page
        Markup of the page.
    folder
        Where the files go; made if it is not there. Tables that an earlier call wrote
        there are replaced, other files are left alone.

    Returns
    -------
    list of Path
        The files written, in the order of the page; ``tables.json`` lists them.

    Raises
    ------
    InputError
        If `folder` is a file, or a file that no earlier call wrote is in the way.
    """
    from cellwright.formats.atomic import write_text

    earlier = _earlier(folder)
    named: dict[str, Table] = {}
    for table in read_tables(page):
        name, number = slug(table.caption), 2
        while name in named:
            name, number = f"{slug(table.caption)}-{number}", number + 1
        named[name] = table
    texts = {
        folder / f"{name}.{ending}": write(table)
        for name, table in named.items()
        for ending, write in _WRITERS.items()
    }
    for path in texts:
        if path.exists() and path.name not in earlier:
            raise InputError(f"{path} is there already: name another folder for the tables")
    folder.mkdir(parents=True, exist_ok=True)
    for name in earlier:
        (folder / name).unlink(missing_ok=True)
    for path, text in texts.items():
        write_text(text, path)
    listed = {"schema_version": 1, "files": [path.name for path in texts]}
    write_text(json.dumps(listed, indent=1), folder / _MANIFEST)
    return list(texts)


def _earlier(folder: Path) -> set[str]:
    """Names of the files that an earlier call wrote to `folder`."""
    if folder.exists() and not folder.is_dir():
        raise InputError(f"{folder} is a file: name a folder for the tables")
    manifest = folder / _MANIFEST
    if not manifest.is_file():
        return set()
    try:
        listed = json.loads(manifest.read_text("utf-8"))["files"]
        return {Path(str(name)).name for name in listed}
    except (ValueError, KeyError, TypeError) as error:
        raise InputError(
            f"{manifest} is damaged ({error}): delete it and the tables beside it"
        ) from error


class _Reader(HTMLParser):
    """One table of the page: its caption, columns, cells and note."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self._caption, self._note = "", ""
        self._columns: list[str] = []
        self._rows: list[list[Any]] = []
        self._attributes: dict[str, str | None] = {}
        self._text, self._body = "", False
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in ("caption", "th", "td", "p"):
            self._attributes, self._text = dict(attrs), ""
        elif tag == "tbody":
            self._body = True
        elif tag == "tr" and self._body:
            self._rows.append([])

    def handle_data(self, data: str) -> None:
        self._text += data

    def handle_endtag(self, tag: str) -> None:
        if tag == "caption":
            self._caption = self._text
        elif tag == "p":
            self._note = self._text
        elif tag == "th" and not self._body:
            self._columns.append(self._text)
        elif tag in ("th", "td"):
            self._rows[-1].append(_value(self._text, self._attributes))

    def table(self) -> Table:
        rows = tuple(tuple(row) for row in self._rows)
        return Table(self._caption, tuple(self._columns), rows, self._note)


def _value(text: str, attributes: dict[str, str | None]) -> Any:
    if "data-low" in attributes:
        return Estimate(*(_number(attributes[f"data-{key}"]) for key in ("v", "low", "high")))
    if text.strip() == NONE:
        return None
    if "data-v" in attributes or attributes.get("class") == "number":
        return _number(attributes.get("data-v", text))
    return text


def _number(text: str | None) -> float | int | None:
    if not text:
        return None
    return int(text) if re.fullmatch(r"-?\d+", text) else float(text)
