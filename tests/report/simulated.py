"""A small simulated data set, spoilt predictions of it, their scores and the report of all."""

import contextlib
import json
from pathlib import Path

import numpy as np

from cellwright.formats.dataset import open_dataset, write_coco
from cellwright.steps.evaluate import evaluate
from cellwright.steps.report import report
from cellwright.steps.simulate import simulate
from cellwright.types import Instances


def spoilt(cells: Instances, rng: np.random.Generator) -> Instances:
    """Cells lost, moved by a pixel or two, joined, cut and invented, with scores."""
    kept = cells[np.flatnonzero(rng.random(len(cells)) > rng.uniform(0.02, 0.2))]
    shift = rng.integers(-1, 2, (len(kept), 2))
    room = np.array(kept.shape) - kept.boxes[:, 2:]
    shift = np.clip(shift, -kept.boxes[:, :2], room)
    boxes = (kept.boxes + np.tile(shift, 2)).tolist()
    placed = list(zip(boxes, kept.masks, strict=True))
    for _ in range(rng.integers(1, 4)):
        _join_closest(placed)
    _cut_largest(placed)
    row, col = rng.integers(0, np.array(kept.shape) - 9)
    placed.append(([row, col, row + 9, col + 9], _disc(9)))
    scores = rng.beta(6, 2, len(placed)).round(3)
    return Instances(kept.shape, [b for b, _ in placed], [m for _, m in placed], scores=scores)


def _join_closest(placed: list) -> None:
    """The two cells whose middles are closest become one."""
    middles = np.array([(b[0] + b[2], b[1] + b[3]) for b, _ in placed])
    far = np.hypot(*(middles[:, None] - middles).transpose(2, 0, 1)) + np.eye(len(placed)) * 1e9
    i, j = sorted(np.unravel_index(far.argmin(), far.shape))
    pair = [placed.pop(j), placed.pop(i)]
    corners = np.array([b for b, _ in pair])
    low, high = corners[:, :2].min(axis=0), corners[:, 2:].max(axis=0)
    mask = np.zeros(high - low, bool)
    for (row0, col0, row1, col1), part in pair:
        mask[row0 - low[0] : row1 - low[0], col0 - low[1] : col1 - low[1]] |= part
    placed.append(([*low.tolist(), *high.tolist()], mask))


def _cut_largest(placed: list) -> None:
    """The largest cell becomes an upper and a lower part."""
    (row0, col0, row1, col1), mask = placed.pop(int(np.argmax([m.sum() for _, m in placed])))
    cut = mask.shape[0] // 2
    placed.append(([row0, col0, row0 + cut, col1], mask[:cut]))
    placed.append(([row0 + cut, col0, row1, col1], mask[cut:]))


def _disc(size: int) -> np.ndarray:
    y, x = np.mgrid[-1 : 1 : size * 1j, -1 : 1 : size * 1j]
    return x**2 + y**2 <= 1


def simulated_report(folder: Path, *, fields: int = 14) -> Path:
    """The page of a simulated run; its tables lie in ``report_tables`` beside it."""
    with contextlib.chdir(folder):  # so that no path of this machine stands on the page
        _data_and_predictions(Path("data"), Path("run"), fields)
        evaluate("data", "run", "scores.json", by=["line", "z"], errors=True, quiet=True)
        _model(Path("model"))
        report(
            ["scores.json", "run", "model", "data"],
            "report.html",
            title="Simulated cells",
            tables="report_tables",
            quiet=True,
        )
    return folder / "report.html"


def _data_and_predictions(data: Path, run: Path, fields: int) -> None:
    simulate(
        data, fields=fields, shape=(130, 176), cells=26, diameter=10.0, overlap=0.2, quiet=True
    )
    record = json.loads((data / "annotations.json").read_text())
    for number, image in enumerate(record["images"]):
        image["tags"]["line"] = "round" if number % 3 else "spread"
        image["tags"]["z"] = 5 * (number % 4)
    (data / "annotations.json").write_text(json.dumps(record))
    truth = open_dataset(data)
    rng = np.random.default_rng(1)
    found = [(str(n), spoilt(truth.instances(i), rng)) for i, n in enumerate(truth.names)]
    run.mkdir()
    write_coco(found, run / "predictions.json", class_names=["cell"])
    images = [
        {"name": name, "path": str(truth.path(i)), "seconds": 0.2 + 0.013 * i}
        for i, (name, _) in enumerate(found)
    ]
    record = {"settings": {"tile_shape": [512, 512], "threshold": 0.45}, "images": images}
    (run / "run.json").write_text(json.dumps(record | {"model": "unet-small"}))


def _model(folder: Path) -> None:
    folder.mkdir()
    (folder / "model.json").write_text(json.dumps({"method": "unet", "arguments": {"depth": 4}}))
    lines = [
        f"{e},{2 ** (-e / 9):.4f},{0.1 + 2 ** (-e / 8):.4f},{1 - 2 ** (-e / 7):.4f}"
        for e in range(1, 31)
    ]
    head = "epoch,train_loss,val_loss,val_accuracy"
    (folder / "curves.csv").write_text("\n".join([head, *lines]) + "\n")
