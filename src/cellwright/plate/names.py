"""The grammar of file names: a pattern with named fields turns a name into tags."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import PurePath

from cellwright.types import InputError, Tag

_PART = re.compile(r"\{(?P<name>[^{}:]*)(?::(?P<kind>[^{}]*(?:\{[^{}]*\}[^{}]*)*))?\}|\*|[^*{}]+")
_SUFFIX = re.compile(r"(\.ome)?\.[A-Za-z][A-Za-z0-9]{0,6}$")


@dataclass(frozen=True)
class Pattern:
    """A compiled pattern.

    Parameters
    ----------
    text
        Literal text with fields: ``{well}`` is the shortest run of characters that fits (no
        ``/``), ``{z:int}`` is digits, ``{well:[A-P][0-9]+}`` what a regular expression finds;
        ``*`` is anything without ``/``. Folders may be part of it: ``set{set}/phase``. The
        suffix of the file may be left out. The pattern must fit the whole name.
    """

    text: str
    fields: tuple[str, ...] = field(init=False)
    folders: int = field(init=False)
    _expression: re.Pattern[str] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        expression, fields = _compile(self.text.replace("\\", "/").removeprefix("./"))
        object.__setattr__(self, "_expression", expression)
        object.__setattr__(self, "fields", fields)
        object.__setattr__(self, "folders", re.sub(r"\{[^{}]*\}", "", self.text).count("/"))

    def parse(self, path: str | PurePath) -> dict[str, Tag] | None:
        """Tags from the name of a file, None if the pattern does not fit.

        Digits become numbers unless they start with a zero ("01" stays text).
        """
        parts = PurePath(path).as_posix().split("/")
        if len(parts) <= self.folders:
            return None
        name = "/".join(parts[-1 - self.folders :])
        for text in _spellings(name):
            match = self._expression.fullmatch(text)
            if match:
                return {key: value(found) for key, found in match.groupdict().items()}
        return None


def _compile(text: str) -> tuple[re.Pattern[str], tuple[str, ...]]:
    out, at, fields = "", 0, []
    for part in _PART.finditer(text):
        if part.start() != at:
            break
        at = part.end()
        name, kind = part["name"], part["kind"]
        if part[0] == "*":
            out += "[^/]*"
        elif name is None:
            out += re.escape(part[0])
        elif not name.isidentifier():
            raise InputError(f"pattern {text!r}: {name!r} is no name for a field; use {{well}}")
        elif name in fields:
            raise InputError(f"pattern {text!r}: the field {name!r} comes twice; once is wanted")
        else:
            fields.append(name)
            out += f"(?P<{name}>{'[0-9]+' if kind == 'int' else kind or '[^/]+?'})"
    if at != len(text) or not text:
        raise InputError(f"pattern {text!r}: a brace is open; fields look like {{well}}")
    try:
        return re.compile(out), tuple(fields)
    except re.error as error:
        raise InputError(f"pattern {text!r}: {error}") from error


def _spellings(name: str) -> tuple[str, ...]:
    """The name without its suffix (``.ome.tif`` is one), and as it is."""
    short = _SUFFIX.sub("", name)
    return (short, name) if short and not short.endswith("/") else (name,)


def value(text: str) -> Tag:
    """A tag from text: digits become a number unless they start with a zero."""
    return int(text) if text.isascii() and text.isdigit() and str(int(text)) == text else text


def parse(pattern: str, name: str | PurePath) -> dict[str, Tag] | None:
    """Tags that `pattern` finds in the name of a file, None if it does not fit.

    Examples
    --------
    >>> parse("day{day}t{t}c{channel}xy{position}z{z}", "day1t1c1xy10z15.tif")
    {'day': 1, 't': 1, 'channel': 1, 'position': 10, 'z': 15}
    >>> parse("*_{well}_w{channel}_*", "plate_A01_w2_9E84.tif")
    {'well': 'A01', 'channel': 2}
    """
    return Pattern(pattern).parse(name)
