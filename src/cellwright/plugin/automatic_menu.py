"""Automatic segmentation, and what becomes of its masks."""

from __future__ import annotations

from pathlib import Path

from qtpy.QtCore import Qt
from qtpy.QtWidgets import QLabel, QLineEdit, QSlider

from cellwright.label.segmenters import SEGMENTERS, segmenter
from cellwright.plugin import controls
from cellwright.plugin.annotation import Annotation
from cellwright.plugin.work import tell
from cellwright.types import Segmenter

MODEL = "a trained model"


class AutomaticMenu(controls.Menu):
    """Find cells without prompts; a click accepts one, a right click rejects it."""

    def __init__(self, annotation: Annotation) -> None:
        super().__init__("Automatic segmentation")
        self._a = a = annotation
        self.method = controls.choice(
            [*((e.name, e.name) for e in SEGMENTERS), (MODEL, MODEL)], lambda _: self._show(),
            "\n".join(f"{e.name}: {e.summary}" for e in SEGMENTERS),
        )  # fmt: skip
        self.model = QLineEdit()
        self.model.setPlaceholderText("model folder")
        self.folder = controls.folder(self.model, "Model folder")
        self.start = controls.button("Find cells", self.run, "into auto_segmentation")
        self.least = QSlider(Qt.Orientation.Horizontal)
        self.least.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.least.setRange(0, 100)
        self.least.setToolTip("candidates with a lower score are hidden")
        self.least.valueChanged.connect(self._limit)
        self.threshold = QLabel("0.00")
        self.accept = controls.button("Accept all", a.automatic.accept_all, "those that are shown")
        self.hint = QLabel()
        self.hint.setWordWrap(True)
        self.add("method", self.method)
        self.add("", self.folder)
        self.add("least score", self.least, self.threshold)
        self.add("", self.start, self.accept)
        self.add("", self.hint)
        self._show()

    def _show(self) -> None:
        self.folder.setVisible(self.method.currentData() == MODEL)

    def _limit(self, percent: int) -> None:
        self.threshold.setText(f"{percent / 100:.2f}")
        self._a.automatic.least = percent / 100
        self._a.refresh()

    def run(self) -> None:
        """Find cells with the chosen method."""
        name = str(self.method.currentData())
        if name != MODEL:
            self._a.automatic.find(lambda: segmenter(name), name)
            return
        path = Path(self.model.text().strip())
        if not self.model.text().strip():
            tell("name a model folder, made with 'cellwright train'", warning=True)
            return
        self._a.automatic.find(lambda: model(path), f"model {path.name}", whole=True)

    def update_from(self) -> None:
        """Show how many masks wait, and which buttons make sense now."""
        a = self._a
        ready = a.field is not None and "view" not in a.work.running
        self.start.setEnabled(ready and "automatic" not in a.work.running)
        count = len(a.automatic)
        self.accept.setEnabled(ready and count > 0)
        text = f"{count} masks: click one to accept it, right-click to reject it"
        self.hint.setText(text if count else "")


def model(folder: Path) -> Segmenter:
    """A trained model, or one that ships, as a segmenter."""
    from cellwright.steps.adapting import adapted
    from cellwright.zoo.shipped import model_folder

    return adapted(model_folder(folder))
