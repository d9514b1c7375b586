"""The section of errors: how often each kind happens, and what its correction would gain."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from cellwright.report.bars import bar_chart
from cellwright.report.html import Html, Section, columns, folded, heading, paragraph
from cellwright.report.score_tables import figure, look_up, unbroken, worded
from cellwright.report.score_words import CORRECTIONS, ERRORS, errors_sentence, gain_sentence
from cellwright.report.sources import ScoresSource
from cellwright.report.tables import Table, is_number

_BARS = {
    "missed": "missed",
    "merges": "merging",
    "splits": "split",
    "spurious": "false",
    "duplicates": "duplicate",
}
_MEANING = {
    "missed": "true cells that no prediction matches",
    "merges": "predictions that join two true cells or more",
    "splits": "true cells that are predicted in parts",
    "spurious": "predictions where no true cell is, or that fit none well enough",
    "duplicates": "second predictions of one cell",
}
_GAINS = (
    ("accuracy50", "Accuracy @0.50"),
    ("mean_accuracy", "Mean accuracy"),
    ("AP", "Mask AP"),
    ("AP50", "AP50"),
    ("AP75", "AP75"),
)


def error_section(source: ScoresSource, *, title: str = "Errors") -> Section | None:
    """What goes wrong and what its correction would gain; None where the scores do not say."""
    scores = source.scores
    rows = scores.get("analysis") or []
    recall = recall_parts(scores)
    if not (rows or recall or scores.get("errors")):
        return None
    body: list[Html] = []
    if scores.get("errors"):
        body.append(paragraph(errors_sentence(scores)))
        body.append(columns([*error_charts(scores), error_table(scores).html()]))
    if rows:
        body += [heading("What would be gained"), paragraph(gain_sentence(rows))]
        body.append(columns(gain_charts(rows)))
        table = analysis_table(rows)
        body.append(folded("Every correction, and what it changes", table.html()))
    if recall:
        body += [heading("Which cells are found"), *recall]
    return Section(title, tuple(body))


def error_charts(scores: Mapping[str, Any]) -> list[Html]:
    """Rates of the kinds of error as bars."""
    rows = [
        (_BARS[key], figure(scores, f"errors/{rate}"))
        for key, rate, _, _, _ in ERRORS
        if look_up(scores, f"errors/{rate}") is not None
    ]
    if not rows:
        return []
    return [
        bar_chart(
            rows, title="How often it goes wrong", label="error", value_label="share of cells"
        )
    ]


def error_table(scores: Mapping[str, Any]) -> Table:
    """Number and rate of each kind of error."""
    rows = tuple(
        (
            _BARS[key].capitalize(),
            look_up(scores, f"errors/{key}"),
            figure(scores, f"errors/{rate}"),
            worded(f"{_MEANING[key]}; per {'true cell' if of_truth else 'prediction'}"),
        )
        for key, rate, of_truth, _, _ in ERRORS
        if look_up(scores, f"errors/{key}") is not None
    )
    return Table("Kinds of error", ("Cells", "Number", "Rate", "What it is"), rows)


def gain_charts(rows: Sequence[Mapping[str, Any]]) -> list[Html]:
    """What each correction would gain in accuracy and in AP, the most first."""
    charts = []
    for key, label in (("accuracy50", "accuracy at IoU 0.50"), ("AP", "mask AP")):
        known = [row for row in rows[1:] if is_number(row.get(f"gain_{key}"))]
        known.sort(key=lambda row: -float(row[f"gain_{key}"]))
        gains = [(_short(row), float(row[f"gain_{key}"])) for row in known]
        if gains:
            charts.append(
                bar_chart(
                    gains,
                    title=f"What each correction would gain in {label}",
                    label="correction",
                    value_label=f"gain in {label}",
                )
            )
    return charts


def analysis_table(rows: Sequence[Mapping[str, Any]]) -> Table:
    """Scores of each correction with what they gain."""
    used = [(k, n) for k, n in _GAINS if any(row.get(k) is not None for row in rows)]
    names = [part for _, name in used for part in (name, "gain")]
    cells = tuple(
        (
            _short(row),
            *(v for key, _ in used for v in (row.get(key), row.get(f"gain_{key}"))),
            worded(str(row.get("summary", "")), width=16),
        )
        for row in rows
    )
    note = (
        "The predictions are changed as the last column says and scored again. Prytula 2023 "
        f"calls {_short({'name': 'gt mask'})} 'w/ gt mask' and "
        f"{_short({'name': 'gt matched'})} 'gt matched'."
    )
    return Table("Error analysis", ("Correction", *names, "What is changed"), cells, note)


def recall_parts(scores: Mapping[str, Any]) -> list[Html]:
    """Recall of cells by their size, and by how much others cover them: chart and table."""
    parts = []
    for block, title, label in (
        ("by_size", "Cells found, by their area", "Area"),
        ("overlapped", "Cells found, by how much others cover them", "Share covered"),
    ):
        bins = [
            (_bin(name, block), name, values)
            for name, values in (scores.get(block) or {}).items()
            if values.get("cells") and values.get("recall50") is not None
        ]
        if len(bins) < 2:
            continue
        paths = ("recall50", "recall75")
        rows = tuple(
            (
                unbroken(words),
                int(v["cells"]),
                *(figure(scores, f"{block}/{name}/{p}") for p in paths),
            )
            for words, name, v in bins
        )
        chart = bar_chart(
            [(words, row[2]) for (words, _, _), row in zip(bins, rows, strict=True)],
            title=title,
            label=label.lower(),
            value_label="recall at IoU 0.50",
            x_range=(0, 1),
        )
        names = (label, "True cells", "Recall @0.50", "Recall @0.75")
        parts.append(columns([chart, Table(title, names, rows).html()]))
    return parts


def _bin(name: str, block: str) -> str:
    """A bin in words: "<100" -> "below 100", "0.1-0.25" -> "10 to 25 %"."""
    if block == "by_size":
        text = name.replace(">=", "from ").replace("<", "below ").replace("-", " to ")
        return f"{text} px"
    ends = [f"{100 * float(part):g}" for part in name.split("-")]
    return "not covered" if ends == ["0"] else f"{' to '.join(ends)} %"


def _short(row: Mapping[str, Any]) -> str:
    name = str(row.get("name", ""))
    return CORRECTIONS.get(name, (name, ""))[0]
