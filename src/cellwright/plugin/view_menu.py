"""Plane, projection, channel and look of the image; the route to the truth of a z-stack."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from qtpy.QtCore import Qt
from qtpy.QtWidgets import QLabel, QSlider

from cellwright.label.session import ROUTES
from cellwright.plugin import controls
from cellwright.plugin.annotation import Annotation
from cellwright.plugin.looks import PROJECTED, looks_of

ROUTE_TIPS = {
    "median": "drawn once, for the whole field",
    "merged": "drawn plane by plane, merged into one set afterwards",
    "z-aware": "each plane carries the cells that are seen there",
}


class ViewMenu(controls.Menu):
    """What is seen, and for which planes a commit is."""

    def __init__(self, annotation: Annotation) -> None:
        super().__init__("View")
        self._a = annotation
        self.plane = QSlider(Qt.Orientation.Horizontal)
        self.plane.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.plane.setToolTip("plane of the z-stack (Ctrl+Page Down, Ctrl+Page Up)")
        self.plane.setPageStep(1)
        self.plane.valueChanged.connect(self._slide)
        self.where = QLabel()
        self.projection = controls.choice(
            [("one plane", None), *((f"{p} of all planes", p) for p in PROJECTED)], self._project
        )
        self.channel = controls.choice([("all channels", None)], self._channel)
        self.look = controls.choice(
            [],
            lambda style: self._look(style=style),
            "what is seen; it does not change what is segmented",
        )
        self.route = controls.choice(
            [("not said", ""), *((r, r) for r in ROUTES)], self._route,
            "how the truth of the z-stack is made\n"
            + "\n".join(f"{name}: {tip}" for name, tip in ROUTE_TIPS.items()),
        )  # fmt: skip
        self.target = QLabel()
        self.add("plane", self.plane, self.where)
        self.add("shown", self.projection)
        self.add("channel", self.channel)
        self.add("look", self.look)
        self.add("z-route", self.route)
        self.add("commits to", self.target)

    def _look(self, **values: Any) -> None:
        a = self._a
        if a.field is not None:
            a.open(a.field.name, replace(a.wanted_look, **values))

    def _slide(self, value: int) -> None:
        self._look(plane=value)

    def _project(self, projection: str | None) -> None:
        if projection is None:
            self._look(plane=self.plane.value())
        else:
            self._look(plane=None, projection=projection)

    def _channel(self, channel: int | None) -> None:
        self._look(channel=channel)

    def _route(self, route: str) -> None:
        field = self._a.field
        if field is None:
            return
        if route:
            self._a.edit(field.mark, route=route)
        else:
            self._a.changed.emit()  # a route that was said is kept

    def update_from(self) -> None:
        """Show the view of the field."""
        a, field = self._a, self._a.field
        if field is None:
            return
        stack, look = field.planes > 1, a.look
        for widget in (self.plane, self.where, self.projection, self.route):
            widget.setEnabled(stack)
        self.plane.blockSignals(True)
        self.plane.setMaximum(field.planes - 1)
        if look.plane is not None:
            self.plane.setValue(look.plane)
        self.plane.blockSignals(False)
        self.where.setText(f"{'–' if look.plane is None else look.plane + 1} / {field.planes}")
        controls.show(self.projection, look.projection if look.plane is None else None)
        names = field.image.channels or [f"channel {i + 1}" for i in range(field.image.size("C"))]
        every = [("all channels", None)] if len(names) > 1 else []
        controls.fill(self.channel, [*every, *((n, i) for i, n in enumerate(names))])
        controls.show(self.channel, look.channel if every else 0)
        self.channel.setEnabled(len(names) > 1)
        controls.fill(self.look, looks_of(field.image))
        controls.show(self.look, look.style)
        controls.show(self.route, field.route)
        planes = a.planes()
        one = planes[0] + 1 if planes else 0
        self.target.setText(f"plane {one}" if planes else "the whole field")
