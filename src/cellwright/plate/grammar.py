"""Several patterns tried in order, and the names that need no pattern."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import PurePath

from cellwright.plate.names import Pattern
from cellwright.types import InputError, Tag

PLATE_FIELDS = {"day": "day", "t": "t", "c": "channel", "xy": "position", "z": "z"}
"""What stands before each number in the names of Cellwright's two plate papers, and its tag:
``day1t1c1xy10z15`` (P2, section 4.1) and ``day3c1t3xy14`` (P1, figures 10 and 11)."""

_PART = re.compile(r"(day|xy|[tcz])([0-9]+)([_-]?)")
_NAME = re.compile(rf"(?:{_PART.pattern})+")


@dataclass(frozen=True)
class Grammar:
    """Patterns of file names; of those that fit a name the first counts."""

    patterns: tuple[Pattern, ...]

    def __post_init__(self) -> None:
        if not self.patterns:
            raise InputError("no pattern came; at least one is wanted")

    @classmethod
    def of(cls, texts: str | Sequence[str]) -> Grammar:
        """From one text or several, see `Pattern`."""
        return cls(tuple(Pattern(t) for t in ([texts] if isinstance(texts, str) else texts)))

    @property
    def text(self) -> str:
        """The patterns as they would be typed."""
        return ", ".join(repr(p.text) for p in self.patterns)

    @property
    def fields(self) -> tuple[str, ...]:
        """Every field that a pattern names, each once."""
        return tuple(dict.fromkeys(f for p in self.patterns for f in p.fields))

    @property
    def folders(self) -> int:
        """How many folders the longest pattern names."""
        return max(p.folders for p in self.patterns)

    def match(self, path: str | PurePath) -> tuple[Pattern, dict[str, Tag]] | None:
        """The pattern that fits a file and what it says of it, None if none fits."""
        for pattern in self.patterns:
            tags = pattern.parse(path)
            if tags is not None:
                return pattern, tags
        return None

    def parse(self, path: str | PurePath) -> dict[str, Tag] | None:
        """Tags from the name of a file, None if no pattern fits."""
        found = self.match(path)
        return found[1] if found else None


def plate_pattern(name: str | PurePath) -> str | None:
    """The pattern of a name made of `PLATE_FIELDS` in any order, with a position among them.

    Examples
    --------
    >>> plate_pattern("day1t1c1xy10z15.tif")
    'day{day:int}t{t:int}c{channel:int}xy{position:int}z{z:int}'
    >>> plate_pattern("xy01_c2.png")
    'xy{position:int}_c{channel:int}'
    >>> plate_pattern("cells.tif") is None
    True
    """
    stem = PurePath(name).name.split(".")[0]
    if not _NAME.fullmatch(stem):
        return None
    parts = _PART.findall(stem)
    keys = [key for key, _, _ in parts]
    if len(set(keys)) < len(keys) or len(keys) < 2 or "xy" not in keys or parts[-1][2]:
        return None
    return "".join(f"{key}{{{PLATE_FIELDS[key]}:int}}{sign}" for key, _, sign in parts)


def detect(names: Iterable[str | PurePath]) -> Grammar | None:
    """The grammar of names that are all made of `PLATE_FIELDS`, in any order and any subset.

    None if there are no names, or if one of them is something else.
    """
    found = [plate_pattern(n) for n in names]
    texts = list(dict.fromkeys(t for t in found if t is not None))
    if not texts or None in found:
        return None
    texts.sort(key=lambda t: -t.count("{"))
    return Grammar.of(texts)
