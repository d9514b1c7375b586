"""The section of a model: what it is, how training went, what it was told."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from cellwright.report.figures import line_chart
from cellwright.report.html import Html, Section, cards, columns, folded, paragraph
from cellwright.report.layers import data_uri, framed
from cellwright.report.sources import Curves, ModelSource
from cellwright.report.tables import flat, is_number, settings_table, shown

_SETTINGS = (
    "builder",
    "parameters",
    "arguments",
    "channels",
    "source",
    "target",
    "source_range",
    "target_range",
    "widths",
    "crop",
    "normalisation",
    "thresholds",
    "pixel_size",
    "classes",
)
_SHOWN_SCORES = 6


def model_section(source: ModelSource, *, title: str = "Model") -> Section:
    """A model folder as cards, curves and tables of settings."""
    record = source.record
    body: list[Html] = [paragraph(f"From {source.path}", kind="soft")]
    figures = [("Method", _method(record))]
    classes = record.get("classes")
    if classes:
        figures.append(("Classes", shown(classes)))
    scores = _mapping(record.get("scores"))
    numbers = [(name, value) for name, value in flat(scores) if is_number(value)]
    shares = [(name, value) for name, value in numbers if not float(value).is_integer()]
    figures += [(name, shown(value)) for name, value in shares[:_SHOWN_SCORES]]
    body.append(cards(figures))
    body.append(
        columns(curve_charts(source.curves))
        if source.curves and source.curves.panels
        else paragraph("No training curves lie in the model folder.", kind="note")
    )
    if source.picture:
        body.append(_picture(source.picture))
    settings = {key: record[key] for key in _SETTINGS if record.get(key) not in (None, "", {}, [])}
    body.append(settings_table("Settings of the model", settings).html())
    if numbers:
        table = settings_table("Scores stored with the model", scores)
        body.append(folded("All scores stored with the model", table.html()))
    provenance = record.get("provenance")
    if provenance:
        known = provenance if isinstance(provenance, Mapping) else {"provenance": provenance}
        table = settings_table("Where the model comes from", known)
        body.append(folded("Where the model comes from", table.html()))
    return Section(title, tuple(body))


def _method(record: Mapping[str, Any]) -> str:
    """What the model is called: by its method, its builder, or the way it translates."""
    return str(next((record[k] for k in ("method", "builder", "how") if record.get(k)), "unknown"))


def _picture(path: Path) -> Html:
    """Held-out crops of a translator beside what it made of them."""
    from PIL import Image

    with Image.open(path) as opened:
        columns, rows = opened.size
    return framed(
        data_uri(path.read_bytes(), "png"),
        (),
        Html("Held-out images: input, real and translated."),
        "held-out images",
        shape=(rows, columns),
    )


def curve_charts(curves: Curves) -> list[Html]:
    """One chart per panel of training curves."""
    return [
        line_chart(lines, title=name, x_label=curves.x_label, y_label=name.lower())
        for name, lines in curves.panels.items()
    ]


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}
