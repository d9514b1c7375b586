"""Clicks: pick a committed cell, accept or reject an automatic mask."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from cellwright.plugin.annotation import Annotation

LEFT, RIGHT = 1, 2
SLACK = 4.0
"""Pixels of the screen that the mouse may move during a click."""


def bind(annotation: Annotation) -> None:
    """Listen to clicks in the viewer."""
    a = annotation

    def click(viewer: Any, event: Any) -> Iterator[None]:
        layer, start = a.layers.active, tuple(event.pos)
        button, more = event.button, "Shift" in [str(m) for m in event.modifiers]
        before = a.committed.selected  # napari's own picker changes it at the press
        place = [float(v) for v in event.position[-2:]]
        yield
        while event.type == "mouse_move":
            yield
        away = max(abs(p - q) for p, q in zip(start, event.pos, strict=True))
        if away > SLACK or a.field is None or a.closed:
            return
        if layer is a.layers.committed and str(layer.mode) in ("pan_zoom", "pick"):
            if button == LEFT:
                a.committed.selected = before
                a.pick(*place, more=more)
        elif layer is a.layers.automatic:
            decide(a, *place, reject=more or button == RIGHT)

    a.viewer.mouse_drag_callbacks.append(click)


def decide(a: Annotation, row: float, column: float, *, reject: bool) -> None:
    """Accept or reject the automatic mask under a point."""
    id = a.automatic.at(row, column)
    if id is not None and reject:
        a.automatic.reject(id)
    elif id is not None:
        a.automatic.accept(id)
