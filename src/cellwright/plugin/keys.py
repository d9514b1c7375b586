"""Keys of the annotator: micro-SAM's, and those for undo, fields and Alive/Dead."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from app_model.types import KeyCode, KeyMod

from cellwright.plugin.annotation import Annotation

HELP = (
    ("S", "segment what is prompted"),
    ("C", "commit current_object"),
    ("T", "point on the cell / not on it"),
    ("Shift+C", "clear the prompts"),
    ("Ctrl+Z, Ctrl+Shift+Z", "undo, redo"),
    ("Page Down or N, Page Up", "next, previous field"),
    ("Ctrl+Page Down, Ctrl+Page Up", "next, previous plane"),
    ("Delete", "delete the selected cell"),
    ("A", "Alive / Dead"),
    ("K", "the selected cell is on this plane too"),
)
LINE = "S segment, C commit, T point + or −, Shift+C clear, Ctrl+Z undo, Page Down next field"


def bind(annotation: Annotation) -> None:
    """Bind the keys in the viewer and on the annotator's layers, whose own keys they replace."""
    a = annotation
    table: dict[Any, Callable[[], Any]] = {
        KeyCode.KeyS: a.prompting.segment,
        KeyCode.KeyC: a.prompting.commit,
        KeyCode.KeyT: a.prompting.toggle,
        KeyMod.Shift | KeyCode.KeyC: a.prompting.clear,
        KeyMod.CtrlCmd | KeyCode.KeyZ: a.editing.undo,
        KeyMod.CtrlCmd | KeyMod.Shift | KeyCode.KeyZ: a.editing.redo,
        KeyCode.PageDown: lambda: a.step(1),
        KeyCode.KeyN: lambda: a.step(1),
        KeyCode.PageUp: lambda: a.step(-1),
        KeyMod.CtrlCmd | KeyCode.PageDown: lambda: a.step_plane(1),
        KeyMod.CtrlCmd | KeyCode.PageUp: lambda: a.step_plane(-1),
        KeyCode.Delete: lambda: _delete(a),
        KeyCode.KeyA: a.editing.turn_alive,
        KeyCode.KeyK: a.editing.keep_here,
    }

    def on(provider: Any) -> None:
        for key, function in table.items():
            provider.bind_key(key, lambda _, call=function: _quiet(call), overwrite=True)

    def on_layer(layer: Any) -> None:
        def explain(event: Any = None) -> None:
            layer.help = LINE  # napari's own tells of keys that mean something else here

        on(layer)
        explain()
        layer.events.help.connect(explain)

    def inserted(event: Any) -> None:
        if event.value is a.layers.image or event.value.name == "image":
            on_layer(event.value)

    on(a.viewer)
    for layer in a.layers.all:
        on_layer(layer)
    a.layers.committed.bind_key(KeyCode.KeyM, lambda _: a.committed.begin(), overwrite=True)
    a.viewer.layers.events.inserted.connect(inserted)


def _quiet(call: Callable[[], Any]) -> None:
    """napari takes what a key's function returns for one to call when the key is let go."""
    call()


def _delete(a: Annotation) -> None:
    """Selected prompts first, as napari does; without, the selected cell."""
    for layer in (a.layers.boxes, a.layers.points):
        if a.layers.active is layer and layer.selected_data:
            layer.remove_selected()
            return
    a.editing.delete()
