"""The annotator: opens a data set and shows its menus."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import TYPE_CHECKING

from qtpy.compat import isalive
from qtpy.QtCore import QTimer
from qtpy.QtWidgets import (
    QApplication,
    QLabel,
    QLineEdit,
    QScrollArea,
    QVBoxLayout,
    QWidget,
)

from cellwright.label.prompting import DEFAULT_PROMPT_SEGMENTER
from cellwright.label.session import POLICIES, LabelSession
from cellwright.label.session.journal import account
from cellwright.plugin import controls, keys, mouse
from cellwright.plugin.annotation import Annotation, annotation_of
from cellwright.plugin.automatic_menu import AutomaticMenu
from cellwright.plugin.edit_menu import EditMenu
from cellwright.plugin.field_menu import FieldMenu
from cellwright.plugin.log_notes import LogNotes
from cellwright.plugin.prompt_menu import PromptMenu
from cellwright.plugin.view_menu import ViewMenu
from cellwright.plugin.work import guard

if TYPE_CHECKING:
    from napari.viewer import Viewer

REFRESH = 5000
"""Milliseconds between looks at what others committed."""


class AnnotatorWidget(QWidget):
    """Makes ground truth by prompts; every commit is on disk before it shows.

    Parameters
    ----------
    napari_viewer
        The viewer.
    """

    def __init__(self, napari_viewer: Viewer) -> None:
        super().__init__()
        self.viewer = napari_viewer
        self.annotation: Annotation | None = None
        self._layout = QVBoxLayout(self)
        self._layout.setContentsMargins(4, 4, 4, 4)
        self._area = QScrollArea()
        self._area.setWidgetResizable(True)
        self.status = QLabel()
        self.status.setWordWrap(True)
        self._layout.addWidget(self._area)
        self._layout.addWidget(self.status)
        self._timer = QTimer(self)
        self._timer.setInterval(REFRESH)
        self._timer.timeout.connect(self._beat)
        self.notes = LogNotes()
        self.destroyed.connect(self.notes.stop)
        application = QApplication.instance()
        if application is not None:
            application.aboutToQuit.connect(self.close_session)
        self.opener = Opener(self)
        self._area.setWidget(self.opener)

    def open(self, session: LabelSession, name: str | None = None) -> Annotation:
        """Show a session; one that was open in this viewer is closed."""
        earlier = annotation_of(self.viewer)
        if earlier is not None:
            earlier.close()
        a = self.annotation = Annotation(self.viewer, session)
        keys.bind(a)
        mouse.bind(a)
        inner = QWidget()
        column = QVBoxLayout(inner)
        column.setContentsMargins(0, 0, 0, 0)
        self.fields, self.views, self.prompts = FieldMenu(a), ViewMenu(a), PromptMenu(a)
        self.automatic, self.edits = AutomaticMenu(a), EditMenu(a)
        self.menus = (self.fields, self.views, self.prompts, self.edits, self.automatic)
        for menu in self.menus:
            column.addWidget(menu)
        tips = QLabel("\n".join(f"{key}:  {what}" for key, what in keys.HELP))
        tips.setWordWrap(True)
        column.addWidget(tips)
        column.addStretch()
        self._area.setWidget(inner)
        a.changed.connect(self._update)
        a.work.changed.connect(self._update)
        self._timer.start()
        a.open(name)
        return a

    def _update(self) -> None:
        a = self.annotation
        if a is None or a.closed or not isalive(self):
            return
        self.notes.show()
        for menu in self.menus:
            menu.update_from()
        told = a.work.says() or "ready"
        if told != self.status.text():
            self.status.setText(told)
            self.viewer.status = told

    def _beat(self) -> None:
        self.notes.show()
        if self.annotation is not None:
            self.annotation.beat()

    def close_session(self) -> None:
        """Write what was painted, and let go of the data set."""
        if self.annotation is not None:  # Qt may have taken the widgets apart already
            self.annotation.close()


class Opener(controls.Menu):
    """Asks for the data set."""

    def __init__(self, widget: AnnotatorWidget) -> None:
        super().__init__("Open a data set")
        self._widget = widget
        self.path, self.author = QLineEdit(), QLineEdit(account())
        self.path.setPlaceholderText("folder made by 'cellwright import'")
        self.policy = controls.choice(POLICIES, lambda _: None, "what a commit does over cells")
        self.add("folder", controls.folder(self.path, "Data set"))
        self.add("author", self.author)
        self.add("overlap", self.policy)
        self.add("", controls.button("Open", self.open))

    def open(self) -> None:
        """Open what was asked for."""
        session = guard(
            LabelSession.open, Path(self.path.text().strip() or "."),
            author=self.author.text().strip() or None,
            segmenter=DEFAULT_PROMPT_SEGMENTER, policy=str(self.policy.currentData()),
        )  # fmt: skip
        if session is not None:
            logging.getLogger(__name__).info("opened %s", session.dataset.root)
            self._widget.open(session)
