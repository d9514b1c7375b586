"""The annotator without its window: layers, session, and what happens between them."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any
from weakref import WeakValueDictionary

import numpy as np
from psygnal import Signal
from qtpy.QtCore import QTimer

from cellwright.label.session import Field, LabelSession
from cellwright.plugin.automatic import AutomaticMasks
from cellwright.plugin.committed import CommittedCells
from cellwright.plugin.current import CurrentObject
from cellwright.plugin.draft import Draft
from cellwright.plugin.editing import Editing
from cellwright.plugin.judging import Judging
from cellwright.plugin.layers import AnnotatorLayers
from cellwright.plugin.looks import PLAIN, Look, looks_of, picture
from cellwright.plugin.prompting import Prompting
from cellwright.plugin.work import Work, guard, tell

log = logging.getLogger(__name__)

_open: WeakValueDictionary[int, Annotation] = WeakValueDictionary()


def annotation_of(viewer: Any) -> Annotation | None:
    """The annotation that is open in a viewer."""
    return _open.get(id(viewer))


class Annotation:
    """A label session in a viewer.

    Parameters
    ----------
    viewer
        A napari viewer, or its model without a window.
    session
        The session; it is closed with `close`.
    work
        Where long work runs.

    Signals
    -------
    changed
        What is shown changed: field, view, cells, selection, candidates.
    """

    changed = Signal()

    def __init__(self, viewer: Any, session: LabelSession, work: Work | None = None) -> None:
        self.viewer, self.session = viewer, session
        self.work = work or Work()
        self.field: Field | None = None
        self.closed = False
        _open[id(viewer)] = self  # before the layers, whose coming tells the other widgets
        self.layers = AnnotatorLayers(viewer)
        self.current = CurrentObject(self.layers)
        self.committed = CommittedCells(self.layers)
        self.automatic = AutomaticMasks(self)
        self.prompting, self.editing = Prompting(self), Editing(self)
        self.judging = Judging(self)
        self.committed.facts = self.prompting.facts
        self.committed.chosen.connect(self.changed.emit)
        self.look = Look()
        self._wanted: tuple[str, Look] | None = None
        self._drafts: dict[tuple[str, int | None], Draft] = {}
        for layer in (self.layers.current, self.layers.committed):
            layer.events.paint.connect(self._painted)

    # fields and views

    def open(self, name: str | None = None, look: Look | None = None) -> None:
        """Show a field (the first one that is not done by default) in a view of it."""
        if name is None:
            name = next((p.name for p in self.session.progress() if not p.done), "")
            name = name or self.session.names[0]
        wanted = (name, look or self.look)
        self.take_up()
        self._wanted = wanted
        self.work.run(
            "view", f"opening {name}", lambda: self._load(*wanted),
            lambda found: self._show(wanted, *found), otherwise=self._back, latest=True,
        )  # fmt: skip

    def _load(self, name: str, look: Look) -> tuple[Field, Look, np.ndarray]:
        field = self.session.field(name)
        if look.plane is not None and (field.planes == 1 or look.plane >= field.planes):
            look = replace(look, plane=None if field.planes == 1 else field.planes - 1)
        if look.channel is not None and look.channel >= field.image.size("C"):
            look = replace(look, channel=None)
        looks = looks_of(field.image)
        if self.field is None and field.image.size("C") > 1:
            look = replace(look, style=looks[2])  # what is seen is then what is segmented
        elif look.style not in looks:
            look = replace(look, style=PLAIN)
        field.cells(look.plane)
        if field is not self.field:
            self.committed.prepare(field)
        return field, look, picture(field, look)

    def _back(self) -> None:
        """Stay at what is shown when something else could not be opened."""
        self._wanted = (self.field.name, self.look) if self.field else None
        self.changed.emit()

    def _show(self, wanted: tuple[str, Look], field: Field, look: Look, pixels: np.ndarray) -> None:
        if wanted != self._wanted or self.closed:
            return  # something else was asked for meanwhile
        self.take_up()
        new = field is not self.field
        old = self.look
        same = not new and (look.channel, look.style) == (old.channel, old.style)
        former, self.field, self.look = self.field, field, look
        self.layers.show_image(pixels, keep_contrast=same)
        self._show_cells()
        if new:
            if former is not None and not len(former.candidates) and not self.work.busy_but("view"):
                self.session.release(former.name)  # candidates live as long as their field
            self.viewer.reset_view()
        self.changed.emit()

    def _show_cells(self) -> None:
        assert self.field is not None
        self.committed.show(self.field, self.look.plane, self.planes())
        self.automatic.show(self.field, self.look.plane)
        self.current.show(self._draft(self.field, self.look.plane))

    def _draft(self, field: Field, plane: int | None) -> Draft:
        key = (field.name, plane)
        if key not in self._drafts:
            self._drafts[key] = Draft(field.shape)
        return self._drafts[key]

    def uncommitted(self) -> dict[str, int]:
        """Number of proposed cells that were not committed, by field."""
        if self.closed or self.field is None:
            return {}
        self.take_up()
        self.keep_draft()
        left: dict[str, int] = {}
        for (name, _), draft in self._drafts.items():
            left[name] = left.get(name, 0) + len(draft.cells)
        return {name: count for name, count in left.items() if count}

    @property
    def wanted_look(self) -> Look:
        """The view that was asked for last."""
        return self._wanted[1] if self._wanted else self.look

    def keep_draft(self) -> None:
        """Remember the draft that is shown as that of this field and plane."""
        assert self.field is not None
        self._drafts[self.field.name, self.look.plane] = self.current.draft

    def step(self, by: int) -> None:
        """Go to the next field (1) or the one before (-1)."""
        if self.field is None or self._wanted is None:
            return
        names = self.session.names
        place = names.index(self._wanted[0]) + by
        if 0 <= place < len(names):
            self.open(names[place])
        else:
            tell("this is the last field" if by > 0 else "this is the first field")

    def step_plane(self, by: int) -> None:
        """Go to the next plane (1) or the one before (-1), from a projection to the first."""
        if self.field is None or self.field.planes == 1:
            return
        now = self._wanted[1].plane if self._wanted else self.look.plane
        plane = (0 if by > 0 else self.field.planes - 1) if now is None else now + by
        if 0 <= plane < self.field.planes:
            self.open(self.field.name, replace(self.look, plane=plane))

    def planes(self) -> Sequence[int] | None:
        """Planes that a commit is for: the whole field on projections and by the median route."""
        if self.field is None or self.look.plane is None or self.field.route == "median":
            return None
        return (self.look.plane,)

    # painting and edits

    def _painted(self, event: object = None) -> None:
        """napari tells of a polygon before it is drawn, of a stroke of the brush afterwards."""
        self.take_up()
        QTimer.singleShot(0, self.take_up)

    def take_up(self) -> None:
        """Take up what was painted: on committed cells at once into the journal."""
        if self.field is None or self.closed:
            return
        self.current.take_up()
        if guard(self.committed.take_up):
            self.changed.emit()

    def refresh(self) -> None:
        """Show the cells as the session has them now."""
        if self.field is not None and not self.closed:
            self.take_up()
            self.committed.planes = self.planes()
            self.committed.draw()
            self.automatic.draw()
            self.changed.emit()

    def edit(self, function: Callable[..., Any], *args: Any, **options: Any) -> Any:
        """Call something that changes the session, and show what came of it."""
        self.take_up()
        found = guard(function, *args, **options)
        self.refresh()
        return found

    def pick(self, row: float, column: float, *, more: bool = False) -> None:
        """Select the cell under a point; of several the next one at every call."""
        self.take_up()
        self.committed.pick(row, column, more=more)
        self.changed.emit()

    def ready(self) -> Field | None:
        """The field that is shown, unless another one is on its way."""
        if self.closed or self.field is None:
            tell("no field is open yet")
            return None
        if self._wanted is not None and self._wanted[0] != self.field.name:
            tell(f"{self._wanted[0]} is being opened; wait for it")
            return None
        return self.field

    # with others

    def beat(self) -> None:
        """Take up what others committed; called every few seconds."""
        if self.closed:
            return
        changed = guard(self.session.refresh) or ()
        if self.field is not None and self.field.name in changed:
            self.refresh()

    def close(self) -> None:
        """Write what was painted, and let go of the data set."""
        if not self.closed:
            guard(self.committed.take_up, draw=False)
            self.closed = True
            self.session.close()
            _open.pop(id(self.viewer), None)
