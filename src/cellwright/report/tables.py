"""Tables of numbers, settings and scores as accessible HTML.

A table is plain values until it is drawn: whatever comes from outside is escaped here.
A cell whose text is rounded carries its exact value in `data-v` (and the ends of an
interval in `data-low` and `data-high`), for sorting and for the exports of `table_text`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from html import unescape
from math import isfinite
from numbers import Integral, Real
from typing import Any

from cellwright.report.html import Html, escape

NONE = "\N{EN DASH}"


@dataclass(frozen=True, slots=True)
class Estimate:
    """A value with its 95 % interval; sorted by the value, three columns in CSV.

    Parameters
    ----------
    value
        The value; None where it is undefined.
    low, high
        Ends of the interval; None where there is none.
    """

    value: float | None
    low: float | None = None
    high: float | None = None

    @classmethod
    def of(cls, value: float | None, interval: Sequence[float | None] | None) -> Estimate:
        """`value` with an interval as scores hold it, ``[low, high]`` or None."""
        low, high = interval if interval is not None else (None, None)
        return cls(value, low, high)

    @property
    def interval(self) -> tuple[float, float] | None:
        """Both ends; None unless the value and both are finite numbers."""
        parts = (self.value, self.low, self.high)
        known = [float(p) for p in parts if p is not None and is_number(p) and isfinite(p)]
        return (known[1], known[2]) if len(known) == len(parts) else None

    def __str__(self) -> str:
        if self.value is None or self.interval is None:
            return shown(self.value)
        low, high = self.interval
        digits = _digits(max(abs(float(self.value)), abs(low), abs(high)))
        parts = (f"{number:,.{digits}f}" for number in (float(self.value), low, high))
        return "{} ({} to {})".format(*parts)


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

    @property
    def numeric(self) -> tuple[bool, ...]:
        """Whether each column holds nothing but numbers, estimates and dashes."""
        return tuple(
            bool(self.rows)
            and all(
                is_number(row[i]) or row[i] is None or isinstance(row[i], Estimate)
                for row in self.rows
            )
            for i in range(len(self.columns))
        )

    def html(self) -> Html:
        """The table as markup; it scrolls sideways in its own box."""
        kind = [' class="number"' if n else "" for n in self.numeric]
        head = "".join(
            f'<th scope="col"{k}>{escape(c)}</th>' for c, k in zip(self.columns, kind, strict=True)
        )
        body = "".join(
            "<tr>"
            + f'<th scope="row"{kind[0]}{_data(row[0])}>{markup(row[0])}</th>'
            + "".join(
                f"<td{k}{_data(v)}>{markup(v)}</td>" for v, k in zip(row[1:], kind[1:], strict=True)
            )
            + "</tr>"
            for row in self.rows
        )
        note = f'<p class="note">{escape(self.note)}</p>' if self.note else ""
        name = escape(self.caption)
        return Html(
            f'<div class="table"><div class="bar"><p class="caption" aria-hidden="true">{name}</p>'
            f'</div><div class="scroll" role="region" tabindex="0" aria-label="{name}">'
            f'<table><caption class="quiet">{name}</caption>'
            f"<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>{note}</div>"
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
    if isinstance(value, Estimate):
        return str(value)
    if isinstance(value, Integral):
        return f"{int(value):,}"
    if isinstance(value, Real):
        number = float(value)
        if not isfinite(number):
            return NONE
        if number and not 0.001 <= abs(number) < 1e7:
            return f"{number:.3g}"
        return f"{number:,.{_digits(abs(number))}f}"
    if isinstance(value, Mapping):
        return ", ".join(f"{k}: {_plain(v)}" for k, v in value.items())
    if isinstance(value, Iterable) and not isinstance(value, str | bytes):
        return ", ".join(_plain(v) for v in value)
    return str(value)


def exact(value: Any) -> str:
    """A value without rounding; "" for a dash. An estimate gives its value alone.

    Examples
    --------
    >>> exact(0.86412), exact(12345), exact(None), exact(Estimate(0.5, 0.25, 1.0)), exact("a")
    ('0.86412', '12345', '', '0.5', 'a')
    """
    if isinstance(value, Estimate):
        return exact(value.value)
    if is_number(value):
        if isinstance(value, Integral):
            return str(int(value))
        return repr(float(value)) if isfinite(value) else ""
    text = plain_text(value)
    return "" if text == NONE else text


def plain_text(value: Any) -> str:
    """What a reader sees of a value: its text without markup and outer spaces."""
    text = unescape(re.sub(r"<[^>]*>", "", value)) if isinstance(value, Html) else shown(value)
    return text.strip()


def markup(value: Any) -> Html:
    """A value as the page shows it; the interval of an estimate is set smaller.

    Examples
    --------
    >>> markup(Estimate(0.5, 0.25, 1.0))
    '0.500 <span class="interval">(0.250 to 1.000)</span>'
    """
    if isinstance(value, Estimate) and value.interval is not None:
        number, interval = str(value).split(" ", 1)
        return Html(f'{number} <span class="interval">{interval}</span>')
    return escape(shown(value))


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


def _digits(size: float) -> int:
    """Digits after the point for numbers up to `size`."""
    return 3 if size < 10 else 2 if size < 100 else 1


def _data(value: Any) -> str:
    """Attributes of a cell that hold what its text does not."""
    parts = []
    if isinstance(value, Estimate) or (is_number(value) and exact(value) != shown(value)):
        parts.append(("v", exact(value)))
    if isinstance(value, Estimate):
        parts += [("low", exact(value.low)), ("high", exact(value.high))]
    return "".join(f' data-{name}="{text}"' for name, text in parts)


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
