"""The page: sections under a heading, a table of contents, a style and a script of its own.

The page needs no network. Its policy lets exactly one script run, the one whose hash it
names; without scripts the page is whole and readable.
"""

from __future__ import annotations

import base64
import hashlib
import html as _html
import re
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.resources import files
from typing import Any

_SCRIPTS = ("page.js", "page_tables.js", "page_zoom.js")


class Html(str):
    """Markup that is safe to put on the page as it is."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class Section:
    """A heading with markup below it.

    Parameters
    ----------
    title
        Heading, plain text.
    body
        Markup parts, in order.
    """

    title: str
    body: tuple[Html, ...]


def escape(value: Any) -> Html:
    """`value` as text that HTML does not interpret; markup is left as it is.

    Examples
    --------
    >>> escape('<b "x">')
    '&lt;b &quot;x&quot;&gt;'
    >>> escape(Html("<b>"))
    '<b>'
    """
    return value if isinstance(value, Html) else Html(_html.escape(str(value), quote=True))


def join(parts: Sequence[Any], separator: str = "") -> Html:
    """Parts escaped where they are not markup, one after the other."""
    return Html(separator.join(escape(part) for part in parts))


def paragraph(text: Any, *, kind: str = "") -> Html:
    """A paragraph, of a CSS class if one is named."""
    attribute = f' class="{escape(kind)}"' if kind else ""
    return Html(f"<p{attribute}>{escape(text)}</p>")


def heading(text: str) -> Html:
    """A heading inside a section."""
    return Html(f"<h3>{escape(text)}</h3>")


def cards(values: Sequence[tuple[str, Any]]) -> Html:
    """Large figures with their names; a figure is plain text or markup."""
    items = "".join(
        f"<div><dt>{escape(name)}</dt><dd>{escape(value)}</dd></div>" for name, value in values
    )
    return Html(f'<dl class="cards">{items}</dl>')


def gallery(figures: Sequence[Html]) -> Html:
    """Figures side by side, as many as fit."""
    return Html(f'<div class="gallery">{"".join(figures)}</div>')


def columns(parts: Sequence[Html]) -> Html:
    """Parts side by side where there is room, below each other where there is not."""
    return Html(f'<div class="columns">{"".join(f"<div>{part}</div>" for part in parts)}</div>')


def folded(summary: str, body: Html) -> Html:
    """Markup that opens on a click."""
    return Html(f"<details><summary>{escape(summary)}</summary>{body}</details>")


def layer_switches(kinds: Sequence[str]) -> Html:
    """Check boxes that show and hide the outline layers of their section."""
    names = {"prediction": "Prediction", "truth": "Truth", "overlap": "Overlap"}
    boxes = "".join(
        f'<label><input type="checkbox" class="show-{kind}" checked>'
        f'<span class="swatch {kind}" aria-hidden="true"></span>{names[kind]}</label>'
        for kind in kinds
    )
    return Html(
        f'<fieldset class="switches"><legend>Shown on the images</legend>{boxes}</fieldset>'
    )


def page(
    title: str,
    sections: Sequence[Section],
    *,
    lead: Html | None = None,
    foot: Html | None = None,
    more_scripts: Sequence[str] = (),
) -> str:
    """A whole HTML document that loads nothing and runs no script but its own.

    Parameters
    ----------
    title
        Title of the page, plain text.
    sections
        What it holds, in order.
    lead, foot
        Markup below the title, and at the end.
    more_scripts
        Further parts of the page's script, files of this package.
    """
    ids = _anchors([section.title for section in sections])
    contents = "".join(
        f'<li><a href="#{anchor}">{escape(section.title)}</a></li>'
        for anchor, section in zip(ids, sections, strict=True)
    )
    body = "\n".join(
        f'<section id="{anchor}" aria-labelledby="{anchor}-h">'
        f'<h2 id="{anchor}-h">{escape(section.title)}</h2>{"".join(section.body)}</section>'
        for anchor, section in zip(ids, sections, strict=True)
    )
    code = script(more_scripts)
    policy = (
        "default-src 'none'; img-src data:; style-src 'unsafe-inline'; "
        f"script-src '{digest(code)}'; base-uri 'none'; form-action 'none'"
    )
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">\n'
        '<meta name="color-scheme" content="light dark">\n'
        '<meta name="generator" content="Cellwright">\n'
        f'<link rel="icon" href="data:,">\n<title>{escape(title)}</title>\n'
        f"<style>{_part('page.css')}</style>\n</head>\n<body>\n"
        '<a class="skip" href="#main">Skip to the contents</a>\n'
        f"<header><h1>{escape(title)}</h1>{lead or ''}"
        f'<nav aria-label="Contents"><ul>{contents}</ul></nav></header>\n'
        f'<main id="main">\n{body}\n</main>\n<footer>{foot or ""}</footer>\n'
        f"<script>{code}</script>\n</body>\n</html>\n"
    )


def script(more: Sequence[str] = ()) -> str:
    """The script of the page: its parts, and `more` of them, in one scope of their own."""
    parts = "\n".join(_part(name) for name in (*_SCRIPTS, *more))
    return f'(() => {{\n"use strict";\n{parts}}})();\n'


def digest(code: str) -> str:
    """`code` as a content security policy names a script: the hash of its bytes.

    Examples
    --------
    >>> digest("")
    'sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU='
    """
    return f"sha256-{base64.b64encode(hashlib.sha256(code.encode('utf-8')).digest()).decode()}"


def _part(name: str) -> str:
    """A file of this package as text with the line ends that browsers hash."""
    return files("cellwright.report").joinpath(name).read_text("utf-8").replace("\r\n", "\n")


def _anchors(titles: Sequence[str]) -> list[str]:
    """A distinct identifier for each title."""
    taken: list[str] = []
    for title in titles:
        stem = re.sub(r"[^a-z0-9]+", "-", title.lower()).strip("-") or "section"
        anchor, number = f"s-{stem}", 2
        while anchor in taken:
            anchor, number = f"s-{stem}-{number}", number + 1
        taken.append(anchor)
    return taken
