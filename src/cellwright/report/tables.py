"""Tables of numbers, settings and scores as accessible HTML.

A table is plain values until it is drawn: whatever comes from outside is escaped here.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from math import isfinite
from numbers import Integral, Real
from typing import Any

from cellwright.report.html import Html, escape

NONE = "\N{EN DASH}"


@dataclass(frozen=True, slots=True)
class Table:
    """Values under column names.

    Parameters
    ----------
    caption
        What the table shows; also its name for a screen reader.
    columns
        Column names; the first column names the rows.
    rows
        One sequence of values per row, as long as `columns`; None is shown as a dash.
    note
        A line below the table, or "".
    """

    caption: str
    columns: tuple[str, ...]
    rows: tuple[tuple[Any, ...], ...]
    note: str = ""

    def html(self) -> Html:
        """The table as markup; it scrolls sideways in its own box."""
        numeric = [
            all(is_number(row[i]) or row[i] is None for row in self.rows)
            for i in range(len(self.columns))
        ]
        kind = [' class="number"' if n else "" for n in numeric]
        head = "".join(
            f'<th scope="col"{k}>{escape(c)}</th>' for c, k in zip(self.columns, kind, strict=True)
        )
        body = "".join(
            "<tr>"
            + f'<th scope="row"{kind[0]}>{escape(shown(row[0]))}</th>'
            + "".join(
                f"<td{k}>{escape(shown(v))}</td>" for v, k in zip(row[1:], kind[1:], strict=True)
            )
            + "</tr>"
            for row in self.rows
        )
        note = f'<p class="note">{escape(self.note)}</p>' if self.note else ""
        return Html(
            f'<div class="scroll" role="region" tabindex="0" aria-label="{escape(self.caption)}">'
            f"<table><caption>{escape(self.caption)}</caption>"
            f"<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>{note}"
        )


def is_number(value: Any) -> bool:
    """Whether `value` is a number and not a truth value."""
    return isinstance(value, Real) and not isinstance(value, bool)


def shown(value: Any) -> str:
    """A value as a reader wants it.

    Examples
    --------
    >>> shown(0.86412), shown(12345), shown(None), shown(float("nan")), shown(True)
    ('0.864', '12,345', '–', '–', 'yes')
    >>> shown([1, 99.8]), shown(0.0000123), shown(31.0), shown(1234.5678)
    ('1, 99.8', '1.23e-05', '31.00', '1,234.6')
    """
    if isinstance(value, Html) or value is None:
        return NONE if value is None else value
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, Integral):
        return f"{int(value):,}"
    if isinstance(value, Real):
        number = float(value)
        if not isfinite(number):
            return NONE
        if number and not 0.001 <= abs(number) < 1e7:
            return f"{number:.3g}"
        digits = 3 if abs(number) < 10 else 2 if abs(number) < 100 else 1
        return f"{number:,.{digits}f}"
    if isinstance(value, Mapping):
        return ", ".join(f"{k}: {_plain(v)}" for k, v in value.items())
    if isinstance(value, Iterable) and not isinstance(value, str | bytes):
        return ", ".join(_plain(v) for v in value)
    return str(value)


def settings_table(caption: str, settings: Mapping[str, Any], *, note: str = "") -> Table:
    """Nested settings as rows of dotted names and exact values.

    Examples
    --------
    >>> settings_table("s", {"a": {"b": 1, "c": [1, 2]}}).rows
    (('a.b', '1'), ('a.c', '1, 2'))
    """
    rows = tuple((name, _plain(value)) for name, value in flat(settings))
    return Table(caption, ("Setting", "Value"), rows, note)


def flat(settings: Mapping[str, Any], prefix: str = "") -> list[tuple[str, Any]]:
    """Dotted names and leaf values of nested mappings, in order."""
    leaves: list[tuple[str, Any]] = []
    for key, value in settings.items():
        name = f"{prefix}{key}"
        if isinstance(value, Mapping) and value:
            leaves += flat(value, f"{name}.")
        else:
            leaves.append((name, value))
    return leaves


def paper_table(paper: Mapping[str, Any]) -> Table:
    """A paper's figures beside ours, with the difference where both are numbers.

    Parameters
    ----------
    paper
        ``{"title": ..., "rows": [{"metric", "paper", "ours", "note"}, ...]}``.
    """
    rows = []
    for row in paper.get("rows", ()):
        theirs, ours = row.get("paper"), row.get("ours")
        both = is_number(theirs) and is_number(ours)
        difference = f"{ours - theirs:+.3f}" if both else None
        rows.append((row.get("metric"), theirs, ours, difference, row.get("note") or ""))
    title = str(paper.get("title") or "the paper")
    return Table(
        f"{title}: published figures beside ours",
        ("Metric", "Paper", "Ours", "Ours \N{MINUS SIGN} paper", "Note"),
        tuple(rows),
    )


def _plain(value: Any) -> str:
    """A setting exactly as it is, without rounding."""
    if isinstance(value, bool) or value is None:
        return shown(value)
    if isinstance(value, float):
        return f"{value:.6g}"
    if isinstance(value, Integral):
        return str(int(value))
    if isinstance(value, list | tuple):
        nested = (list, tuple)
        return ", ".join(f"[{_plain(v)}]" if isinstance(v, nested) else _plain(v) for v in value)
    return shown(value)
