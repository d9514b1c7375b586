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
    """Some cells lost, the others moved by a pixel or two, with scores."""
    kept = cells[np.flatnonzero(rng.random(len(cells)) > 0.12)]
    shift = rng.integers(-2, 3, (len(kept), 2))
    room = np.array(kept.shape) - kept.boxes[:, 2:]
    shift = np.clip(shift, -kept.boxes[:, :2], room)
    boxes = kept.boxes + np.tile(shift, 2)
    scores = rng.uniform(0.4, 1.0, len(kept)).round(3)
    return Instances(kept.shape, boxes, kept.masks, scores=scores)


def simulated_report(folder: Path, *, fields: int = 14) -> Path:
    """The page of a simulated run; its tables lie in ``report_tables`` beside it."""
    with contextlib.chdir(folder):  # so that no path of this machine stands on the page
        _data_and_predictions(Path("data"), Path("run"), fields)
        evaluate("data", "run", "scores.json", by=["line"], quiet=True)
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
