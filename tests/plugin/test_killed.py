"""A window that is killed loses nothing that it showed as committed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from cellwright.label.session import LabelSession

SCRIPT = """
import sys
import numpy as np
from napari.components import ViewerModel
from qtpy.QtWidgets import QApplication

from cellwright.label.session import LabelSession
from cellwright.plugin.annotator_widget import AnnotatorWidget

application = QApplication([])
widget = AnnotatorWidget(ViewerModel())
a = widget.open(LabelSession.open(sys.argv[1], author="ada", segmenter="region"))
while a.work.busy:
    application.processEvents()
layer = a.layers.committed
while True:
    for row in range(4, 92, 4):
        a.layers.boxes.add_rectangles([[row, 10], [row + 6, 20]])
        a.prompting.segment()
        while a.work.busy:
            application.processEvents()
        shown = a.prompting.commit()
        assert all((np.asarray(layer.data) == a.committed.number(id)).any() for id in shown)
        for id in shown:
            print("shown", id, flush=True)
        a.committed.select(shown)
        layer.brush_size = 3
        with layer.block_history():
            layer.paint((row, 40), layer.selected_label)
        for id in shown:
            print("painted", id, row, flush=True)
"""


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="there is no SIGKILL on this system")
@pytest.mark.parametrize("lines", [1, 12])
def test_killed_window_loses_nothing(plate: Path, lines: int) -> None:
    environment = {**os.environ, "QT_QPA_PLATFORM": "offscreen", "OMP_NUM_THREADS": "1"}
    process = subprocess.Popen(
        [sys.executable, "-c", SCRIPT, str(plate)], stdout=subprocess.PIPE,
        stderr=subprocess.PIPE, text=True, env=environment,
    )  # fmt: skip
    assert process.stdout is not None
    assert process.stderr is not None
    told = []
    for line in process.stdout:
        told.append(line.split())
        if len(told) == lines:
            process.kill()
    errors = process.stderr.read()
    process.wait()
    process.stdout.close()
    process.stderr.close()
    assert process.returncode == -signal.SIGKILL, errors
    assert len(told) >= lines
    with LabelSession.open(plate) as session:
        assert session.others() == []
        field = session.field("field_0000")
        for what, id, *where in told:
            assert id in field.ids()
            if what == "painted":
                assert field.cell(id).patch.frame()[int(where[0]), 40]
