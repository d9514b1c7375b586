"""Tables over all frames: every cell, every signal, every sample."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from cellwright.measure.cac import NOT_CALLED, SampleTotal, total
from cellwright.measure.fish_rule import CALLS, Rule
from cellwright.types import InputError

CELLS, SIGNALS, SAMPLES = "cells.csv", "signals.csv", "samples"
ALL = "all frames"
DISCLAIMER = (
    "Cellwright is research software. It is not a diagnostic device, and its calls must not be "
    "used for the care of patients."
)


def sample_of(record: Mapping[str, Any], tag: str | None) -> str:
    """The sample a frame belongs to: the value of its tag, or one for all.

    Raises
    ------
    InputError
        If the frame does not have the tag.
    """
    if tag is None:
        return ALL
    tags = record.get("tags") or {}
    if tag not in tags:
        raise InputError(
            f"{record['name']} has no tag {tag!r} to tell its sample; it has "
            f"{', '.join(tags) or 'no tags'}"
        )
    return str(tags[tag])


def sample_totals(
    records: Sequence[Mapping[str, Any]], rule: Rule, *, tag: str | None, volume_ul: float | None
) -> dict[str, SampleTotal]:
    """Totals of each sample by what counts in the end (``final``)."""
    calls: dict[str, list[str]] = {}
    for record in records:
        own = calls.setdefault(sample_of(record, tag), [])
        own += [str(cell["final"]) for cell in record["cells"]]
    return {name: total(found, rule, volume_ul) for name, found in calls.items()}


def write_tables(
    folder: Path,
    records: Sequence[Mapping[str, Any]],
    totals: Mapping[str, SampleTotal],
    rule: Rule,
    *,
    tag: str | None,
) -> None:
    """``cells.csv``, ``signals.csv``, ``samples.csv`` and ``samples.json``, each atomically."""
    from cellwright.formats.atomic import write_json

    probes = list(dict.fromkeys(p for r in records for p in r["probes"]))
    head = ["sample", "image", "cell", "call", "by_hand", "final", "reason", *probes,
            "row", "column", "area_px", "solidity"]  # fmt: skip
    _write(folder / CELLS, head, _cell_rows(records, probes, tag))
    _write(
        folder / SIGNALS,
        ["image", "cell", "probe", "row", "column", "level", "halves", "shared"],
        (
            [r["name"], *(s[k] for k in ("cell", "probe", "row", "column", "level", "halves")),
             "true" if s["shared"] else "false"]
            for r in records for s in r["signals"]
        ),
    )  # fmt: skip
    names = (*CALLS, NOT_CALLED)
    rows = []
    for name, found in totals.items():
        flag = "" if found.flagged is None else str(found.flagged).lower()
        density = "" if found.per_100_ul is None else round(found.per_100_ul, 4)
        volume = "" if found.volume_ul is None else found.volume_ul
        rows.append([name, *(found.counts[n] for n in names), volume, density, flag])
    columns = ["sample", *names, "volume_ul", "cacs_per_100_ul", "at_or_above_cutoff"]
    _write(folder / f"{SAMPLES}.csv", columns, rows)
    write_json(
        {
            "schema_version": 1, "note": DISCLAIMER, "rule": rule.record(),
            "samples": [
                {
                    "sample": name, "cells": found.counts, "volume_ul": found.volume_ul,
                    "cacs_per_100_ul": found.per_100_ul, "at_or_above_cutoff": found.flagged,
                    "sentence": found.sentence,
                }
                for name, found in totals.items()
            ],
        },
        folder / f"{SAMPLES}.json",
    )  # fmt: skip


def _cell_rows(
    records: Sequence[Mapping[str, Any]], probes: Sequence[str], tag: str | None
) -> Iterable[list[Any]]:
    for record in records:
        sample = sample_of(record, tag)
        for cell in record["cells"]:
            counts = dict(zip(record["probes"], cell["counts"], strict=True))
            yield [
                sample, record["name"], cell["cell"], cell["call"], cell["by_hand"],
                cell["final"], cell["reason"], *(counts.get(p, "") for p in probes),
                cell["row"], cell["column"], cell["area_px"], cell["solidity"],
            ]  # fmt: skip


def _write(path: Path, head: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    from cellwright.formats.atomic import write_text

    text = io.StringIO()
    table = csv.writer(text, lineterminator="\n")
    table.writerow(head)
    table.writerows(rows)
    write_text(text.getvalue(), path)
