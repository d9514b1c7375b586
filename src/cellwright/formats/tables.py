"""Tables of tags: one row an image."""

from __future__ import annotations

import csv
import io
from pathlib import Path

from cellwright.formats.coco import read_json
from cellwright.types import InputError, Tag


def read_tags(path: str | Path) -> tuple[str, dict[str, dict[str, Tag]]]:
    """Read a table of tags.

    Parameters
    ----------
    path
        CSV with a header, or JSON with a list of objects. The first column says which image a
        row belongs to; columns that hold no word, number or truth value are left out.

    Returns
    -------
    tuple
        Name of the first column, and the tags of each row by its value there.

    Raises
    ------
    InputError
        If the file is no table, or an image comes twice.
    """
    path = Path(path)
    if path.suffix.lower() == ".json":
        rows = read_json(path)
    else:
        try:
            rows = list(csv.DictReader(io.StringIO(path.read_text("utf-8-sig"))))
        except (OSError, UnicodeDecodeError, csv.Error) as error:
            raise InputError(f"{path}: the table cannot be read ({error})") from error
    if not isinstance(rows, list) or not rows or not all(isinstance(r, dict) and r for r in rows):
        raise InputError(f"{path}: no table; CSV with a header or a JSON list of objects is wanted")
    key = next(iter(rows[0]))
    found: dict[str, dict[str, Tag]] = {}
    for row in rows:
        name = str(row.get(key))
        if name in found:
            raise InputError(f"{path}: {key} {name!r} comes twice; one row an image is wanted")
        found[name] = {
            str(k): v for k, v in row.items() if isinstance(v, str | int | float | bool) and v != ""
        }
    return key, found
