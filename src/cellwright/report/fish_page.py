"""The page of a FISH run: samples, called cells to confirm or overrule, thresholds, frames."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from cellwright.report.fish_cells import cell_gallery
from cellwright.report.fish_charts import threshold_chart
from cellwright.report.html import Html, Section, cards, columns, escape, page, paragraph
from cellwright.report.tables import Table

SCRIPT = "fish_calls.js"
_BUDGET = 13_000_000


@dataclass(frozen=True, slots=True, eq=False)
class FishRun:
    """What the page shows.

    Parameters
    ----------
    key
        Tells this run from others, for what the browser keeps.
    rule
        Values of the rule.
    totals
        Cells by call, of all samples.
    samples
        One row per sample: name, cells by call, volume, CACs per 100 ul, sentence.
    groups
        Figures of cells by heading, those first that matter most.
    thresholds
        Records by probe, one per frame.
    frames
        One row per frame, under `frame_columns`.
    frame_columns
        Names of the columns of `frames`.
    failures
        Path and message of frames that could not be used.
    disclaimer
        What this is not.
    """

    key: str
    rule: Mapping[str, Any]
    totals: Mapping[str, int]
    samples: Sequence[tuple[Any, ...]]
    groups: Mapping[str, Sequence[Html]]
    thresholds: Mapping[str, Sequence[Mapping[str, Any]]]
    frames: Sequence[tuple[Any, ...]]
    frame_columns: tuple[str, ...]
    failures: Sequence[tuple[str, str]]
    disclaimer: str


def fish_page(run: FishRun) -> str:
    """The whole page: one file that loads nothing."""
    sections = [_samples(run)]
    left = _BUDGET
    for name, figures in run.groups.items():
        shown = []
        for figure in figures:
            if len(figure) > left:
                break
            shown.append(figure)
            left -= len(figure)
        body = [cell_gallery(shown)] if shown else [paragraph("None.")]
        if len(shown) < len(figures):
            body.append(
                paragraph(f"{len(figures) - len(shown)} more stand in cells.csv.", kind="note")
            )
        sections.append(Section(f"{name[:1].upper()}{name[1:]} ({len(figures)})", tuple(body)))
    charts = [threshold_chart(probe, found) for probe, found in run.thresholds.items() if found]
    note = paragraph(
        "Spots in nuclei by how far they stand out. Left the noise, right the signals; what lies "
        "right of the dashed line is counted. Where the line cuts through a hill, set the "
        "threshold by hand (--threshold PROBE=VALUE) or take longer exposures.",
        kind="soft",
    )
    sections.append(Section("Thresholds", (note, columns(charts))))
    body = [Table("Frames", run.frame_columns, tuple(run.frames)).html()]
    if run.failures:
        body.append(
            Table("Frames that could not be used", ("Frame", "Why"), tuple(run.failures)).html()
        )
    sections.append(Section("Frames", tuple(body)))
    rows = tuple((k, v if not isinstance(v, list) else ", ".join(v)) for k, v in run.rule.items())
    sections.append(Section("Rule", (Table("Rule of the calls", ("Key", "Value"), rows).html(),)))
    lead = paragraph(run.disclaimer, kind="warning")
    foot = paragraph(
        f"Made by Cellwright. This page is one file and loads nothing. {run.disclaimer}"
    )
    return page("FISH calls", sections, lead=lead, foot=foot, more_scripts=(SCRIPT,))


def _samples(run: FishRun) -> Section:
    names = ("Sample", *run.totals, "Volume, ul", "CACs per 100 ul", "At or above cut-off")
    table = Table("Samples", names, tuple(row[:-1] for row in run.samples))
    sentences = [paragraph(f"{row[0]}: {row[-1]}") for row in run.samples]
    data = escape(json.dumps(dict(run.totals)))
    choices = Html(
        f'<div class="fish-totals" data-key="{escape(run.key)}" data-totals="{data}"></div>'
    )
    how = paragraph(
        "Cells stand under what the rule says of them. Choose a call beside a cell to confirm or "
        "overrule it, save the table, and run cellwright fish -o OUT --overrule calls.csv: all "
        "totals follow.",
        kind="soft",
    )
    large = cards([(name, f"{count:,}") for name, count in run.totals.items()])
    return Section("Samples", (large, *sentences, table.html(), how, choices))
