"""Tables laid over tables: the quick form over a recipe, a variant over its recipe."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def merged(base: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    """`base` with the values of `over` on top, table by table.

    A table laid over a list of tables is laid over each of them; of two lists of tables with
    names, those of one name are laid over each other. Any other list replaces a list.

    Examples
    --------
    >>> merged({"a": {"x": 1, "y": 2}, "b": 3}, {"a": {"y": 4}})
    {'a': {'x': 1, 'y': 4}, 'b': 3}
    >>> merged({"v": [{"name": "p", "x": 1}, {"name": "q"}]}, {"v": [{"name": "p", "x": 2}]})
    {'v': [{'name': 'p', 'x': 2}, {'name': 'q'}]}
    """
    result = dict(base)
    for key, value in over.items():
        result[key] = _laid_over(result[key], value) if key in result else value
    return result


def _laid_over(base: Any, over: Any) -> Any:
    if isinstance(over, Mapping):
        if isinstance(base, Mapping):
            return merged(base, over)
        if _tables(base):
            return [merged(table, over) for table in base]
    if _tables(base, "name") and _tables(over, "name"):
        named = {table["name"]: table for table in over}
        new = [t for name, t in named.items() if name not in {b["name"] for b in base}]
        return [merged(b, named.get(b["name"], {})) for b in base] + new
    return over


def _tables(value: Any, *keys: str) -> bool:
    """Whether `value` is a list of tables that have these keys."""
    return (
        isinstance(value, list | tuple)
        and bool(value)
        and all(isinstance(t, Mapping) and all(k in t for k in keys) for t in value)
    )
