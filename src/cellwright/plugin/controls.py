"""Buttons, lists and sliders in the way the plugin uses them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from qtpy.QtCore import Qt
from qtpy.QtWidgets import (
    QComboBox,
    QFileDialog,
    QFormLayout,
    QGroupBox,
    QHBoxLayout,
    QLineEdit,
    QPushButton,
    QWidget,
)


def button(text: str, call: Callable[[], Any], tip: str = "") -> QPushButton:
    """A button that keeps the keyboard with the canvas."""
    made = QPushButton(text)
    made.setToolTip(tip)
    made.setFocusPolicy(Qt.FocusPolicy.NoFocus)
    made.clicked.connect(lambda *_: call())
    return made


def choice(
    items: Sequence[str] | Iterable[tuple[str, Any]], call: Callable[[Any], Any], tip: str = ""
) -> QComboBox:
    """A list; `call` gets the data of what a person chose, never of what the program set."""
    made = QComboBox()
    made.setToolTip(tip)
    made.setFocusPolicy(Qt.FocusPolicy.NoFocus)
    fill(made, items)
    made.activated.connect(lambda *_: call(made.currentData()))
    return made


def fill(box: QComboBox, items: Sequence[str] | Iterable[tuple[str, Any]]) -> None:
    """Give a list other items, unless it has them already."""
    pairs = [(i, i) if isinstance(i, str) else i for i in items]
    if pairs != [(box.itemText(i), box.itemData(i)) for i in range(box.count())]:
        box.clear()
        for text, data in pairs:
            box.addItem(text, data)


def show(box: QComboBox, data: Any) -> None:
    """Let a list show the item with `data`, without telling anybody."""
    at = next((i for i in range(box.count()) if box.itemData(i) == data), -1)
    if at != box.currentIndex():
        box.setCurrentIndex(at)


def row(*widgets: QWidget) -> QWidget:
    """Widgets side by side."""
    made = QWidget()
    layout = QHBoxLayout(made)
    layout.setContentsMargins(0, 0, 0, 0)
    for widget in widgets:
        layout.addWidget(widget)
    return made


def folder(line: QLineEdit, title: str) -> QWidget:
    """A line for a folder with a button to look for it."""

    def browse() -> None:
        found = QFileDialog.getExistingDirectory(line, title, line.text())
        if found:
            line.setText(found)

    return row(line, button("…", browse, title))


class Menu(QGroupBox):
    """A titled group of rows."""

    def __init__(self, title: str) -> None:
        super().__init__(title)
        self.form = QFormLayout(self)
        self.form.setContentsMargins(6, 4, 6, 6)
        self.form.setVerticalSpacing(4)

    def add(self, label: str, *widgets: QWidget) -> None:
        """A row with a label, or without one if it is empty."""
        content = widgets[0] if len(widgets) == 1 else row(*widgets)
        self.form.addRow(label, content) if label else self.form.addRow(content)
