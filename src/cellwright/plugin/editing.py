"""Changes of committed cells: each is in the journal before it shows."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from cellwright.measure.alive import BY_HAND
from cellwright.plugin.work import tell

if TYPE_CHECKING:
    from cellwright.plugin.annotation import Annotation

PICK = "no cell is selected; click one while committed_objects is the active layer"


class Editing:
    """Undo, delete, merge, split and Alive/Dead of the selected cells.

    Parameters
    ----------
    annotation
        What it works on.
    """

    def __init__(self, annotation: Annotation) -> None:
        self._a = annotation

    def undo(self) -> None:
        """Take back the last stroke on ``current_object``, else the last change of the field."""
        self._step("undo")

    def redo(self) -> None:
        """Make again what was undone."""
        self._step("redo")

    def _step(self, what: str) -> None:
        a, field = self._a, self._a.ready()
        if field is None:
            return
        a.take_up()
        if a.layers.active is a.layers.current and getattr(a.current.draft, what)():
            a.current.draw()
            a.changed.emit()
            return
        done = a.edit(getattr(field, what))
        tell(f"{what}: {done}" if done else f"there is nothing to {what}")

    def delete(self) -> None:
        """Delete the selected cells."""
        a, field = self._a, self._a.ready()
        if field is None:
            return
        if not a.committed.selected:
            tell(PICK)
            return
        a.edit(field.edit.delete, a.committed.selected)

    def merge(self) -> None:
        """Make the selected cells one."""
        a, field = self._a, self._a.ready()
        if field is not None:
            a.edit(field.edit.merge, a.committed.selected)

    def split(self) -> None:
        """Part the selected cell by the positive points in it, one in each part."""
        a, field = self._a, self._a.ready()
        if field is None:
            return
        if len(a.committed.selected) != 1:
            tell("select one cell, and click one positive point in each part of it")
            return
        points = np.asarray(a.layers.points.data)[a.layers.signs()]
        ids = a.edit(field.edit.split, a.committed.selected[0], markers=points)
        if ids:
            a.layers.set_points(np.zeros((0, 2)), np.zeros(0, bool))

    def set_alive(self, alive: bool | None) -> None:
        """Say whether the selected cells live; without a selection, whether the next ones do."""
        a = self._a
        picked = a.committed.selected
        if a.field is not None and picked and alive is not None:
            a.edit(a.field.edit.tag, picked, alive=alive, alive_by=BY_HAND)
        else:
            a.prompting.alive = alive
            a.changed.emit()

    def set_class(self, name: str) -> None:
        """Give the selected cells another class; without a selection, the next ones."""
        a = self._a
        if a.field is not None and a.committed.selected:
            a.edit(a.field.edit.relabel, a.committed.selected, name)
        else:
            a.prompting.class_name = name
            a.changed.emit()

    def turn_alive(self) -> None:
        """Turn Alive into Dead and back: of the selected cells, or else of the next ones."""
        a = self._a
        now = a.prompting.alive
        if a.field is not None and a.committed.selected:
            said = a.field.cell(a.committed.selected[-1]).tags.get("alive")
            now = None if said is None else bool(said)
        self.set_alive(now is False)

    def keep_here(self) -> None:
        """Say that the selected cells of other planes are on this plane too."""
        a, field, plane = self._a, self._a.ready(), self._a.look.plane
        if field is None or plane is None:
            return
        for id in a.committed.selected:
            planes = field.cell(id).planes
            if planes is not None and plane not in planes:
                a.edit(field.edit.move, id, sorted({*planes, plane}))
