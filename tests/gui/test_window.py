"""A real window on a real display: label with mouse and keys, kill, open again."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from cellwright.formats.dataset import open_dataset
from cellwright.steps.import_images import import_images
from cellwright.steps.simulate import simulate

HERE = Path(__file__).parent


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where screenshots go: $CELLWRIGHT_PICTURES, or a folder of the test."""
    named = os.environ.get("CELLWRIGHT_PICTURES")
    folder = Path(named) if named else tmp_path_factory.mktemp("pictures")
    folder.mkdir(parents=True, exist_ok=True)
    return folder


@pytest.fixture(scope="module")
def plate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, list[list[float]]]]:
    """A simulated plate imported from its raw planes, without cells; and where they are."""
    folder = tmp_path_factory.mktemp("plate")
    simulate(folder / "truth", fields=2, shape=(288, 288), cells=16, planes=5, modality="both",
             overlap=0.15, seed=11, raw=True, quiet=True)  # fmt: skip
    import_images(
        [folder / "truth" / "raw"], folder / "plate",
        pattern="day{day}t{t}c{channel}xy{position}z{z}", quiet=True,
    )  # fmt: skip
    truth, data = open_dataset(folder / "truth"), open_dataset(folder / "plate")
    boxes = {
        name: [b for b in truth.instances(i).boxes.tolist() if min(b) > 15 and max(b) < 275]
        for i, name in enumerate(data.names)
    }
    assert all(len(b) >= 5 for b in boxes.values())
    return folder / "plate", boxes


@pytest.fixture
def start() -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """Start a person's day in a process of its own; none outlives the test."""
    begun: list[subprocess.Popen[str]] = []

    def run(*arguments: object) -> subprocess.Popen[str]:
        begun.append(_start(*arguments))
        return begun[-1]

    yield run
    for process in begun:
        process.kill()
        process.wait()


def _start(*arguments: object) -> subprocess.Popen[str]:
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(HERE)}
    environment.pop("QT_QPA_PLATFORM", None)
    return subprocess.Popen(
        [sys.executable, str(HERE / "work_day.py"), *map(str, arguments)],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment,
    )  # fmt: skip


def test_labelled_killed_and_reopened(
    plate: tuple[Path, dict[str, list[list[float]]]],
    pictures: Path,
    tmp_path: Path,
    start: Callable[..., subprocess.Popen[str]],
) -> None:
    folder, boxes = plate
    (tmp_path / "boxes.json").write_text(json.dumps(boxes))
    began = time.time()
    process = start(folder, tmp_path / "boxes.json", pictures)
    assert process.stdout is not None
    assert process.stderr is not None
    told: list[dict[str, Any]] = []
    after = 0
    for line in process.stdout:
        if not line.startswith("{"):  # napari's own words
            continue
        told.append(json.loads(line))
        after += bool(after) or told[-1]["what"] == "ready"
        if after == 4:  # in the middle of its work
            process.send_signal(signal.SIGKILL)
    errors = process.stderr.read()
    process.wait()
    assert process.returncode == -signal.SIGKILL, f"{told[-1:]} {errors[-3000:]}"

    wanted: dict[str, dict[str, Any]] = {}
    for entry in told:
        if entry["what"] == "deleted":
            del wanted[entry["id"]]
        elif "rle" in entry:
            wanted[entry["id"]] = entry
    assert len(wanted) >= 8

    process = start(folder, tmp_path / "boxes.json", pictures, "--look")
    out, errors = process.communicate(timeout=300)
    assert process.returncode == 0, errors[-3000:]
    there = [json.loads(line) for line in out.splitlines() if line.startswith("{")]
    found = {e["id"]: e for e in there if e["what"] == "there"}
    for id, entry in wanted.items():
        assert found[id]["rle"] == entry["rle"], f"{id} of {entry['field']}"
        assert found[id]["box"] == entry["box"]
    gone = {e["id"] for e in told if e["what"] == "deleted"}
    assert not gone & set(found)
    assert len(found) - len(wanted) <= 1, "at most the commit that was not told yet"
    figures = [e for e in told if "commit" in e]
    report = {
        "until_open_s": told[0]["at"] - began, "of_this_window_s": told[0]["window"],
        "segment_s": sorted(e["segment"] for e in figures),
        "paint_s": [e["seconds"] for e in told if e["what"] == "painted"],
        "move_s": [[e["switch"], e["plane"]] for e in told if e["what"] == "moved"],
        "commit_s": sorted(e["commit"] for e in figures),
    }  # fmt: skip
    (pictures / "figures.json").write_text(json.dumps(report, indent=1))


MENU = """
import sys
import napari

viewer = napari.Viewer(show=True)
for name in ("Annotator", "Review", "Predict"):
    _, widget = viewer.window.add_plugin_dock_widget("cellwright", name)
    print(type(widget).__name__, flush=True)
viewer.close()
"""


def test_napari_finds_the_plugin_by_its_manifest() -> None:
    environment = {k: v for k, v in os.environ.items() if k != "QT_QPA_PLATFORM"}
    done = subprocess.run(
        [sys.executable, "-c", MENU], capture_output=True, text=True, env=environment, timeout=120
    )
    assert done.returncode == 0, done.stderr[-2000:]
    assert done.stdout.split() == ["AnnotatorWidget", "ReviewWidget", "PredictWidget"]


def test_the_command_opens_a_window_and_ends_when_it_is_closed(
    plate: tuple[Path, dict[str, list[list[float]]]],
) -> None:
    code = (
        "import sys\n"
        "from qtpy.QtCore import QTimer\n"
        "from qtpy.QtWidgets import QApplication\n"
        "import napari\n"
        "def close():\n"
        "    viewer = napari.current_viewer()\n"
        "    print(viewer.title, [l.name for l in viewer.layers], flush=True)\n"
        "    viewer.close()\n"
        "run = napari.run\n"
        "def soon(*a, **k):\n"
        "    QTimer.singleShot(1500, close)\n"
        "    run(*a, **k)\n"
        "napari.run = soon\n"
        "from cellwright.cli import main\n"
        "main(['annotate', sys.argv[1], '--author', 'ada'])\n"
    )
    environment = {k: v for k, v in os.environ.items() if k != "QT_QPA_PLATFORM"}
    done = subprocess.run(
        [sys.executable, "-c", code, str(plate[0])], capture_output=True, text=True,
        env=environment, timeout=120,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-2000:]
    assert "committed_objects" in done.stdout
    assert "Traceback" not in done.stderr
    assert not list((plate[0] / "journal").glob("*.open")), "the session said that it ended"
