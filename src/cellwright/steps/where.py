"""Tags that images must have, from any form in which a call may name them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from cellwright.types import Tag

Where = Sequence[tuple[str, Tag]] | Mapping[str, Tag | Iterable[Tag]]


def wanted_tags(where: Where) -> dict[str, list[str]]:
    """Key -> its values, which are alternatives, as text.

    Parameters
    ----------
    where
        Pairs of key and value, in which a key may come again, or keys with a value or several.

    Examples
    --------
    >>> wanted_tags([("z", 1), ("split", "train"), ("z", "2")])
    {'z': ['1', '2'], 'split': ['train']}
    >>> wanted_tags({"z": (1, 2), "split": "train"})
    {'z': ['1', '2'], 'split': ['train']}
    """
    pairs = where.items() if isinstance(where, Mapping) else where
    found: dict[str, list[str]] = {}
    for key, value in pairs:
        several = [value] if isinstance(value, str | int | float) else value
        found.setdefault(key, []).extend(map(str, several))
    return found
