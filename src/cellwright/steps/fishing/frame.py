"""One frame from pixels to a record: nuclei, signals, calls, and pictures of what was called."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from cellwright.measure.cac import MERGED, call, forms
from cellwright.measure.fish_rule import CAC, DELETION, GAIN, Rule
from cellwright.measure.signals import Signals, count_signals
from cellwright.measure.spots import Spots
from cellwright.steps.fishing.channels import (
    Panel,
    check_recorded,
    panel_of,
    plane_of,
    unreadable_cells,
)
from cellwright.steps.fishing.nuclei import Nuclei
from cellwright.types import Image, Instances

#: standard deviation of a signal: micrometres, and pixels where their size is unknown
WIDTH_UM, WIDTH_PX = 0.25, 1.5
_LEAST_WIDTH, _MOST_WIDTH = 1.0, 4.0
#: cells of a frame whose pictures are kept for the gallery
PICTURED = 200
_FIRST = (CAC, GAIN, DELETION)


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """How frames are looked at.

    Parameters
    ----------
    probes
        Probe by channel.
    rule
        The rule of the calls.
    nucleus_channel
        See `panel_of`.
    detector
        ``"log"`` or ``"spotiflow"``.
    spot_width
        Standard deviation of a signal in micrometres (pixels where their size is unknown).
    thresholds
        Response set by hand, by probe.
    """

    probes: Mapping[str, str]
    rule: Rule
    nucleus_channel: str | int | None = None
    detector: str = "log"
    spot_width: float | None = None
    thresholds: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, eq=False)
class Looked:
    """What was found in a frame.

    Parameters
    ----------
    record
        All of it but masks and pictures, as JSON has it.
    nuclei
        The nuclei, in the order of the record's cells.
    crops
        uint8 (channel, row, column) by number of the cell, with ``window`` in the record.
    """

    record: dict[str, Any]
    nuclei: Instances
    crops: dict[int, np.ndarray]


def look(name: str, image: Image, settings: Settings, find_nuclei: Nuclei) -> Looked:
    """Find nuclei and signals of a frame and call its cells.

    Raises
    ------
    InputError
        If a channel is not there, was not recorded or is saturated, or no nucleus is found.
    """
    started = time.perf_counter()
    panel = panel_of(image, settings.probes, settings.nucleus_channel)
    stain = np.asarray(plane_of(image, panel.nuclei))
    label = image.channels[panel.nuclei] if image.channels else f"ch{panel.nuclei}"
    nuclei = find_nuclei(name, Image(stain, "YX", image.pixel_size, (label,)))
    after_nuclei = time.perf_counter()
    planes = [plane_of(image, c) for c in panel.channels]
    for plane, channel in zip(planes, panel.names, strict=True):
        check_recorded(plane, channel)
    unreadable = unreadable_cells(planes, panel, nuclei.boxes, nuclei.masks)
    width = spot_width(settings.spot_width, image.pixel_size)
    rule = settings.rule
    merge = rule.merge_distance_um if image.pixel_size else rule.merge_distance_px
    signals = count_signals(
        planes,
        nuclei,
        merge=merge,
        pixel_size=image.pixel_size,
        width=width,
        thresholds=[settings.thresholds.get(probe) for probe in panel.probes],
        spots=_other_spots(settings.detector, planes, width),
        trusted=settings.detector != "log",
    )
    found = forms(nuclei)
    calls, reasons = call(signals.counts, found, rule, unreadable=unreadable)
    after_signals = time.perf_counter()
    cells = []
    for i, box in enumerate(nuclei.boxes.tolist()):
        row, column = (box[0] + box[2]) / 2, (box[1] + box[3]) / 2
        cells.append({
            "cell": i + 1, "call": calls[i], "reason": reasons[i],
            "counts": signals.counts[i].tolist(), "row": row, "column": column, "box": box,
            "area_px": int(found.area[i]), "solidity": round(float(found.solidity[i]), 4),
            "touching_signals": int((signals.shared & (signals.nucleus == i)).sum()),
        })  # fmt: skip
    crops = _crops(image, [panel.nuclei, *panel.channels], cells)
    record = {
        "schema_version": 1, "name": name, "shape": list(image.shape),
        "pixel_size": list(image.pixel_size) if image.pixel_size else None,
        "tags": dict(image.tags), "probes": list(panel.probes), "channels": list(panel.names),
        "nuclei_channel": label, "merge_distance": merge,
        "merge_unit": "um" if image.pixel_size else "px", "spot_width_px": round(width, 3),
        "detector": settings.detector, "cells": cells, **_signal_record(signals, panel),
        "seconds": {
            "nuclei": round(after_nuclei - started, 3),
            "signals": round(after_signals - after_nuclei, 3),
        },
    }  # fmt: skip
    return Looked(record, nuclei, crops)


def spot_width(wanted: float | None, pixel_size: tuple[float, float] | None) -> float:
    """Standard deviation of a signal in pixels; by itself from 1 to 4, as far as it can be seen.

    Examples
    --------
    >>> spot_width(None, None), spot_width(None, (0.1, 0.1)), spot_width(0.3, (0.1, 0.1))
    (1.5, 2.5, 3.0)
    """
    if pixel_size is None:
        return WIDTH_PX if wanted is None else wanted
    side = float(np.sqrt(pixel_size[0] * pixel_size[1]))
    if wanted is not None:
        return round(wanted / side, 6)
    return float(np.clip(WIDTH_UM / side, _LEAST_WIDTH, _MOST_WIDTH))


def _other_spots(detector: str, planes: Sequence[Any], width: float) -> Spots | None:
    if detector == "log":
        return None
    from cellwright.peers.spotiflow import spotiflow_spots

    return spotiflow_spots(planes, width=width)


def _signal_record(signals: Signals, panel: Panel) -> dict[str, Any]:
    thresholds = [
        {
            "probe": probe, "value": round(t.value, 3), "least": round(t.least, 3),
            "by_hand": t.given, "edges": t.edges.round(4).tolist(), "counts": t.counts.tolist(),
        }
        for probe, t in zip(panel.probes, signals.thresholds, strict=True)
    ]  # fmt: skip
    rows = [
        {
            "cell": int(n) + 1, "probe": panel.probes[c], "row": round(float(r), 2),
            "column": round(float(k), 2), "level": round(float(v), 2), "halves": int(h),
            "shared": bool(s),
        }
        for (r, k), c, n, v, h, s in zip(
            signals.places, signals.probe, signals.nucleus, signals.level, signals.halves,
            signals.shared, strict=True,
        )
    ]  # fmt: skip
    return {
        "thresholds": thresholds, "bleed": signals.bleed.round(4).tolist(),
        "left_out": dict(signals.left_out), "signals": rows,
    }  # fmt: skip


def _crops(
    image: Image, channels: Sequence[int], cells: list[dict[str, Any]]
) -> dict[int, np.ndarray]:
    """Pictures of the cells a human should look at; their windows are noted in `cells`."""
    from cellwright.report.crops import window

    wanted = [c for call in _FIRST for c in cells if c["call"] == call]
    wanted += [c for c in cells if MERGED in c["reason"]]
    planes = [plane_of(image, channel) for channel in channels]
    ends = []
    for plane in planes:
        some = np.asarray(plane[:: max(1, plane.shape[0] // 512)])
        ends.append(np.percentile(some, (1.0, 99.95)))
    found = {}
    for cell in wanted[:PICTURED]:
        row0, col0, row1, col1 = cell["window"] = list(window(cell["box"], image.shape))
        parts = [np.asarray(p[row0:row1, col0:col1], np.float32) for p in planes]
        scaled = [
            np.clip((part - low) / max(high - low, 1e-6), 0, 1)
            for part, (low, high) in zip(parts, ends, strict=True)
        ]
        found[int(cell["cell"])] = (255 * np.stack(scaled) + 0.5).astype(np.uint8)
    return found
