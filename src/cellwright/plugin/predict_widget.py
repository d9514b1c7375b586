"""Cells of an image layer, or of the open field, by a trained model."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from qtpy.compat import isalive
from qtpy.QtWidgets import QLabel, QLineEdit, QVBoxLayout, QWidget

from cellwright.label.session.patch import Patch
from cellwright.plugin import controls
from cellwright.plugin.annotation import annotation_of
from cellwright.plugin.automatic_menu import model
from cellwright.plugin.cell_map import Outlines, label_map
from cellwright.plugin.work import Work, tell
from cellwright.types import Image, InputError, Instances

if TYPE_CHECKING:
    from napari.viewer import Viewer

FIELD = "the field of the annotator"


class PredictWidget(QWidget):
    """Runs a model folder on an image and shows its cells as labels and outlines.

    Parameters
    ----------
    napari_viewer
        The viewer.
    """

    def __init__(self, napari_viewer: Viewer) -> None:
        super().__init__()
        self.viewer = napari_viewer
        self.work = Work()
        self.work.changed.connect(self._update)
        menu = controls.Menu("Predict with a model")
        self.folder = QLineEdit()
        self.folder.setPlaceholderText("folder made by 'cellwright train'")
        self.source = controls.choice([], lambda _: None, "image layer, or the annotator's field")
        self.start = controls.button("Find cells", self.run)
        self.status = QLabel()
        self.status.setWordWrap(True)
        menu.add("model", controls.folder(self.folder, "Model folder"))
        menu.add("image", self.source)
        menu.add("", self.start)
        menu.add("", self.status)
        column = QVBoxLayout(self)
        column.addWidget(menu)
        column.addStretch()
        events = self.viewer.layers.events
        for emitter in (events.inserted, events.removed):
            emitter.connect(self._list)
        self._list()

    def _list(self, event: object = None) -> None:
        if not isalive(self):
            return
        names = [
            layer.name for layer in self.viewer.layers
            if type(layer).__name__ == "Image" and not (layer.name == "image" and self._open())
        ]  # fmt: skip
        controls.fill(self.source, ([FIELD] if self._open() else []) + names)

    def _open(self) -> bool:
        return annotation_of(self.viewer) is not None

    def showEvent(self, event: Any) -> None:
        """Qt's: look again at what is there."""
        self._list()
        super().showEvent(event)

    def run(self) -> None:
        """Run the model in a thread."""
        path = Path(self.folder.text().strip())
        if not self.folder.text().strip():
            tell("name a model folder, or one that ships: nuclei or cells", warning=True)
            return
        self._list()
        source, annotation = self.source.currentData(), annotation_of(self.viewer)
        if source == FIELD and annotation is not None:
            annotation.automatic.find(lambda: model(path), f"model {path.name}", whole=True)
            return
        if source is None:
            tell("open an image first", warning=True)
            return
        layer = self.viewer.layers[source]

        def find() -> Instances:
            segmenter = model(path)
            return segmenter.segment(image_of(np.asarray(layer.data), rgb=layer.rgb))

        self.work.run(
            "predict", f"model {path.name} on {source}", find,
            lambda found: show_cells(self.viewer, found, layer, f"{source} {path.name}"),
        )  # fmt: skip

    def _update(self) -> None:
        if not isalive(self):
            return
        self.start.setEnabled(not self.work.busy)
        self.status.setText(self.work.says())


def image_of(data: np.ndarray, *, rgb: bool = False) -> Image:
    """The pixels of an image layer: (row, column), (plane, row, column) or with a channel axis.

    Raises
    ------
    InputError
        For an array with more axes.
    """
    if rgb:
        return Image(np.moveaxis(data[..., :3], -1, 0), "CYX")
    axes = {2: "YX", 3: "CYX", 4: "ZCYX"}.get(data.ndim)
    if axes is None:
        raise InputError(
            f"the layer has the shape {data.shape}; (row, column), (channel, row, column) or "
            "(z, channel, row, column) is wanted"
        )
    return Image(data, axes)


def show_cells(viewer: Any, found: Instances, layer: Any, name: str) -> None:
    """Add cells as a labels layer and as outlines, which show overlaps too."""
    patches = [
        Patch.of_crop(found.shape, box, mask)
        for box, mask in zip(found.boxes.tolist(), found.masks, strict=True)
    ]
    cells = [(n, p) for n, p in enumerate(patches, start=1) if p]
    if not cells:
        tell(f"{name}: no cell was found; another model, or lower thresholds?", warning=True)
        return
    place = {"scale": layer.scale[-2:], "translate": layer.translate[-2:]}
    viewer.add_labels(label_map(found.shape, cells), name=f"{name} cells", opacity=0.4, **place)
    vectors, _ = Outlines().segments([p for _, p in cells])
    viewer.add_vectors(
        vectors, name=f"{name} outlines", vector_style="line", edge_width=0.7,
        edge_color="#ffd400", **place,
    )  # fmt: skip
    tell(f"{name}: {len(cells)} cells")
