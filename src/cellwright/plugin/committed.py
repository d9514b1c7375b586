"""The layers ``committed_objects`` and ``cell_outlines``: what the session has on disk."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from psygnal import Signal

from cellwright.label.session import Cell, Field
from cellwright.label.session.patch import Patch
from cellwright.plugin.cell_map import Outlines, label_map
from cellwright.plugin.layers import AnnotatorLayers, show_labels
from cellwright.plugin.strokes import strokes
from cellwright.steps.overlay_picture import ALIVE_COLOUR, DEAD_COLOUR, UNKNOWN
from cellwright.types import Tag

SELECTED, ELSEWHERE = (1.0, 1.0, 1.0, 1.0), (0.6, 0.6, 0.6, 0.7)
"""Outlines of selected cells, and of those on other planes."""
JUDGED = {
    said: tuple(value / 255 for value in (*colour, 255))
    for said, colour in ((True, ALIVE_COLOUR), (False, DEAD_COLOUR), (None, UNKNOWN))
}
"""Outlines of cells that are alive, dead, not judged: those of the pictures for checking."""
Facts = Callable[[], tuple[dict[str, Tag], str | None]]
"""Tells tags and class of a cell that is painted anew."""


class CommittedCells:
    """Committed cells of a field as labels and outlines; painting on them edits the session.

    A cell has one number, and so one colour, as long as the field is open. Where cells overlap
    the label map shows the smallest, or the selected one; the outlines show all, in the colours
    of the labels, or of Alive and Dead as soon as that is known of a cell.

    Signals
    -------
    chosen
        Other cells are selected.
    """

    chosen = Signal()

    def __init__(self, layers: AnnotatorLayers) -> None:
        self._layers = layers
        self._outlines = Outlines()
        self._drawn = np.zeros((1, 1), np.int32)
        self._numbers: dict[str, int] = {}
        self._last = 0
        self._shown: dict[int, str] = {}
        self.field: Field | None = None
        self.plane: int | None = None
        self.planes: Sequence[int] | None = None
        self.selected: tuple[str, ...] = ()
        self.facts: Facts = lambda: ({}, None)
        layers.committed.events.selected_label.connect(self._follow)

    def _follow(self, event: object = None) -> None:
        """Select the cell whose number was chosen by napari's own means."""
        id = self._shown.get(self._layers.committed.selected_label)
        if id is not None and (not self.selected or self.selected[-1] != id):
            self.select((id,))

    def show(self, field: Field, plane: int | None, planes: Sequence[int] | None) -> None:
        """Show the cells of a plane (None: of all planes); new cells will be on `planes`."""
        if field is not self.field:
            self._numbers, self._last, self.selected = {}, 0, ()
        self.field, self.plane, self.planes = field, plane, planes
        self.draw()

    def prepare(self, field: Field) -> None:
        """Do in a thread what takes long before the cells of a field can be shown."""
        self._outlines.prepare([_patch(field.cell(id)) for id in field.ids()])

    def number(self, id: str) -> int:
        """The number of a cell in the label map."""
        if id not in self._numbers:
            self._number(id, self.free())
        return self._numbers[id]

    def _number(self, id: str, number: int) -> None:
        self._numbers[id] = number
        self._last = max(self._last, number)

    def id(self, number: int) -> str | None:
        """The shown cell of a number."""
        return self._shown.get(number)

    def free(self) -> int:
        """A number that no cell of the field had, to paint a new cell with."""
        return self._last + 1

    def draw(self) -> None:
        """Show what the session has now; what was painted must be taken up before."""
        if self.field is None:
            return
        here = [self.field.cell(id) for id in self.field.ids(self.plane)]
        shown = {c.id for c in here}
        there = [self.field.cell(id) for id in self.field.ids()] if self.plane is not None else []
        elsewhere = [c for c in there if c.id not in shown]
        known = shown | {c.id for c in elsewhere}
        self.selected = tuple(id for id in self.selected if id in known)
        drawn = [(self.number(c.id), _patch(c)) for c in here]
        self._shown = {self.number(c.id): c.id for c in here}
        top = [self.number(id) for id in self.selected]
        self._drawn = label_map(self.field.shape, drawn, top=top)
        layer = self._layers.committed
        show_labels(layer, self._drawn)
        if top and self.selected[-1] in shown:
            layer.selected_label = top[-1]
        elif layer.selected_label in self._shown or layer.selected_label <= self._last:
            layer.selected_label = self.free()
        self._draw_outlines(here, elsewhere)

    def _draw_outlines(self, here: Sequence[Cell], elsewhere: Sequence[Cell]) -> None:
        layer, colours = self._layers.outlines, self._layers.committed.colormap
        cells = [*elsewhere, *here]
        vectors, owner = self._outlines.segments([_patch(c) for c in cells])
        table = np.tile(np.array(ELSEWHERE, np.float32), (len(cells) + 1, 1))
        if here:
            numbers = np.array([self.number(c.id) for c in here], np.int32)
            table[len(elsewhere) : len(cells)] = colours.map(numbers)
            table[len(elsewhere) : len(cells), 3] = 1
        judged = any("alive" in c.tags for c in here)
        for i, cell in enumerate(cells):
            if judged and i >= len(elsewhere):
                said = cell.tags.get("alive")
                table[i] = JUDGED[None if said is None else bool(said)]
            if cell.id in self.selected:
                table[i] = SELECTED
        if not np.array_equal(layer.data, vectors):
            layer.data = vectors
        if len(vectors) and not np.array_equal(layer.edge_color, table[owner]):
            layer.edge_color = table[owner]

    def select(self, ids: Sequence[str]) -> None:
        """Select cells; the last one comes to the top."""
        if tuple(ids) != self.selected:
            self.take_up()
            self.selected = tuple(ids)
            self.draw()
            self.chosen.emit()

    def begin(self) -> None:
        """Paint a new cell next."""
        self.select(())
        self._layers.committed.selected_label = self.free()

    def pick(self, row: float, column: float, *, more: bool = False) -> tuple[str, ...]:
        """Select the cell under a point; of several, the next one at every call.

        With `more` it is added to the selection, or taken from it.
        """
        assert self.field is not None
        place = float(np.rint(row)), float(np.rint(column))
        under = self.field.at(*place, plane=self.plane) or self.field.at(*place)
        if more:
            picked = under[:1]
            kept = tuple(id for id in self.selected if id not in picked)
            self.select(kept if len(kept) < len(self.selected) else (*kept, *picked))
        elif under:
            last = self.selected[-1] if self.selected else None
            following = under.index(last) + 1 if last in under else 0
            self.select((under[following % len(under)],))
        else:
            self.select(())
        return self.selected

    def take_up(self, *, draw: bool = True) -> bool:
        """Write what was painted on the layer into the session; whether there was something.

        Parameters
        ----------
        draw
            Whether the layer then shows what the session has.

        Raises
        ------
        InputError, OSError
            If the session refused it; the layer then shows what the session has.
        """
        layer = self._layers.committed
        if self.field is None or np.shape(layer.data) != self._drawn.shape:
            return False
        found = strokes(self._drawn, np.asarray(layer.data), moved=str(layer.mode) == "fill")
        if not found:
            return False
        try:
            for stroke in found:
                self._write(stroke.number, stroke.patch, stroke.added)
        finally:
            if draw:
                self.draw()
        return True

    def _write(self, number: int, patch: Patch, added: bool) -> None:
        assert self.field is not None
        id, mask = self._shown.get(number), patch.frame()
        if id is None and added:
            tags, name = self.facts()
            tags = {**tags, "source": "painted"}
            new = self.field.commit(mask, planes=self.planes, tags=tags, class_name=name)
            if number not in self._numbers.values():
                self._number(new, number)
            self._shown[number] = new
            self.selected = (new,)
        elif id is not None and added:
            self.field.edit.paint(id, mask)
        elif id is not None:
            self.field.edit.erase(id, mask)


def _patch(cell: Cell) -> Patch:
    assert cell.patch is not None
    return cell.patch
