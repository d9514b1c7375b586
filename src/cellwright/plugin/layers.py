"""The layers of the annotator, with the names and colours that micro-SAM's users know."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

NAMES = (
    "image",
    "committed_objects",
    "auto_segmentation",
    "current_object",
    "cell_outlines",
    "prompts",
    "point_prompts",
)
SIGNS = {True: "positive", False: "negative"}
_COLOURS = {True: "#00e000", False: "#ff3030"}
# Widths in pixels of an image of this longest side, seen whole; larger ones need thicker marks.
_SIDE = 512
_OUTLINE, _BOX, _POINT = 0.7, 1.5, 9.0
_SYMBOLS = {True: "cross", False: "hbar"}


class AnnotatorLayers:
    """The layers in a viewer, made once and filled anew for every field.

    ``image``; ``committed_objects``, ``auto_segmentation`` and ``current_object`` (labels);
    ``cell_outlines`` (vectors, as a label map holds one cell a pixel); ``prompts`` (boxes);
    ``point_prompts`` (green plus: on the cell, red minus: not on it).

    Parameters
    ----------
    viewer
        A napari viewer, or its model without a window.
    """

    def __init__(self, viewer: Any) -> None:
        import pandas

        self.viewer = viewer
        for name in NAMES:
            if name in viewer.layers:
                viewer.layers.remove(name)
        blank = np.zeros((1, 1), np.int32)
        self.image = viewer.add_image(blank.astype(np.uint8), name="image")
        self.committed = viewer.add_labels(blank.copy(), name="committed_objects", opacity=0.35)
        self.automatic = viewer.add_labels(blank.copy(), name="auto_segmentation", opacity=0.3)
        self.current = viewer.add_labels(blank.copy(), name="current_object", opacity=0.5)
        self.outlines = viewer.add_vectors(
            np.zeros((0, 2, 2)),
            ndim=2,
            name="cell_outlines",
            vector_style="line",
            edge_width=_OUTLINE,
        )
        self.boxes = viewer.add_shapes(
            None, ndim=2, name="prompts", edge_color="#ffd400", face_color="transparent",
            edge_width=_BOX,
        )  # fmt: skip
        names = list(SIGNS.values())
        self.points = viewer.add_points(
            np.zeros((0, 2)), ndim=2, name="point_prompts", size=_POINT, border_width=0,
            features=pandas.DataFrame({"sign": pandas.Categorical([], categories=names)}),
            feature_defaults={"sign": SIGNS[True]},
            face_color="sign", face_color_cycle=list(_COLOURS.values()),
        )  # fmt: skip
        self.sign = True
        self.automatic.contour = 2
        self.outlines._max_vectors_thumbnail = 0  # its thumbnail takes longer than all the rest
        self.boxes.mode = "add_rectangle"
        self.points.mode = "add"
        self.select(self.boxes)

    @property
    def all(self) -> tuple[Any, ...]:
        """All layers, the lowest first."""
        return (
            self.image, self.committed, self.automatic, self.current, self.outlines, self.boxes,
            self.points,
        )  # fmt: skip

    @property
    def active(self) -> Any:
        """The selected layer, or None."""
        return self.viewer.layers.selection.active

    def select(self, layer: Any) -> None:
        """Make one layer the selected one."""
        self.viewer.layers.selection.active = layer

    def show_image(self, pixels: np.ndarray, *, keep_contrast: bool) -> None:
        """Show a (row, column) or (row, column, 3) picture; marks are as thick as it is large."""
        thick = max(1.0, max(pixels.shape[:2]) / _SIDE)
        if self.outlines.edge_width != _OUTLINE * thick:
            self.outlines.edge_width = _OUTLINE * thick
        self.boxes.current_edge_width = _BOX * thick
        self.points.current_size = _POINT * thick
        rgb = pixels.ndim == 3
        if rgb != self.image.rgb:
            # napari cannot turn a grey layer into a coloured one
            active = self.active
            active = None if active is self.image else active
            self.viewer.layers.remove(self.image)
            self.image = self.viewer.add_image(pixels, name="image", rgb=rgb)
            self.viewer.layers.move(self.viewer.layers.index(self.image), 0)
            self.select(active or self.image)
            return
        self.image.data = pixels
        if not rgb and not keep_contrast:
            step = max(1, int(max(pixels.shape) // 1024))
            low, high = np.percentile(pixels[::step, ::step], (0.1, 99.9))
            self.image.contrast_limits = (float(low), float(max(high, low + 1e-6)))

    # prompts

    @property
    def sign(self) -> bool:
        """Whether the next point lies on the cell."""
        return self._sign

    @sign.setter
    def sign(self, positive: bool) -> None:
        self._sign = bool(positive)
        self.points.selected_data = set()  # or it would turn the selected ones too
        self.points.feature_defaults = {"sign": SIGNS[self._sign]}
        self.points.current_symbol = _SYMBOLS[self._sign]

    def signs(self) -> np.ndarray:
        """(P,) bool of the points that are there: True is on the cell."""
        return np.array(self.points.features["sign"] == SIGNS[True], bool)

    def flip(self, picked: Sequence[int]) -> None:
        """Turn points that are there into the other kind."""
        signs = self.signs()
        signs[list(picked)] ^= True
        self.set_points(np.asarray(self.points.data), signs)

    def set_points(self, places: np.ndarray, signs: np.ndarray) -> None:
        """Show points (P, 2) with (P,) signs instead of those that are there."""
        import pandas

        if not len(places) and not len(self.points.data):
            return  # every change of a layer draws the canvas anew
        self.points.selected_data = set()
        self.points.data = np.asarray(places, float).reshape(-1, 2)
        names = [SIGNS[bool(s)] for s in signs]
        self.points.features = pandas.DataFrame(
            {"sign": pandas.Categorical(names, categories=list(SIGNS.values()))}
        )
        if names:
            self.points.symbol = [_SYMBOLS[bool(s)] for s in signs]
        self.points.refresh_colors()
        self.sign = self._sign

    def set_boxes(self, corners: Sequence[np.ndarray]) -> None:
        """Show boxes, each (4, 2) corners, instead of those that are there."""
        if len(self.boxes.data):
            self.boxes.selected_data = set()
            self.boxes.data = []
        if len(corners):
            self.boxes.add_rectangles(list(corners))


def show_labels(layer: Any, labels: np.ndarray) -> None:
    """Show a label map; an array of the same shape is filled anew, which is quicker."""
    if np.shape(layer.data) != labels.shape:
        layer.data = labels.copy()
    elif not np.array_equal(layer.data, labels):
        np.copyto(layer.data, labels)
        layer.refresh(extent=False)
