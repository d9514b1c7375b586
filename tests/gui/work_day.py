"""A person labels a plate in a real window until the process is killed.

python work_day.py DATASET BOXES.json PICTURES: tells in JSON lines what the window showed as
committed and how long it took; with ``--look`` it opens the data set and tells what is there.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
from hands import CTRL, Hands
from qtpy.QtCore import Qt

from cellwright.label.session import LabelSession
from cellwright.plugin.open_window import open_window


def tell(what: str, **facts: Any) -> None:
    print(json.dumps({"what": what, **facts}), flush=True)


def window(plate: str) -> tuple[Any, Any, Hands]:
    session = LabelSession.open(plate, author="ada", segmenter="region")
    begin = time.perf_counter()
    viewer, widget = open_window(session)
    viewer.window.resize(1400, 900)
    hands = Hands(viewer, widget.annotation)
    hands.wait(quiet=0.5)
    tell("opened", at=time.time() - 0.5, window=time.perf_counter() - begin - 0.5)
    viewer.reset_view()
    hands.wait()
    return widget, widget.annotation, hands


def sheet(a: Any, id: str) -> dict[str, Any]:
    """What identifies a cell's pixels."""
    patch = a.field.cell(id).patch
    return {"field": a.field.name, "id": id, **patch.to_json()}


def commit(a: Any, hands: Hands, what: str) -> str:
    hands.key(Qt.Key.Key_S)
    segment = hands.wait()
    before = set(a.field.ids())
    begin = time.perf_counter()
    hands.key(Qt.Key.Key_C)
    spent = time.perf_counter() - begin
    hands.wait()
    (new,) = set(a.field.ids()) - before
    number = a.committed.number(new)
    assert (np.asarray(a.layers.committed.data) == number).any()
    tell(what, segment=segment, commit=spent, **sheet(a, new))
    return new


def drag_box(hands: Hands, box: list[float]) -> None:
    r0, c0, r1, c1 = box
    hands.drag((r0 - 1, c0 - 1), (r1, c1))


def work(plate: str, boxes: dict[str, list[list[float]]], pictures: Path) -> None:
    _, a, hands = window(plate)
    first = boxes[a.field.name]
    ids = []
    for box in first[:4]:
        hands.viewer.layers.selection.active = a.layers.boxes
        drag_box(hands, box)
        ids.append(commit(a, hands, "box"))
    # points: one on the cell, one beside it
    hands.viewer.layers.selection.active = a.layers.points
    r0, c0, r1, c1 = first[4]
    hands.click(((r0 + r1) / 2, (c0 + c1) / 2))
    hands.key(Qt.Key.Key_T)
    hands.click((r0 - 6, c0 - 6))
    assert a.layers.signs().tolist() == [True, False]
    hands.key(Qt.Key.Key_S)
    hands.wait()
    hands.picture(pictures / "points.png")
    commit(a, hands, "points")
    # pick a committed cell by a click, paint on it, delete another one and undo that
    hands.viewer.layers.selection.active = a.layers.committed
    a.layers.committed.mode = "pan_zoom"
    r0, c0, r1, c1 = first[0]
    hands.click(((r0 + r1) / 2, (c0 + c1) / 2))
    assert a.committed.selected == (ids[0],)
    area = a.field.cell(ids[0]).patch.area
    hands.key(Qt.Key.Key_2)
    assert a.layers.committed.mode == "paint"
    a.layers.committed.brush_size = 6
    begin = time.perf_counter()
    hands.drag(((r0 + r1) / 2, c0), ((r0 + r1) / 2, c0 - 12))
    spent = time.perf_counter() - begin
    assert a.field.cell(ids[0]).patch.area > area
    tell("painted", seconds=spent, **sheet(a, ids[0]))
    a.layers.committed.mode = "pan_zoom"
    r0, c0, r1, c1 = first[1]
    hands.click(((r0 + r1) / 2, (c0 + c1) / 2))
    hands.key(Qt.Key.Key_Delete)
    assert ids[1] not in a.field.ids()
    hands.key(Qt.Key.Key_Z, CTRL)
    assert ids[1] in a.field.ids()
    hands.click(((first[2][0] + first[2][2]) / 2, (first[2][1] + first[2][3]) / 2))
    hands.key(Qt.Key.Key_Delete)
    tell("deleted", field=a.field.name, id=ids[2])
    hands.picture(pictures / "edited.png")
    # the next field, one plane of it
    hands.key(Qt.Key.Key_PageDown)
    switch = hands.wait()
    assert a.field.name != ids[0]
    hands.key(Qt.Key.Key_PageDown, CTRL)
    plane = hands.wait()
    tell("moved", field=a.field.name, switch=switch, plane=plane)
    hands.viewer.layers.selection.active = a.layers.boxes
    drag_box(hands, boxes[a.field.name][0])
    commit(a, hands, "plane")
    assert a.field.cell(a.field.ids()[-1]).planes == (0,)
    hands.picture(pictures / "plane.png")
    tell("ready")
    for box in boxes[a.field.name][1:] * 50:
        hands.viewer.layers.selection.active = a.layers.boxes
        drag_box(hands, box)
        commit(a, hands, "more")


def look(plate: str, pictures: Path) -> None:
    widget, a, hands = window(plate)
    for name in a.session.names:
        a.open(name)
        hands.wait()
        data = np.asarray(a.layers.committed.data)
        for id in a.field.ids():
            assert (data == a.committed.number(id)).any(), f"{id} is not shown"
            tell("there", **sheet(a, id))
        hands.picture(pictures / f"again-{name}.png")
    widget.close_session()
    hands.viewer.close()


if __name__ == "__main__":
    folder = Path(sys.argv[3])
    if "--look" in sys.argv:
        look(sys.argv[1], folder)
    else:
        work(sys.argv[1], json.loads(Path(sys.argv[2]).read_text()), folder)
