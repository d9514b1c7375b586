"""Which field of the data set is shown, and how far it is."""

from __future__ import annotations

from qtpy.QtWidgets import QCheckBox, QLabel

from cellwright.label.session import POLICIES
from cellwright.plugin import controls
from cellwright.plugin.annotation import Annotation

POLICY_TIPS = {
    "allow": "cells may share pixels",
    "keep-pixels": "a new cell leaves the pixels of earlier ones alone",
    "keep-objects": "a new cell takes pixels, but never an earlier cell as a whole",
}


class FieldMenu(controls.Menu):
    """Field, done, overlap policy, commit path and counter."""

    def __init__(self, annotation: Annotation) -> None:
        super().__init__("Data set")
        self._a = a = annotation
        self.path = QLabel()
        self.path.setWordWrap(True)
        self.fields = controls.choice(a.session.names, a.open, "field of the data set")
        self.back = controls.button("◀", lambda: a.step(-1), "previous field (Page Up)")
        self.next = controls.button("▶", lambda: a.step(1), "next field (Page Down, N)")
        self.done = QCheckBox("all its cells are committed")
        self.done.clicked.connect(self._mark)
        self.policy = controls.choice(POLICIES, self._choose, "\n".join(
            f"{name}: {tip}" for name, tip in POLICY_TIPS.items()))  # fmt: skip
        self.counter = QLabel()
        self.people = QLabel()
        self.people.setWordWrap(True)
        self.add("", self.path)
        self.add("field", self.back, self.fields, self.next)
        self.add("", self.done)
        self.add("overlap", self.policy)
        self.add("committed", self.counter)
        self.add("", self.people)
        self.path.setText(f"{a.session.dataset.root}\njournal: {a.session.journal.path.name}")
        self.path.setToolTip(f"every commit is synced to {a.session.journal.path} before it shows")

    def _mark(self, done: bool) -> None:
        if self._a.field is not None:
            self._a.edit(self._a.field.mark, done=bool(done))

    def _choose(self, policy: str) -> None:
        self._a.session.policy = policy

    def update_from(self) -> None:
        """Show what the session has."""
        field, session = self._a.field, self._a.session
        controls.show(self.policy, session.policy)
        if field is None:
            return
        controls.show(self.fields, field.name)
        place = session.names.index(field.name)
        self.back.setEnabled(place > 0)
        self.next.setEnabled(place + 1 < len(session.names))
        self.done.setChecked(field.done)
        here = len(field.ids())
        self.counter.setText(f"{here} here, {self._a.prompting.commits} since opening")
        names = ", ".join(str(p) for p in field.others)
        self.people.setText(f"also open by {names}" if names else "")
        self.people.setVisible(bool(names))
