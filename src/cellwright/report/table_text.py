"""Tables as CSV, Markdown and LaTeX texts.

The script of the page writes the same texts of what a reader has sorted and filtered.
"""

from __future__ import annotations

import re
from typing import Any

from cellwright.report.tables import Estimate, Table, exact, plain_text

_LATEX = {
    "\\": r"\textbackslash{}",
    "&": r"\&",
    "%": r"\%",
    "$": r"\$",
    "#": r"\#",
    "_": r"\_",
    "{": r"\{",
    "}": r"\}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "\N{EN DASH}": "--",
    "\N{MINUS SIGN}": "$-$",
    "\N{MICRO SIGN}": r"\textmu{}",
    "\N{SUPERSCRIPT TWO}": r"\textsuperscript{2}",
    "\N{LESS-THAN OR EQUAL TO}": r"$\leq$",
    "\N{GREATER-THAN OR EQUAL TO}": r"$\geq$",
}


def csv_text(table: Table) -> str:
    r"""A table as comma-separated values in full precision; empty for a dash.

    A column with estimates becomes three: the value, its lower and its upper end.

    Examples
    --------
    >>> csv_text(Table("t", ("a", "b"), (("x, y", Estimate(0.5, 0.25, 1.0)), ("z", None))))
    'a,b,b low,b high\n"x, y",0.5,0.25,1.0\nz,,,\n'
    """
    wide = [any(isinstance(row[i], Estimate) for row in table.rows) for i in _range(table)]
    lines = [[n for name, w in zip(table.columns, wide, strict=True) for n in _names(name, w)]]
    lines += [
        [text for value, w in zip(row, wide, strict=True) for text in _fields(value, w)]
        for row in table.rows
    ]
    return "".join(",".join(map(_quoted, line)) + "\n" for line in lines)


def markdown_text(table: Table) -> str:
    r"""A table as Markdown of GitHub's kind, values as the page shows them.

    Examples
    --------
    >>> print(markdown_text(Table("t", ("a", "b"), (("x|y", 0.5),))), end="")
    **t**
    <BLANKLINE>
    | a | b |
    | :--- | ---: |
    | x\|y | 0.500 |
    """
    rule = ["---:" if number else ":---" for number in table.numeric]
    rows = [[_markdown(plain_text(value)) for value in row] for row in table.rows]
    lines = [[_markdown(name) for name in table.columns], rule, *rows]
    body = "".join(f"| {' | '.join(line)} |\n" for line in lines)
    note = f"\n{_markdown(table.note)}\n" if table.note else ""
    return f"**{_markdown(table.caption)}**\n\n{body}{note}"


def latex_text(table: Table) -> str:
    r"""A table as a LaTeX float with the rules of the package booktabs.

    Examples
    --------
    >>> print(latex_text(Table("A & B", ("a", "b"), (("x_1", -0.5),))), end="")
    % needs \usepackage{booktabs}
    \begin{table}
    \centering
    \caption{A \& B}
    \label{tab:a-b}
    \begin{tabular}{lr}
    \toprule
    a & b \\
    \midrule
    x\_1 & $-$0.500 \\
    \bottomrule
    \end{tabular}
    \end{table}
    """
    numeric = table.numeric
    rows = "".join(
        _latex_line([_latex(plain_text(v), number=n) for v, n in zip(row, numeric, strict=True)])
        for row in table.rows
    )
    note = f"\\par\\smallskip{{\\footnotesize {_latex(table.note)}}}\n" if table.note else ""
    return (
        "% needs \\usepackage{booktabs}\n\\begin{table}\n\\centering\n"
        f"\\caption{{{_latex(table.caption)}}}\n\\label{{tab:{slug(table.caption)}}}\n"
        f"\\begin{{tabular}}{{{''.join('r' if n else 'l' for n in numeric)}}}\n\\toprule\n"
        f"{_latex_line([_latex(name) for name in table.columns])}\\midrule\n{rows}"
        f"\\bottomrule\n\\end{{tabular}}\n{note}\\end{{table}}\n"
    )


def slug(text: str) -> str:
    """A name for a file: letters and digits of `text` in lower case, joined by hyphens.

    Examples
    --------
    >>> slug("Scores by z (µm)"), slug("–")
    ('scores-by-z-m', 'table')
    """
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-") or "table"


def _range(table: Table) -> range:
    return range(len(table.columns))


def _names(name: str, wide: bool) -> list[str]:
    return [name, f"{name} low", f"{name} high"] if wide else [name]


def _fields(value: Any, wide: bool) -> list[str]:
    if not wide:
        return [exact(value)]
    ends = (value.low, value.high) if isinstance(value, Estimate) else (None, None)
    return [exact(part) for part in (value, *ends)]


def _quoted(text: str) -> str:
    return '"' + text.replace('"', '""') + '"' if re.search(r'[",\r\n]', text) else text


def _markdown(text: str) -> str:
    return re.sub(r"[\\`*_\[\]|<>&#~$]", r"\\\g<0>", re.sub(r"\s+", " ", text))


def _latex(text: str, *, number: bool = False) -> str:
    """Text that LaTeX prints as it is; hyphens of a number become minus signs."""
    known = _LATEX | {"-": "$-$"} if number else _LATEX
    return "".join(known.get(c, c) for c in re.sub(r"\s+", " ", text))


def _latex_line(cells: list[str]) -> str:
    return f"{' & '.join(cells)} \\\\\n"
