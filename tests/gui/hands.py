"""Mouse and keyboard on the canvas of a real napari window."""

from __future__ import annotations

import time
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

from qtpy.QtCore import QPoint, Qt
from qtpy.QtTest import QTest
from qtpy.QtWidgets import QApplication

NONE, SHIFT, CTRL = (
    Qt.KeyboardModifier.NoModifier,
    Qt.KeyboardModifier.ShiftModifier,
    Qt.KeyboardModifier.ControlModifier,
)
Place = Sequence[float]


class Hands:
    """A person in front of the window.

    Parameters
    ----------
    viewer
        napari's viewer.
    annotation
        The annotation that is open in it; looked at only to know when work is done.
    """

    def __init__(self, viewer: Any, annotation: Any) -> None:
        self.viewer, self.annotation = viewer, annotation
        self.canvas = viewer.window._qt_viewer.canvas.native

    def wait(self, *, quiet: float = 0.1, seconds: float = 60) -> float:
        """Wait until no work runs; seconds until the last one ended and was shown."""
        start = time.perf_counter()
        calm = start
        while time.perf_counter() - calm < quiet:
            QApplication.processEvents()
            time.sleep(0.001)
            if self.annotation.work.busy:
                calm = time.perf_counter()
            assert time.perf_counter() - start < seconds, self.annotation.work.says()
        return calm - start

    def pixel(self, place: Place) -> QPoint:
        """Where a place of the image (row, column) lies on the canvas."""
        camera, size = self.viewer.camera, self.canvas.size()
        row, column = camera.center[-2:]
        x = (place[1] - column) * camera.zoom + size.width() / 2
        y = (place[0] - row) * camera.zoom + size.height() / 2
        return QPoint(round(x), round(y))

    def key(self, key: Any, modifier: Any = NONE) -> None:
        """Press a key and let it go."""
        QTest.keyClick(self.canvas, key, modifier)
        QApplication.processEvents()

    def click(self, place: Place, modifier: Any = NONE, *, right: bool = False) -> None:
        """Click on a place of the image."""
        button = Qt.MouseButton.RightButton if right else Qt.MouseButton.LeftButton
        at = self.pixel(place)
        QTest.mouseMove(self.canvas, at)
        QApplication.processEvents()
        QTest.mousePress(self.canvas, button, modifier, at)
        QApplication.processEvents()
        QTest.mouseRelease(self.canvas, button, modifier, at)
        QTest.qWait(30)

    def drag(self, *places: Place, steps: int = 6) -> None:
        """Press at the first place, move over the others, let go at the last."""
        at = self.pixel(places[0])
        QTest.mouseMove(self.canvas, at)
        QTest.mousePress(self.canvas, Qt.MouseButton.LeftButton, NONE, at)
        QApplication.processEvents()
        for a, b in pairwise(places):
            for i in range(1, steps + 1):
                part = i / steps
                to = (a[0] + (b[0] - a[0]) * part, a[1] + (b[1] - a[1]) * part)
                at = self.pixel(to)
                QTest.mouseMove(self.canvas, at)
                QTest.qWait(8)
        QTest.mouseRelease(self.canvas, Qt.MouseButton.LeftButton, NONE, at)
        QTest.qWait(30)

    def picture(self, path: Any) -> None:
        """A screenshot of the whole window."""
        QTest.qWait(200)
        self.viewer.screenshot(str(path), canvas_only=False, flash=False)
