"""Where the elements of a large array in a JSON file lie, found without keeping them."""

from __future__ import annotations

import os
import stat
from array import array
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from cellwright.formats.json_elements import Runs, changed, state_of
from cellwright.formats.json_window import CHUNK, LIMIT, Window
from cellwright.types import InputError


def index_array(
    path: str | Path,
    key: str,
    begin: Callable[[], Callable[[Any], int]],
    *,
    chunk: int = CHUNK,
    limit: int = LIMIT,
) -> tuple[dict[str, Any] | None, Runs]:
    """Read a JSON object; of the array `key` in it, only the place of its elements is kept.

    Parameters
    ----------
    path
        A regular file, UTF-8 with or without a mark of byte order.
    key
        Name of the array. If it is no array, it is given as other values are.
    begin
        Called where the array begins (again if the key comes twice: as in `json.loads`, the
        last one counts); what it gives is called with each element and gives its group.
    chunk
        Bytes that are read at once.
    limit
        Longest value in bytes, for an element or for another value of the object.

    Returns
    -------
    values
        The other values of the object by key; None if the file holds a value of another kind
        (an array is then not read to its end).
    runs
        Where the elements lie.

    Raises
    ------
    InputError
        If the file is missing, no valid JSON, or changes while it is read.
    """
    path = Path(path)
    try:
        with path.open("rb", buffering=0) as file:
            before = state_of(file)
            if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                raise InputError(f"{path}: no regular file; write it to disk first")
            window = Window(file, path, chunk=chunk, limit=limit)  # type: ignore[arg-type]
            values, found = _walk(window, key, begin)
            if state_of(file) != before:
                raise changed(path)
    except FileNotFoundError as error:
        raise InputError(f"{path}: no such file") from error
    starts, ends, groups = (np.array(a, np.int64) for a in found)
    return values, Runs(path, before, starts, ends, groups)


def _walk(
    window: Window, key: str, begin: Callable[[], Callable[[Any], int]]
) -> tuple[dict[str, Any] | None, tuple[array[int], array[int], array[int]]]:
    found = (array("q"), array("q"), array("q"))
    first = window.peek()
    if first == "[":
        return None, found
    if first != "{":
        window.value()
        if window.peek():
            window.fail("Extra data")
        return None, found
    values: dict[str, Any] = {}
    mark = window.take("{")
    if window.peek() == "}":
        mark = window.take("}")
    while mark != "}":
        if window.peek() != '"':
            window.fail("Expecting property name enclosed in double quotes")
        name = window.value()
        window.take(":")
        if name == key:
            values.pop(name, None)
            found = (array("q"), array("q"), array("q"))
        if name == key and window.peek() == "[":
            _add(window, begin(), *found)
        else:
            values[name] = window.value()
        mark = window.take(",}")
    if window.peek():
        window.fail("Extra data")
    return values, found


def _add(
    window: Window, group_of: Callable[[Any], int], starts: array[int], ends: array[int],
    groups: array[int],
) -> None:  # fmt: skip
    last = None
    for value, start, end in window.elements():
        group = group_of(value)
        if group == last:
            ends[-1] = end
        else:
            starts.append(start)
            ends.append(end)
            groups.append(group)
            last = group
