"""Review and predict widgets, the plugin's manifest, and what is (not) imported."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cellwright.formats.dataset import open_dataset
from cellwright.label.session import FieldProgress
from cellwright.types import Image, InputError, Instances

Annotate, Settle = Callable[..., Any], Callable[[Any], None]


class Squares:
    """A model that finds two squares which overlap."""

    def segment(self, image: Image) -> Instances:
        boxes = np.array([[2, 2, 12, 12], [8, 8, 20, 20]])
        return Instances(image.shape, boxes, (np.ones((10, 10), bool), np.ones((12, 12), bool)))


@pytest.fixture
def model(monkeypatch: pytest.MonkeyPatch) -> None:
    """A model folder called anything finds squares."""
    from cellwright.plugin import automatic_menu, predict_widget

    for module in (automatic_menu, predict_widget):
        monkeypatch.setattr(module, "model", lambda folder: Squares())


def test_review_lists_what_is_missing_and_jumps(
    plate: Path, annotate: Annotate, settle: Settle
) -> None:
    from cellwright.plugin.review_widget import COLUMNS, ReviewWidget

    widget = annotate(plate)
    a = widget.annotation
    review = ReviewWidget(widget.viewer)
    review.show()
    column = {name: i for i, name in enumerate(COLUMNS)}

    def text(row: int, name: str) -> str:
        return review.table.item(row, column[name]).text()

    assert review.table.rowCount() == 3
    assert text(0, "cells") == str(len(a.field.ids()))
    assert text(0, "missing") == "done mark, quality check, z-route"
    widget.fields._mark(True)
    review.mark("passed")
    widget.views._route("median")
    assert (text(0, "done"), text(0, "quality"), text(0, "missing")) == ("yes", "passed", "nothing")
    assert review.sum.text().startswith("1 of 3 fields done, 1 passed")
    review.jump_on()
    settle(a)
    assert a.field.name == "field_0001"
    review.jump(2)
    settle(a)
    assert a.field.name == "field_0002"
    review.jump_on()
    settle(a)
    assert a.field.name == "field_0001", "after the last comes the first unfinished one"
    a.layers.points.visible = False
    review.overlay.setChecked(True)
    visible = [layer.name for layer in widget.viewer.layers if layer.visible]
    assert visible == ["image", "cell_outlines"]
    review.overlay.setChecked(False)
    assert a.layers.committed.visible
    assert not a.layers.points.visible, "what was hidden before stays hidden"
    review.deleteLater()


def test_review_that_was_there_first_follows_the_annotator(
    plate: Path, application: Any, settle: Settle
) -> None:
    from napari.components import ViewerModel

    from cellwright.label.session import LabelSession
    from cellwright.plugin.annotator_widget import AnnotatorWidget
    from cellwright.plugin.review_widget import ReviewWidget

    viewer = ViewerModel()
    review, widget = ReviewWidget(viewer), AnnotatorWidget(viewer)
    assert "open a data set" in review.sum.text()
    settle(widget.open(LabelSession.open(plate)))
    assert review.table.rowCount() == 3
    review.show()
    widget.fields._mark(True)
    assert review.sum.text().startswith("1 of 3")
    widget.close_session()
    widget.deleteLater()
    review.deleteLater()


def test_review_writes_the_ground_truth(
    plate: Path, tmp_path: Path, annotate: Annotate, settle: Settle, notes: list[str]
) -> None:
    from cellwright.plugin.review_widget import ReviewWidget

    widget = annotate(plate)
    a = widget.annotation
    a.edit(a.field.edit.delete, a.field.ids()[0])
    review = ReviewWidget(widget.viewer)
    review.write()
    assert any("name a folder" in note for note in notes)
    review.output.setText(str(tmp_path / "truth"))
    review.write()
    assert not review.export.isEnabled()
    settle(a)
    truth = open_dataset(tmp_path / "truth")
    assert len(truth.instances(0)) == len(a.field.ids())
    assert any("truth" in note for note in notes)
    review.deleteLater()


def test_missing_says_what_a_field_wants() -> None:
    from cellwright.plugin.review_widget import missing

    new = FieldProgress("a", 0, False, "unchecked", "", ())
    assert missing(new, planes=1) == "cells, done mark, quality check"
    assert missing(FieldProgress("a", 2, True, "rework", "", ()), planes=3) == "rework, z-route"


def test_predict_on_a_layer_shows_labels_and_outlines(
    annotate: Annotate, settle: Settle, model: None, notes: list[str]
) -> None:
    from napari.components import ViewerModel

    from cellwright.plugin.predict_widget import PredictWidget, image_of

    viewer = ViewerModel()
    widget = PredictWidget(viewer)
    widget.run()
    assert any("model folder" in note for note in notes)
    widget.folder.setText("some/model")
    widget.run()
    assert any("open an image" in note for note in notes)
    viewer.add_image(np.random.default_rng(1).random((40, 50)), name="frame", scale=(2, 2))
    widget.run()
    assert not widget.start.isEnabled()
    settle(widget)
    labels, outlines = viewer.layers["frame model cells"], viewer.layers["frame model outlines"]
    assert np.unique(labels.data).tolist() == [0, 1, 2]
    assert labels.scale.tolist() == [2, 2]
    starts = np.asarray(outlines.data)[:, 0].tolist()
    assert [1.5, 1.5] in starts
    assert [7.5, 7.5] in starts, "the outline under the other cell is there too"
    assert image_of(np.zeros((4, 5, 3)), rgb=True).axes == "CYX"
    assert image_of(np.zeros((2, 4, 5))).axes == "CYX"
    with pytest.raises(InputError, match="shape"):
        image_of(np.zeros((1, 1, 1, 4, 5)))
    widget.deleteLater()


def test_predict_on_the_field_gives_candidates(
    plate: Path, annotate: Annotate, settle: Settle, model: None
) -> None:
    from cellwright.plugin.predict_widget import FIELD, PredictWidget

    annotator = annotate(plate)
    widget = PredictWidget(annotator.viewer)
    widget.folder.setText("some/model")
    assert widget.source.currentData() == FIELD
    assert widget.source.count() == 1, "the annotator's own layer is not offered"
    widget.run()
    settle(annotator.annotation)
    assert len(annotator.annotation.automatic) == 2
    widget.deleteLater()


def test_automatic_menu_asks_for_a_model_folder(
    plate: Path, annotate: Annotate, settle: Settle, model: None, notes: list[str]
) -> None:
    from cellwright.plugin import controls
    from cellwright.plugin.automatic_menu import MODEL

    widget = annotate(plate)
    menu = widget.automatic
    assert menu.folder.isHidden()
    controls.show(menu.method, MODEL)
    menu._show()
    assert not menu.folder.isHidden()
    menu.run()
    assert any("model folder" in note for note in notes)
    menu.model.setText("some/model")
    menu.run()
    settle(widget.annotation)
    assert len(widget.annotation.automatic) == 2
    assert widget.annotation.field.candidates.cells().tags[0]["source"] == "model model"


def test_the_opener_opens_and_tells_what_is_wrong(
    plate: Path, application: Any, settle: Settle, notes: list[str]
) -> None:
    from napari.components import ViewerModel

    from cellwright.plugin.annotator_widget import AnnotatorWidget

    widget = AnnotatorWidget(ViewerModel())
    widget.opener.path.setText(str(plate / "nowhere"))
    widget.opener.open()
    assert any("no data set" in note for note in notes)
    widget.opener.path.setText(str(plate))
    widget.opener.author.setText("eve")
    widget.opener.open()
    settle(widget.annotation)
    assert widget.annotation.session.author == "eve"
    assert widget.prompts.segmenter.currentText() == "region"
    widget.close_session()
    widget.deleteLater()


def test_manifest_is_packaged_and_names_widgets_that_exist() -> None:
    from importlib import import_module
    from importlib.resources import files

    from npe2 import PluginManifest

    path = files("cellwright.plugin") / "napari.yaml"
    manifest = PluginManifest.from_file(str(path))
    commands = {c.id: c.python_name for c in manifest.contributions.commands}
    assert {w.command for w in manifest.contributions.widgets} == set(commands)
    for name in commands.values():
        module, _, thing = str(name).partition(":")
        assert isinstance(getattr(import_module(module), thing), type)


def test_nothing_but_the_plugin_loads_qt() -> None:
    code = (
        "import sys, cellwright, cellwright.cli.app, cellwright.label.session, cellwright.plugin\n"
        "print([m for m in sys.modules if m.split('.')[0] in "
        "('napari', 'qtpy', 'PyQt6', 'PySide6', 'psygnal')])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
