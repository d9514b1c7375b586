"""The layer ``current_object``: proposed cells, which may be painted on before the commit."""

from __future__ import annotations

import numpy as np

from cellwright.plugin.cell_map import label_map
from cellwright.plugin.draft import Draft
from cellwright.plugin.layers import AnnotatorLayers, show_labels
from cellwright.plugin.strokes import strokes


class CurrentObject:
    """Shows a draft on the prompt layers and on ``current_object``, and takes it up from them."""

    def __init__(self, layers: AnnotatorLayers) -> None:
        self._layers = layers
        self._drawn = np.zeros((1, 1), np.int32)
        self.draft = Draft((1, 1))

    def show(self, draft: Draft) -> None:
        """Show a draft with its prompts."""
        self.draft = draft
        self._layers.set_boxes(draft.boxes)
        self._layers.set_points(draft.points, draft.signs)
        self.draw()

    def draw(self) -> None:
        """Show the cells of the draft; what was painted meanwhile must be taken up before."""
        draft, layer = self.draft, self._layers.current
        self._drawn = label_map(draft.shape, list(draft.cells.items()))
        show_labels(layer, self._drawn)

    def take_up(self) -> bool:
        """Take up prompts and strokes from the layers; whether something was painted."""
        draft, layer = self.draft, self._layers.current
        draft.boxes = [np.array(shape) for shape in self._layers.boxes.data]
        draft.points = np.array(self._layers.points.data, float)
        draft.signs = self._layers.signs()
        if np.shape(layer.data) != self._drawn.shape:
            return False
        found = strokes(self._drawn, np.asarray(layer.data), moved=str(layer.mode) == "fill")
        draft.paint(found)
        self._drawn = np.array(layer.data)
        return bool(found)

    def clear(self) -> None:
        """Take prompts and proposed cells away."""
        self.show(Draft(self.draft.shape))
        self._layers.current.selected_label = 1
