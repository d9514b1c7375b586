"""The page of data sets side by side: figures, components, distributions, types of cells."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import numpy as np

from cellwright.measure.data_sets import DISTRIBUTIONS, DataComparison, DataSet, Map
from cellwright.report.html import Html, Section, cards, columns, heading, page, paragraph
from cellwright.report.scatter import Point, scatter
from cellwright.report.spreads import spreads
from cellwright.report.tables import Table, settings_table, shown

WITHOUT = "without a type"


def data_page(
    found: DataComparison, *, title: str | None = None, versions: Mapping[str, Any] | None = None
) -> str:
    """One self-contained page of a comparison of data sets.

    Parameters
    ----------
    found
        The comparison.
    title
        Title of the page; from the names of the data sets if None.
    versions
        Of the software, for the settings.
    """
    first, *others = found.sets
    sections = [
        Section("Figures", tuple(_figures(found))),
        Section("Where the images lie", tuple(_maps(found))),
        Section("Distributions", tuple(_distributions(found))),
    ]
    if len(found.kinds()) > 1:
        sections.append(Section(f"By {found.by}", (_kinds(found).html(),)))
    settings = {**found.settings, **({"versions": dict(versions)} if versions else {})}
    body = (settings_table("What the comparison depends on", settings).html(),)
    sections.append(Section("Settings", body))
    made = f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC"
    told = " and ".join(s.name for s in others)
    lead = paragraph(f"Made {made}: {told} beside {first.name}.", kind="soft")
    foot = paragraph("Made by Cellwright. This page is one file and loads nothing.")
    return page(title or f"{told} beside {first.name}", sections, lead=lead, foot=foot)


def _figures(found: DataComparison) -> list[Html]:
    every = [Html(heading(s.name) + cards(_cards(found, s))) for s in found.sets]
    known = next((d for n, d in found.distances.items() if n == found.sets[0].name), None)
    told = (
        f"FID: Fr\N{LATIN SMALL LETTER E WITH ACUTE}chet distance of the features "
        f"{found.fid.get('features')} of {found.fid.get('crops'):,} crops of "
        f"{found.fid.get('crop')} x {found.fid.get('crop')} pixels from each set."
        if found.fid
        else "No FID was computed."
    )
    if known is not None:
        told += (
            f" The halves of {found.sets[0].name} lie {known:.3g} from each other: nearer than "
            "that nothing can be told apart. It is a figure of half as many crops, which makes "
            "it larger."
        )
    return [columns(every), paragraph(told, kind="note"), _apart(found).html()]


def _cards(found: DataComparison, one: DataSet) -> list[tuple[str, Any]]:
    values: list[tuple[str, Any]] = [("Images", shown(one.images)), ("Cells", shown(one.cells))]
    if len(one.per_image):
        values.append(("Cells per image (median)", f"{np.median(one.per_image):g}"))
    if one.overlapping is not None:
        values.append(("Cells that overlap", f"{100 * one.overlapping:.1f} %"))
    distance = found.distances.get(one.name)
    if distance is not None and one is not found.sets[0]:
        values.append((f"FID to {found.sets[0].name}", f"{distance:.3g}"))
    return values


def _apart(found: DataComparison) -> Table:
    others = [s.name for s in found.sets[1:]]
    rows = tuple(
        (title, *(found.apart(n, what) for n in others)) for what, title, _ in DISTRIBUTIONS
    )
    return Table(
        f"How far distributions are from those of {found.sets[0].name}",
        ("", *others),
        rows,
        "Largest difference of the cumulative shares (Kolmogorov and Smirnov): 0 for the same "
        "distribution, 1 for two that do not meet.",
    )


def _maps(found: DataComparison) -> list[Html]:
    parts: list[Html] = []
    for one in found.maps:
        shares = [f"{100 * s:.0f} %" for s in one.shares]
        labels = [f"component {k} ({s} of the variance)" for k, s in enumerate(shares, start=1)]
        parts.append(heading(f"Principal components of {one.features}"))
        charts = [_scatter("All images", _by_set(one), one, labels)]
        if len(found.kinds()) > 1:
            charts += [_scatter(n, _by_kind(one, n, found), one, labels) for n in one.places]
        parts.append(columns(charts))
    parts.append(
        paragraph(
            "The components are those of all sets together, so that the charts of one heading "
            "share their axes. P3 (Figs 1 and 2) computes them for each set by itself.",
            kind="note",
        )
    )
    return parts


def _scatter(title: str, series: Mapping[str, list[Point]], one: Map, labels: list[str]) -> Html:
    every = np.concatenate(list(one.places.values()))
    span = (float(every.min()), float(every.max()))
    return scatter(
        series, title=title, x_label=labels[0], y_label=labels[1], span=span, name_label="Image"
    )


def _by_set(one: Map) -> dict[str, list[Point]]:
    return {name: _points(one, name) for name in one.places}


def _by_kind(one: Map, name: str, found: DataComparison) -> dict[str, list[Point]]:
    """Points of one data set by type, every type in its place, so that colours stay the same."""
    points = _points(one, name)
    return {
        kind or WITHOUT: [p for p, k in zip(points, one.kinds[name], strict=True) if k == kind]
        for kind in found.kinds()
    }


def _points(one: Map, name: str) -> list[Point]:
    return [
        Point(float(x), float(y), image)
        for (x, y), image in zip(one.places[name], one.names[name], strict=True)
    ]


def _distributions(found: DataComparison) -> list[Html]:
    charts = [
        spreads({s.name: getattr(s, what) for s in found.sets}, title=title, x_label=label)
        for what, title, label in DISTRIBUTIONS
        if any(len(np.unique(getattr(s, what))) > 1 for s in found.sets)
    ]
    return [columns(charts)] if charts else [paragraph("No cells and no pixels to compare.")]


def _kinds(found: DataComparison) -> Table:
    first = found.sets[0]
    rows: list[tuple[Any, ...]] = []
    for kind in found.kinds():
        for one in found.sets:
            chosen = one.densities[np.array([k == kind for k in one.kinds], dtype=bool)]
            ends: tuple[Any, ...] = (None, None, None)
            if len(chosen):
                ends = (float(chosen.min()), float(np.median(chosen)), float(chosen.max()))
            beyond = None if one is first else found.beyond(one.name, kind)
            rows.append((kind or WITHOUT, one.name, len(chosen), *ends, beyond))
    names = ("Type", "Data set", "Images", "Least", "Median", "Most", f"Denser than {first.name}")
    return Table(
        "Cells per megapixel by type", names, tuple(rows),
        "The last column is the share of the images that are denser than any of the type in "
        f"{first.name}: far above 0, the synthetic images go beyond what the type reaches (P3, "
        "4.4.2).",
    )  # fmt: skip
