"""The annotator's widget as a person uses it: prompts, keys, strokes, fields, planes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from app_model.types import KeyCode, KeyMod

from cellwright.label.session import LabelSession
from cellwright.label.session.patch import Patch
from cellwright.overlap import iou
from cellwright.types import Image, InputError, Instances

Annotate, Settle = Callable[..., Any], Callable[[Any], None]


def press(annotation: Any, key: Any) -> None:
    """Press a key as napari's window does: the active layer's keys count before the viewer's."""
    from napari.utils.key_bindings import KeymapHandler

    handler = KeymapHandler()
    active = annotation.layers.active
    handler.keymap_providers = [active, annotation.viewer] if active else [annotation.viewer]
    assert handler.press_key(key)


def draw_box(annotation: Any, box: np.ndarray) -> None:
    r0, c0, r1, c1 = (float(v) for v in box)
    annotation.layers.boxes.add_rectangles([[r0 - 0.5, c0 - 0.5], [r1 - 0.5, c1 - 0.5]])


def stroke(layer: Any, number: int, places: list[tuple[int, int]], size: int = 7) -> None:
    """One stroke of the brush; napari tells of it when it is over."""
    layer.brush_size = size
    with layer.block_history():
        for place in places:
            layer.paint(place, number)


def masks(annotation: Any, *ids: str) -> Instances:
    patches = [annotation.field.cell(id).patch for id in ids]
    return Instances(annotation.field.shape, np.array([p.box for p in patches]),
                     tuple(p.crop for p in patches))  # fmt: skip


def test_layers_have_the_names_of_micro_sam(plate: Path, annotate: Annotate) -> None:
    a = annotate(plate).annotation
    names = [layer.name for layer in a.viewer.layers]
    assert set(names) == {
        "image", "prompts", "point_prompts", "current_object", "auto_segmentation",
        "committed_objects", "cell_outlines",
    }  # fmt: skip
    assert names[0] == "image"
    assert a.layers.active.name == "prompts"
    assert a.layers.boxes.mode == "add_rectangle"
    a.layers.boxes.mode = "select"
    assert a.viewer.help.startswith("S segment"), "not napari's, which tells of other keys"


def test_box_segment_commit_by_keys(plate: Path, annotate: Annotate, settle: Settle) -> None:
    a = annotate(plate).annotation
    truth = a.field.cells()
    a.editing.delete()  # nothing is selected: nothing happens
    assert len(a.field.ids()) == len(truth)
    victim = a.field.ids()[0]
    a.committed.select((victim,))
    press(a, KeyCode.Delete)
    assert victim not in a.field.ids()
    draw_box(a, truth.boxes[0])
    press(a, KeyCode.KeyS)
    settle(a)
    assert list(a.current.draft.cells) == [1]
    assert (np.asarray(a.layers.current.data) == 1).sum() == a.current.draft.cells[1].area
    assert len(a.field.ids()) == len(truth) - 1, "nothing is committed before C"
    press(a, KeyCode.KeyC)
    assert len(a.field.ids()) == len(truth)
    new = a.field.ids()[-1]
    assert iou(masks(a, new), truth[[0]]).max() > 0.6
    assert not len(a.layers.boxes.data)
    assert not np.asarray(a.layers.current.data).any()
    with LabelSession.open(plate, author="bob") as other:
        assert new in other.field(a.field.name).ids()
    press(a, KeyMod.CtrlCmd | KeyCode.KeyZ)
    assert new not in a.field.ids()
    press(a, KeyMod.CtrlCmd | KeyCode.KeyZ)
    assert victim in a.field.ids()
    press(a, KeyMod.CtrlCmd | KeyMod.Shift | KeyCode.KeyZ)
    assert victim not in a.field.ids()


def test_keys_count_on_every_layer(plate: Path, annotate: Annotate, settle: Settle) -> None:
    """napari's own S, C, T and N of shapes, points, labels and images do not come first."""
    a = annotate(plate).annotation
    box = a.field.cells().boxes[1]
    for layer in list(a.viewer.layers):
        a.layers.select(layer)
        sign = a.layers.sign
        press(a, KeyCode.KeyT)
        assert a.layers.sign is not sign, layer.name
        draw_box(a, box)
        press(a, KeyCode.KeyS)
        settle(a)
        assert a.current.draft.cells, layer.name
        press(a, KeyMod.Shift | KeyCode.KeyC)
        assert not a.current.draft.cells
        assert not len(a.layers.boxes.data)
    for layer in list(a.viewer.layers):
        before = a.field.name
        a.layers.select(layer)
        press(a, KeyCode.PageDown if before != "field_0002" else KeyCode.PageUp)
        settle(a)
        assert a.field.name != before, layer.name


def test_points_are_green_and_red_and_flip(plate: Path, annotate: Annotate, settle: Settle) -> None:
    a = annotate(plate).annotation
    points = a.layers.points
    a.layers.select(points)
    r0, c0, r1, c1 = a.field.cells().boxes[0]
    points.add([(r0 + r1) / 2, (c0 + c1) / 2])
    press(a, KeyCode.KeyT)
    points.add([2.0, 2.0])
    assert a.layers.signs().tolist() == [True, False]
    assert [str(s.value) for s in points.symbol] == ["cross", "hbar"]
    green, red = points.face_color
    assert green[1] > 0.8 > green[0]
    assert red[0] > 0.9 > red[1]
    points.mode = "select"
    points.selected_data = {1}
    press(a, KeyCode.KeyT)
    assert a.layers.signs().tolist() == [True, True]
    assert [str(s.value) for s in points.symbol] == ["cross", "cross"]
    assert points.face_color[1][1] > 0.8
    press(a, KeyCode.KeyS)
    settle(a)
    assert list(a.current.draft.cells) == [1]


def test_painting_before_the_commit_is_committed(
    plate: Path, annotate: Annotate, settle: Settle
) -> None:
    a = annotate(plate).annotation
    draw_box(a, a.field.cells().boxes[0])
    a.prompting.segment()
    settle(a)
    proposed = a.current.draft.cells[1].frame()
    layer = a.layers.current
    a.layers.select(layer)
    stroke(layer, 1, [(3, 3), (3, 6)])
    r, c = np.argwhere(proposed)[0]
    stroke(layer, 0, [(int(r), int(c))], size=1)
    assert a.current.draft.edited == {1}
    press(a, KeyMod.CtrlCmd | KeyCode.KeyZ)
    assert layer.data[r, c] == 1, "the last stroke only is taken back"
    assert layer.data[3, 3] == 1
    press(a, KeyMod.CtrlCmd | KeyMod.Shift | KeyCode.KeyZ)
    assert layer.data[r, c] == 0
    wanted = np.asarray(layer.data) == 1
    (id,) = a.prompting.commit()
    cell = a.field.cell(id)
    np.testing.assert_array_equal(cell.patch.frame(), wanted)
    assert cell.tags["corrected"] is True
    body = a.session.state(a.field.name).records[-1].body
    assert body["prompts"][0]["box"], "the prompts are kept with the corrected mask"


def test_painting_committed_cells_is_kept(plate: Path, annotate: Annotate) -> None:
    a = annotate(plate).annotation
    layer = a.layers.committed
    a.layers.select(layer)
    first = a.field.ids()[0]
    a.committed.select((first,))
    area = a.field.cell(first).patch.area
    stroke(layer, layer.selected_label, [(90, 90), (90, 84)])
    assert a.field.cell(first).patch.area == area + np.count_nonzero(
        np.asarray(layer.data)[80:96, 78:96] == layer.selected_label
    )
    r0, c0, r1, c1 = a.field.cell(a.field.ids()[1]).patch.box
    second = a.field.ids()[1]
    stroke(layer, 0, [((r0 + r1) // 2, (c0 + c1) // 2)])
    assert not a.field.cell(second).patch.frame()[(r0 + r1) // 2, (c0 + c1) // 2]
    press(a, KeyCode.KeyM)
    stroke(layer, layer.selected_label, [(4, 90)], size=9)
    assert a.field.cell(a.committed.selected[0]).tags["source"] == "painted"
    count = len(a.field.ids())
    a.close()
    with LabelSession.open(plate) as again:
        field = again.field("field_0000")
        assert len(field.ids()) == count
        assert field.cell(first).patch.area > area


def test_data_changed_without_an_event_is_kept(
    plate: Path, annotate: Annotate, settle: Settle
) -> None:
    """Polygons, scripts and the console change the layer too; leaving the field saves it."""
    a = annotate(plate).annotation
    number = a.committed.number(a.field.ids()[2])
    a.layers.committed.data[90:94, 2:9] = number
    id = a.field.ids()[2]
    a.step(1)
    settle(a)
    assert a.field.name == "field_0001"
    assert a.session.field("field_0000").cell(id).patch.frame()[91, 5]


def test_overlapping_cells_are_both_shown_and_picked_in_turn(
    plate: Path, annotate: Annotate
) -> None:
    a = annotate(plate).annotation
    big, small = np.zeros((96, 96), bool), np.zeros((96, 96), bool)
    big[60:80, 60:80], small[65:70, 65:70] = True, True
    low = a.edit(a.field.commit, small)
    high = a.edit(a.field.commit, big)
    layer = a.layers.committed
    assert layer.data[67, 67] == a.committed.number(low), "the smaller one is not hidden"
    a.pick(67, 67)
    assert a.committed.selected == (low,)
    a.pick(67, 67)
    assert a.committed.selected == (high,)
    assert layer.data[67, 67] == a.committed.number(high), "what is selected comes to the top"
    a.pick(67, 67)
    assert a.committed.selected == (low,)
    starts = np.asarray(a.layers.outlines.data)[:, 0]
    for corner in ((59.5, 59.5), (64.5, 64.5)):
        assert (np.abs(starts - corner).sum(axis=1) < 1e-6).any(), "both outlines are there"
    a.pick(67, 67)
    stroke(layer, 0, [(67, 67)], size=3)
    assert not a.field.cell(high).patch.frame()[67, 67]
    assert a.field.cell(low).patch.frame()[67, 67], "only the selected one is erased"


def test_drafts_stay_with_their_field_and_plane(
    plate: Path, annotate: Annotate, settle: Settle
) -> None:
    a = annotate(plate).annotation
    a.open(a.field.name, replace(a.look, plane=1))
    settle(a)
    draw_box(a, a.field.cells().boxes[0])
    a.prompting.segment()
    a.step(1)  # while the segmenter works
    settle(a)
    assert a.field.name == "field_0001"
    assert not a.current.draft.cells
    assert not np.asarray(a.layers.current.data).any()
    a.step(-1)
    settle(a)
    assert a.look.plane == 1
    assert list(a.current.draft.cells) == [1], "what came meanwhile went to its own field"
    assert len(a.layers.boxes.data) == 1
    a.step_plane(1)
    settle(a)
    assert not a.current.draft.cells
    a.step_plane(-1)
    settle(a)
    (id,) = a.prompting.commit()
    assert a.field.cell(id).planes == (1,)


def test_a_field_that_was_passed_by_is_not_shown(
    plate: Path, annotate: Annotate, settle: Settle
) -> None:
    a = annotate(plate).annotation
    shown = []
    a.changed.connect(lambda: shown.append(a.field.name))
    a.step(1)
    a.step(1)
    assert a.prompting.commit() == (), "nothing is committed between two fields"
    settle(a)
    assert a.field.name == "field_0002"
    assert "field_0001" not in shown


def test_route_says_for_which_planes_a_commit_is(
    plate: Path, annotate: Annotate, settle: Settle
) -> None:
    widget = annotate(plate)
    a = widget.annotation
    a.open(a.field.name, replace(a.look, plane=2))
    settle(a)
    assert widget.views.target.text() == "plane 3"
    widget.views._route("median")
    assert a.field.route == "median"
    assert a.planes() is None
    widget.views._route("z-aware")
    a.committed.begin()
    stroke(a.layers.committed, a.layers.committed.selected_label, [(4, 4)])
    id = a.committed.selected[0]
    assert a.field.cell(id).planes == (2,)
    a.step_plane(-1)
    settle(a)
    assert id not in a.field.ids(a.look.plane)
    a.pick(4, 4)
    assert a.committed.selected == (id,), "cells of other planes are outlined and can be picked"
    press(a, KeyCode.KeyK)
    assert a.field.cell(id).planes == (1, 2)


def test_alive_and_dead(plate: Path, annotate: Annotate) -> None:
    a = annotate(plate).annotation
    id = a.field.ids()[0]
    a.committed.select((id,))
    press(a, KeyCode.KeyA)
    assert a.field.cell(id).tags["alive"] is False
    colours = np.asarray(a.layers.outlines.edge_color)
    a.committed.select(())
    dead = np.asarray(a.layers.outlines.edge_color)
    assert not np.array_equal(colours, dead)
    magenta = np.array([255, 64, 200, 255]) / 255
    assert (np.abs(dead - magenta).sum(axis=1) < 1e-3).any()
    press(a, KeyCode.KeyA)
    a.committed.begin()
    stroke(a.layers.current, 1, [(5, 5)])
    (new,) = a.prompting.commit()
    assert a.field.cell(new).tags["alive"] is False
    assert a.field.cell(new).tags["alive_by"] == "hand"


def test_classes_of_the_next_and_of_selected_cells(plate: Path, annotate: Annotate) -> None:
    widget = annotate(plate, classes=("root hair", "cell"))
    a, menu = widget.annotation, widget.prompts.classes
    assert [menu.itemText(i) for i in range(menu.count())] == ["cell", "root hair"]
    assert menu.currentText() == a.session.default_class == "root hair"
    a.editing.set_class("cell")
    stroke(a.layers.current, 1, [(5, 5)])
    (id,) = a.prompting.commit()
    assert a.field.cell(id).class_name == "cell"
    a.committed.begin()
    stroke(a.layers.committed, a.layers.committed.selected_label, [(90, 5)])
    assert a.field.cell(a.committed.selected[0]).class_name == "cell"
    a.committed.select((id,))
    assert menu.currentText() == "cell"
    a.editing.set_class("root hair")
    assert a.field.cell(id).class_name == "root hair"
    assert menu.currentText() == "root hair"


def test_alive_by_contrast_keeps_what_a_hand_said(
    plate: Path, annotate: Annotate, settle: Settle, notes: list[str]
) -> None:
    a = annotate(plate).annotation
    mask = np.zeros((96, 96), bool)
    free = ~np.logical_or.reduce([a.field.cell(i).patch.frame() for i in a.field.ids()])
    mask[2:12, 2:12] = free[2:12, 2:12]
    nothing = a.edit(a.field.commit, mask)
    by_hand, *others = a.field.ids()[:-1]
    a.committed.select((by_hand,))
    a.editing.set_alive(False)
    before = a.field.can_undo
    a.judging.judge()
    settle(a)
    assert a.field.can_undo == before + 1, "one step"
    assert a.field.cell(nothing).tags["alive"] is False
    assert a.field.cell(by_hand).tags["alive"] is False
    assert all(a.field.cell(id).tags["alive"] is True for id in others)
    assert isinstance(a.field.cell(others[0]).tags["contrast"], float)
    assert any("2 dead" in note for note in notes)


class Found:
    """Finds two squares."""

    def segment(self, image: Image) -> Instances:
        boxes = np.array([[2, 2, 12, 12], [80, 2, 92, 12]])
        sides = [(r1 - r0, c1 - c0) for r0, c0, r1, c1 in boxes.tolist()]
        return Instances(image.shape, boxes, tuple(np.ones(s, bool) for s in sides),
                         scores=[0.9, 0.4])  # fmt: skip


def test_automatic_masks_by_clicks(plate: Path, annotate: Annotate, settle: Settle) -> None:
    from cellwright.plugin.mouse import decide

    widget = annotate(plate)
    a = widget.annotation
    before = len(a.field.ids())
    a.automatic.find(Found, "squares")
    settle(a)
    assert len(a.automatic) == 2
    assert not a.layers.automatic.editable
    widget.automatic.least.setValue(50)
    assert len(a.automatic) == 1
    widget.automatic.least.setValue(0)
    decide(a, 5, 5, reject=False)
    assert len(a.field.ids()) == before + 1
    decide(a, 50, 50, reject=False)  # no mask there
    decide(a, 85, 5, reject=True)
    assert len(a.automatic) == 0
    assert len(a.field.ids()) == before + 1
    a.editing.undo()
    assert len(a.automatic) == 1
    a.automatic.accept_all()
    assert len(a.field.ids()) == before + 2


def test_automatic_masks_of_a_field_that_was_left(
    plate: Path, annotate: Annotate, settle: Settle
) -> None:
    a = annotate(plate).annotation
    a.automatic.find(Found, "squares")
    a.step(1)
    settle(a)
    assert len(a.automatic) == 0
    a.step(-1)
    settle(a)
    assert len(a.automatic) == 2


def test_a_model_gets_the_planes_that_it_was_trained_on(
    plate: Path, annotate: Annotate, settle: Settle, notes: list[str]
) -> None:
    seen = []

    class Trained:
        def __init__(self, planes: int) -> None:
            self.planes = planes

        def check(self, image: Image) -> None:
            if image.planes != self.planes:
                raise InputError(f"{image.planes} planes came, {self.planes} are wanted")

        def segment(self, image: Image) -> Instances:
            self.check(image)
            seen.append(image.axes)
            return Instances.empty(image.shape)

    a = annotate(plate).annotation
    for planes, channel in ((6, None), (2, None), (1, 1), (5, None)):
        a.open(a.field.name, replace(a.look, channel=channel))
        settle(a)
        a.automatic.find(lambda planes=planes: Trained(planes), "model", whole=True)
        settle(a)
    assert seen == ["ZCYX", "CYX", "YX"]
    assert any("5 are wanted" in note for note in notes)


def test_segmenting_again_can_be_taken_back(
    plate: Path, annotate: Annotate, settle: Settle
) -> None:
    a = annotate(plate).annotation
    draw_box(a, a.field.cells().boxes[0])
    a.prompting.segment()
    settle(a)
    a.layers.select(a.layers.current)
    stroke(a.layers.current, 1, [(3, 3)])
    a.prompting.segment()
    settle(a)
    assert a.layers.current.data[3, 3] == 0
    press(a, KeyMod.CtrlCmd | KeyCode.KeyZ)
    assert a.layers.current.data[3, 3] == 1


def test_nothing_found_says_so(
    plate: Path, annotate: Annotate, settle: Settle, notes: list[str]
) -> None:
    class Nothing:
        def segment(self, image: Image) -> Instances:
            return Instances.empty(image.shape)

    a = annotate(plate).annotation
    a.automatic.find(Nothing, "nothing")
    settle(a)
    assert any("no cell" in note and "threshold" in note for note in notes)


def test_errors_of_threads_are_told_and_work_goes_on(
    plate: Path, annotate: Annotate, settle: Settle, notes: list[str]
) -> None:
    class Broken:
        def segment(self, image: Image) -> Instances:
            raise InputError("this image is too strange")

    widget = annotate(plate)
    a = widget.annotation
    a.automatic.find(Broken, "broken")
    assert not widget.automatic.start.isEnabled()
    settle(a)
    assert widget.automatic.start.isEnabled()
    assert "this image is too strange" in notes
    a.prompting.segment()
    assert any("no prompt is there" in note for note in notes)
    widget.prompts._choose("no such segmenter")
    settle(a)
    assert any("no such segmenter" in note for note in notes)
    assert a.session.model == "region"


def test_the_window_lives_while_long_work_runs(
    plate: Path, annotate: Annotate, settle: Settle
) -> None:
    import time

    from qtpy.QtCore import QTimer

    class Slow:
        def segment(self, image: Image) -> Instances:
            time.sleep(0.5)
            return Instances.empty(image.shape)

    a = annotate(plate).annotation
    gaps, last = [], [time.perf_counter()]

    def tick() -> None:
        now = time.perf_counter()
        gaps.append(now - last[0])
        last[0] = now

    timer = QTimer()
    timer.timeout.connect(tick)
    timer.start(5)
    a.automatic.find(Slow, "slow")
    stroke(a.layers.current, 1, [(5, 5)])
    assert len(a.prompting.commit()) == 1, "what does not need the thread goes on"
    assert a.work.busy
    settle(a)
    timer.stop()
    assert len(gaps) > 20
    assert max(gaps) < 0.4


def test_a_full_disk_commits_nothing_and_loses_nothing(
    plate: Path, annotate: Annotate, notes: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    a = annotate(plate).annotation
    stroke(a.layers.current, 1, [(5, 5)])
    before = a.field.ids()

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(a.session.journal, "_write", full)
        assert a.prompting.commit() == ()
    assert any("No space left" in note for note in notes)
    assert a.field.ids() == before
    assert np.asarray(a.layers.current.data)[5, 5] == 1, "it is still there to be committed"
    assert len(a.prompting.commit()) == 1


def test_policy_keeps_what_it_refuses(plate: Path, annotate: Annotate, notes: list[str]) -> None:
    widget = annotate(plate)
    a = widget.annotation
    widget.fields._choose("keep-pixels")
    first = a.field.cell(a.field.ids()[0]).patch
    draft = a.current.draft
    draft.cells = {1: first, 2: Patch.of_crop(first.shape, (1, 1, 4, 4), np.ones((3, 3), bool))}
    a.current.draw()
    ids = a.prompting.commit()
    assert len(ids) == 1
    assert list(a.current.draft.cells) == [1], "the refused one stays"
    assert any("belong to" in note for note in notes)


def test_others_commits_show(plate: Path, annotate: Annotate) -> None:
    widget = annotate(plate)
    a = widget.annotation
    mask = np.zeros((96, 96), bool)
    mask[1:5, 90:95] = True
    with LabelSession.open(plate, author="bob") as other:
        id = other.field(a.field.name).commit(mask)
        widget._beat()
        assert "bob" in widget.fields.people.text()
    assert id in a.field.ids()
    assert np.asarray(a.layers.committed.data)[2, 92] == a.committed.number(id)


def test_split_and_merge(plate: Path, annotate: Annotate) -> None:
    a = annotate(plate).annotation
    mask = np.zeros((96, 96), bool)
    mask[2:8, 60:90] = True
    id = a.edit(a.field.commit, mask)
    a.committed.select((id,))
    a.layers.set_points(np.array([[5.0, 64.0], [5.0, 86.0]]), np.array([True, True]))
    count = len(a.field.ids())
    a.editing.split()
    assert len(a.field.ids()) == count + 1
    a.committed.select(())
    a.committed.pick(5, 62)
    a.committed.pick(5, 88, more=True)
    assert len(a.committed.selected) == 2
    a.editing.merge()
    assert len(a.field.ids()) == count
    assert a.field.cell(a.committed.selected[0]).patch.area == 180


def test_looks_and_channels(plate: Path, annotate: Annotate, settle: Settle) -> None:
    widget = annotate(plate)
    a = widget.annotation
    assert a.layers.image.rgb, "fluorescence over bright field to begin with"
    assert a.viewer.layers[0] is a.layers.image
    widget.views._look(style="as it is", channel=1)
    settle(a)
    assert not a.layers.image.rgb
    np.testing.assert_array_equal(
        a.layers.image.data, np.median(a.field.image.data[:, 1], axis=0).astype(np.uint16)
    )
    widget.views._look(style="equalised (CLAHE)")
    settle(a)
    assert a.layers.image.data.max() <= 1
    widget.views.plane.setValue(2)
    settle(a)
    assert a.look.plane == 2
    assert widget.views.where.text() == "3 / 3"
    widget.views._project("max")
    settle(a)
    assert (a.look.plane, a.look.projection) == (None, "max")
    press(a, KeyCode.KeyT)  # the new image layer has the keys too
    a.layers.select(a.layers.image)
    press(a, KeyCode.KeyC)


def test_a_data_set_without_labels(tmp_path: Path, annotate: Annotate, settle: Settle) -> None:
    from cellwright.formats.files import write_image
    from cellwright.steps.import_images import import_images
    from cellwright.synth import simulate_field

    sample = simulate_field(1, 0, shape=(96, 96), cells=4)
    (tmp_path / "raw").mkdir()
    write_image(sample.image, tmp_path / "raw" / "one.tif")
    import_images([tmp_path / "raw"], tmp_path / "data", quiet=True)
    a = annotate(tmp_path / "data").annotation
    assert len(a.field.ids()) == 0
    draw_box(a, sample.instances.boxes[0])
    a.prompting.segment()
    settle(a)
    (id,) = a.prompting.commit()
    assert iou(masks(a, id), sample.instances[[0]]).max() > 0.6


def test_reopening_in_one_viewer_closes_the_former_session(
    plate: Path, annotate: Annotate, settle: Settle
) -> None:
    widget = annotate(plate)
    first = widget.annotation
    stroke(first.layers.current, 1, [(5, 5)])
    (id,) = first.prompting.commit()
    second = widget.open(LabelSession.open(plate, author="ada", segmenter="region"))
    settle(second)
    assert first.closed
    assert id in second.field.ids()
    assert len(second.viewer.layers) == 7


def test_marks_on_large_images_are_thick_enough_to_be_seen(plate: Path, annotate: Annotate) -> None:
    layers = annotate(plate).annotation.layers
    widths = layers.outlines.edge_width, layers.boxes.current_edge_width, layers.points.current_size
    assert widths == (0.7, 1.5, 9)
    layers.show_image(np.zeros((1024, 2048), np.uint8), keep_contrast=True)
    assert layers.outlines.edge_width == pytest.approx(4 * 0.7)
    assert layers.boxes.current_edge_width == 6
    assert layers.points.current_size == 36
