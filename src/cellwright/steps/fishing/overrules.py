"""What a human says of a cell otherwise than the rule, or confirms; it is kept and counts."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from cellwright.measure.cac import NOT_CALLED
from cellwright.measure.fish_rule import CALLS
from cellwright.types import InputError

OVERRULES = "overrules.json"
AS_FOUND = "as found"
#: what may stand in the column ``call``
WORDS = (*CALLS, NOT_CALLED, AS_FOUND)

#: call by image and number of the cell
Overrules = dict[tuple[str, int], str]


def kept_overrules(folder: Path) -> Overrules:
    """What was said before about the cells of an output folder."""
    path = folder / OVERRULES
    if not path.is_file():
        return {}
    rows = json.loads(path.read_text("utf-8"))["overrules"]
    return {(str(r["image"]), int(r["cell"])): str(r["call"]) for r in rows}


def read_overrules(path: str | Path, cells: Mapping[str, int]) -> Overrules:
    """What a table says of cells.

    Parameters
    ----------
    path
        CSV with the columns image, cell (number from 1) and call, as the gallery saves it. Rows
        without a call are passed over, so that ``cells.csv`` with its column ``by_hand`` renamed
        to ``call`` is one too.
    cells
        How many cells each image has.

    Raises
    ------
    InputError
        If it cannot be read, lacks a column, or names an image, a cell or a call that is not
        there; the line is named.
    """
    path = Path(path)
    try:
        reader = csv.DictReader(io.StringIO(path.read_text("utf-8-sig")))
        rows, columns = list(reader), reader.fieldnames or ()
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"{path}: the table cannot be read ({error})") from error
    missing = [c for c in ("image", "cell", "call") if c not in columns]
    if missing:
        raise InputError(
            f"{path}: there is no column {', '.join(missing)}; image, cell and call are wanted"
        )
    words = {word.lower(): word for word in WORDS}
    found: Overrules = {}
    for line, row in enumerate(rows, start=2):
        image, cell, said = (str(row[k] or "").strip() for k in ("image", "cell", "call"))
        if not said:
            continue
        if image not in cells:
            raise InputError(f"{path}, line {line}: there is no image {image!r} in the results")
        if not cell.isdecimal() or not 1 <= int(cell) <= cells[image]:
            raise InputError(
                f"{path}, line {line}: cell {cell!r} came; {image} has cells 1 to {cells[image]}"
            )
        if said.lower() not in words:
            raise InputError(
                f"{path}, line {line}: call {said!r} is not known; one of {', '.join(WORDS)} is "
                "wanted"
            )
        found[image, int(cell)] = words[said.lower()]
    return found


def keep_overrules(folder: Path, new: Overrules) -> Overrules:
    """Add `new` to what is kept; what was said later counts, "as found" takes back."""
    from cellwright.formats.atomic import write_json

    merged = {**kept_overrules(folder), **new}
    merged = {key: call for key, call in merged.items() if call != AS_FOUND}
    rows = [{"image": i, "cell": c, "call": call} for (i, c), call in sorted(merged.items())]
    write_json({"schema_version": 1, "overrules": rows}, folder / OVERRULES)
    return merged


def apply_overrules(record: Mapping[str, Any], overrules: Mapping[tuple[str, int], str]) -> None:
    """Set ``by_hand`` and ``final`` of every cell of a frame's record."""
    for cell in record["cells"]:
        said = overrules.get((str(record["name"]), int(cell["cell"])), "")
        cell["by_hand"] = said
        cell["final"] = said or cell["call"]
