"""Changes of committed cells."""

from __future__ import annotations

from qtpy.QtWidgets import QLabel

from cellwright.plugin import controls
from cellwright.plugin.annotation import Annotation


class EditMenu(controls.Menu):
    """Undo, redo, delete, merge, split, and other planes."""

    def __init__(self, annotation: Annotation) -> None:
        super().__init__("Committed cells")
        self._a = a = annotation
        e = a.editing
        self.selected = QLabel()
        self.selected.setWordWrap(True)
        self.undo = controls.button("Undo", e.undo, "Ctrl+Z")
        self.redo = controls.button("Redo", e.redo, "Ctrl+Shift+Z")
        self.delete = controls.button("Delete", e.delete, "the selected cells (Delete)")
        self.merge = controls.button("Merge", e.merge, "the selected cells (Shift+click adds one)")
        self.split = controls.button("Split", e.split, "by one positive point in each part")
        self.keep = controls.button(
            "Is on this plane too", e.keep_here, "the selected cell of another plane (K)"
        )
        self.add("selected", self.selected)
        self.add("", self.undo, self.redo, self.delete)
        self.add("", self.merge, self.split)
        self.add("", self.keep)

    def update_from(self) -> None:
        """Show what is selected, and which buttons make sense now."""
        a, field = self._a, self._a.field
        if field is None:
            return
        picked = a.committed.selected
        self.selected.setText(self._words(picked) if picked else "none; click a cell")
        self.undo.setEnabled(field.can_undo > 0 or a.current.draft.can_undo)
        self.redo.setEnabled(field.can_redo > 0 or a.current.draft.can_redo)
        self.delete.setEnabled(bool(picked))
        self.merge.setEnabled(len(picked) > 1)
        self.split.setEnabled(len(picked) == 1)
        plane = a.look.plane
        elsewhere = any(plane not in (field.cell(i).planes or (plane,)) for i in picked)
        self.keep.setEnabled(plane is not None and elsewhere)

    def _words(self, picked: tuple[str, ...]) -> str:
        if len(picked) > 1:
            return f"{len(picked)} cells"
        assert self._a.field is not None
        cell = self._a.field.cell(picked[0])
        area = cell.patch.area if cell.patch else 0
        parts = [cell.class_name, f"{area} px", f"by {cell.author}" if cell.author else "given"]
        if cell.planes is not None:
            parts.append("planes " + ", ".join(str(p + 1) for p in cell.planes))
        if "alive" in cell.tags:
            parts.append("alive" if cell.tags["alive"] else "dead")
        return ", ".join(parts)
