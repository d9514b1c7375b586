"""How far a data set is: jump to a field, check its quality, write the ground truth."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from qtpy.compat import isalive
from qtpy.QtCore import Qt
from qtpy.QtWidgets import (
    QAbstractItemView,
    QCheckBox,
    QHeaderView,
    QLabel,
    QLineEdit,
    QTableWidget,
    QTableWidgetItem,
    QVBoxLayout,
    QWidget,
)

from cellwright.label.session import QC, FieldProgress
from cellwright.plugin import controls
from cellwright.plugin.annotation import Annotation, annotation_of
from cellwright.plugin.work import tell

if TYPE_CHECKING:
    from napari.viewer import Viewer

COLUMNS = ("field", "cells", "missing", "done", "quality", "z-route")


def missing(field: FieldProgress, *, planes: int) -> str:
    """What a field still wants, in a few words.

    Parameters
    ----------
    field
        How far it is.
    planes
        Planes of its z-stack.
    """
    wants = []
    if not field.cells:
        wants.append("cells")
    if not field.done:
        wants.append("done mark")
    if field.qc == "unchecked":
        wants.append("quality check")
    if field.qc == "rework":
        wants.append("rework")
    if planes > 1 and not field.route:
        wants.append("z-route")
    return ", ".join(wants)


class ReviewWidget(QWidget):
    """Lists the fields of the annotator's data set.

    Parameters
    ----------
    napari_viewer
        The viewer; the annotator must be open in it.
    """

    def __init__(self, napari_viewer: Viewer) -> None:
        super().__init__()
        self.viewer = napari_viewer
        self._seen: Annotation | None = None
        self._kept: dict[str, bool] = {}
        self.table = QTableWidget(0, len(COLUMNS))
        self.table.setHorizontalHeaderLabels(COLUMNS)
        self.table.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.table.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.table.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        side, header = self.table.verticalHeader(), self.table.horizontalHeader()
        assert side is not None
        assert header is not None
        side.setVisible(False)
        header.setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
        header.setStretchLastSection(True)
        self.table.cellDoubleClicked.connect(lambda row, _: self.jump(row))
        self.sum = QLabel()
        self.sum.setWordWrap(True)
        self.qc = controls.choice(QC, self.mark, "quality of the shown field")
        self.next = controls.button(
            "Next unfinished", self.jump_on, "the next field that wants work"
        )
        self.overlay = QCheckBox("outlines only, to check them against the image")
        self.overlay.toggled.connect(self.show_overlay)
        self.output = QLineEdit()
        self.output.setPlaceholderText("folder for the labelled data set")
        self.export = controls.button(
            "Write", self.write, "COCO with boxes, label images, crops, ROIs"
        )
        menu = controls.Menu("Review")
        menu.add("", self.table)
        menu.add("", self.sum)
        menu.add("quality", self.qc, self.next)
        menu.add("", self.overlay)
        menu.add("ground truth", controls.folder(self.output, "Folder"), self.export)
        column = QVBoxLayout(self)
        column.addWidget(menu)
        self.viewer.layers.events.inserted.connect(self._opened)
        self.refresh()

    @property
    def annotation(self) -> Annotation | None:
        """What is open in the viewer."""
        found = annotation_of(self.viewer)
        if found is not None and found is not self._seen:
            self._seen = found
            found.changed.connect(self._follow)
            found.work.changed.connect(self._update)
        return found

    def _opened(self, event: object = None) -> None:
        """A layer came: perhaps that of another annotation."""
        if isalive(self) and annotation_of(self.viewer) is not self._seen:
            self.refresh()

    def _follow(self) -> None:
        """Listing a large data set takes a moment, so it is done for those who look."""
        if isalive(self) and self.isVisible():
            self.refresh()

    def showEvent(self, event: Any) -> None:
        """Qt's: look again at what is there."""
        self.refresh()
        super().showEvent(event)

    def refresh(self) -> None:
        """List the fields as they are now."""
        if not isalive(self):
            return
        a = self.annotation
        if a is None or a.closed:
            self.sum.setText("open a data set in the annotator first")
            return
        planes = a.field.planes if a.field is not None else 1
        rows = a.session.progress()
        self.table.setRowCount(len(rows))
        for number, field in enumerate(rows):
            texts = (
                field.name,
                str(field.cells),
                missing(field, planes=planes) or "nothing",
                "yes" if field.done else "",
                field.qc,
                field.route,
            )
            for place, text in enumerate(texts):
                item = self.table.item(number, place)
                if item is None:
                    self.table.setItem(number, place, QTableWidgetItem(text))
                elif item.text() != text:
                    item.setText(text)
        done = sum(f.done for f in rows)
        cells = sum(f.cells for f in rows)
        passed = sum(f.qc == "passed" for f in rows)
        self.sum.setText(f"{done} of {len(rows)} fields done, {passed} passed, {cells} cells")
        if a.field is not None:
            controls.show(self.qc, a.field.qc)
            self.table.selectRow(a.session.names.index(a.field.name))
        self._update()

    def _update(self) -> None:
        a = self._seen
        if not isalive(self):
            return
        self.export.setEnabled(a is not None and "export" not in a.work.running)

    def jump(self, row: int) -> None:
        """Show the field of a row."""
        a = self.annotation
        if a is not None:
            a.open(a.session.names[row])

    def jump_on(self) -> None:
        """Show the next field that is not done or has to be worked on again."""
        a = self.annotation
        if a is None or a.field is None:
            return
        rows, here = a.session.progress(), a.session.names.index(a.field.name)
        for step in range(1, len(rows) + 1):
            found = rows[(here + step) % len(rows)]
            if not found.done or found.qc == "rework":
                a.open(found.name)
                return
        tell("all fields are done")

    def mark(self, qc: str) -> None:
        """Say what the quality of the shown field is."""
        a = self.annotation
        if a is not None and a.field is not None:
            a.edit(a.field.mark, qc=qc)

    def show_overlay(self, on: bool) -> None:
        """Show outlines on the image and nothing else, or everything again."""
        a = self.annotation
        if a is None:
            return
        hidden = (a.layers.committed, a.layers.automatic, a.layers.current, a.layers.boxes,
                  a.layers.points)  # fmt: skip
        if on:
            self._kept = {layer.name: layer.visible for layer in hidden}
        for layer in hidden:
            layer.visible = False if on else self._kept.get(layer.name, True)
        a.layers.outlines.visible = True

    def write(self) -> None:
        """Write the ground truth in a thread."""
        a, folder = self.annotation, self.output.text().strip()
        if a is None:
            return
        if not folder:
            tell("name a folder for the labelled data set", warning=True)
            return
        a.take_up()
        root, journal = a.session.dataset.root, a.session.journal.folder
        output = Path(folder)

        def write() -> Any:
            from cellwright.steps.labelled import labelled

            return labelled(root, output, journal=journal, quiet=True)

        def told(result: Any) -> None:
            tell(f"{result.done} images with {result.details['cells']} cells: {result.output}")

        a.work.run("export", f"writing {output.name}", write, told)
