"""Widgets of the napari plugin without a window: Qt draws nowhere."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from cellwright.label.session import LabelSession
from cellwright.steps.simulate import simulate

CELLS = 5


def missing() -> str:
    """Why the widgets cannot be tested here; empty if they can."""
    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    if find_spec("napari") is None:
        return 'napari is not installed: pip install -e ".[napari]"'
    try:
        from qtpy.QtWidgets import QApplication  # noqa: F401
    except ImportError as error:
        reason = [line for line in str(error).splitlines() if line.strip()][-1]
        return f"Qt could not be loaded ({reason}): apt-get install libegl1 libgl1 libxkbcommon0"
    return ""


WHY = missing()
collect_ignore = (
    ["test_annotator.py", "test_closing.py", "test_killed.py", "test_widgets.py"] if WHY else []
)


@pytest.fixture(scope="session")
def application() -> Any:
    """Qt's application."""
    from qtpy.QtWidgets import QApplication

    return QApplication.instance() or QApplication([])


@pytest.fixture(scope="session")
def simulated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three small fields of three planes in bright field and fluorescence, with their cells."""
    path = tmp_path_factory.mktemp("simulated") / "plate"
    simulate(path, fields=3, shape=(96, 96), cells=CELLS, planes=3, modality="both", overlap=0.0,
             seed=5, quiet=True)  # fmt: skip
    return path


@pytest.fixture
def plate(simulated: Path, tmp_path: Path) -> Path:
    """A copy of the simulated data set that a test may label."""
    return Path(shutil.copytree(simulated, tmp_path / "plate"))


@pytest.fixture(scope="session")
def why_not() -> str:
    """Why the widgets cannot be tested here; empty if they can."""
    return WHY


@pytest.fixture
def notes(application: Any, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What the window would tell."""
    from napari.utils.notifications import notification_manager

    told: list[str] = []
    monkeypatch.setattr(notification_manager, "dispatch", lambda note: told.append(note.message))
    return told


@pytest.fixture
def settle(application: Any) -> Callable[[Any], None]:
    """Wait until the work of an annotation is done and shown."""

    def until_done(annotation: Any, seconds: float = 20) -> None:
        end = time.monotonic() + seconds
        application.processEvents()
        while annotation.work.busy:
            assert time.monotonic() < end, annotation.work.says()
            application.processEvents()
            time.sleep(0.002)
        application.processEvents()

    return until_done


@pytest.fixture
def annotate(
    application: Any, settle: Callable[[Any], None], notes: list[str]
) -> Iterator[Callable[..., Any]]:
    """Open a data set in the annotator's widget, over a viewer without a window."""
    from napari.components import ViewerModel

    from cellwright.plugin.annotator_widget import AnnotatorWidget

    made = []

    def open_plate(path: Path, **options: Any) -> Any:
        options = {"segmenter": "region", "author": "ada", **options}
        widget = AnnotatorWidget(ViewerModel())
        annotation = widget.open(LabelSession.open(path, **options))
        made.append(widget)
        settle(annotation)
        return widget

    yield open_plate
    for widget in made:
        widget.close_session()
        widget.deleteLater()
    application.processEvents()
