"""Tags by rule: ``split=train:well=A*,C*`` holds where the well starts with A or C."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase

from cellwright.plate.names import value
from cellwright.types import InputError, Tag

_RULE = re.compile(
    r"\s*(?P<key>[^=:,;\s]+)\s*=\s*(?P<value>.*?)\s*(?::\s*(?P<where>[^=:;]+=[^:]*))?"
)


@dataclass(frozen=True)
class TagRule:
    """Give the tag `key` the value `value` where `where` holds (key: allowed values)."""

    key: str
    value: Tag
    where: Mapping[str, tuple[str, ...]]


def conditions(texts: str | Sequence[str]) -> dict[str, tuple[str, ...]]:
    """``["well=A*,C*", "day=1"]`` as allowed values by key; ``*`` and ``?`` are wildcards."""
    found: dict[str, tuple[str, ...]] = {}
    for text in [texts] if isinstance(texts, str) else texts:
        for part in text.split(";"):
            key, sign, values = part.partition("=")
            allowed = tuple(v.strip() for v in values.split(",") if v.strip())
            if not sign or not key.strip() or not allowed:
                raise InputError(f"condition {part!r} came; key=value or key=value,value is wanted")
            found[key.strip()] = found.get(key.strip(), ()) + allowed
    return found


def rules(tags: Mapping[str, Tag] | Iterable[str]) -> tuple[TagRule, ...]:
    """Rules from a mapping (tags of every image) or from texts ``key=value[:key=value,...]``."""
    if isinstance(tags, Mapping):
        tags = [f"{k}={v}" for k, v in tags.items()]
    out = []
    for text in tags:
        match = _RULE.fullmatch(text)
        if not match or not match["value"]:
            raise InputError(
                f"tag {text!r} came; key=value is wanted, or with a condition "
                "split=train:well=A*,C*"
            )
        where = conditions(match["where"]) if match["where"] else {}
        out.append(TagRule(match["key"], value(match["value"]), where))
    return tuple(out)


def fits(tags: Mapping[str, Tag], where: Mapping[str, Sequence[str]]) -> bool:
    """Whether each key of `where` has one of its values among `tags`, compared as text."""
    return all(
        key in tags and any(fnmatchcase(str(tags[key]), v) for v in allowed)
        for key, allowed in where.items()
    )


def apply(tags: Mapping[str, Tag], by: Iterable[TagRule]) -> dict[str, Tag]:
    """Tags with those of the rules added; of several rules for a key the first that fits counts.

    Examples
    --------
    >>> apply({"well": "B07"}, rules(["split=train:well=A*,C*", "split=test"]))
    {'well': 'B07', 'split': 'test'}
    """
    out: dict[str, Tag] = dict(tags)
    given: set[str] = set()
    for rule in by:
        if rule.key not in given and fits(out, rule.where):
            out[rule.key] = rule.value
            given.add(rule.key)
    return out
