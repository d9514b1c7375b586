"""Can each method learn at all? Two simulated fields, trained on and scored on.

    python benchmarks/overfit.py WORK [--methods a,b]

Fields of 256 x 256 with at least 20 cells whose areas differ at least fourfold: cells that do
not touch for the methods of maps, at least 20 % of the cells overlapping for those that draw
each cell by itself. A method is trained on both (no other images, thresholds tuned on them
too), then AP50 of its masks on the same two is recorded. Wanted: 0.95. What is in WORK is not
done again, so that it can be run in pieces; sizes and budgets stand in `PLANS`.
"""

from __future__ import annotations

import argparse
import json
import time
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from scipy import ndimage

from cellwright import open_dataset, predict, train
from cellwright.evaluate import AveragePrecision
from cellwright.evaluate.pixel import foreground
from cellwright.formats import read_coco, write_dataset
from cellwright.synth import simulate_field
from cellwright.types import Sample

WIDTHS = [16, 32, 64, 128]
#: Mask R-CNN that trains in minutes on one core: 12 million parameters instead of 44
COMPACT_RCNN = {
    "backbone": "resnet18", "channels": 64, "hidden": 256, "proposals": 500, "box_samples": 128,
    "detections": 200,
}  # fmt: skip


@dataclass(frozen=True)
class Plan:
    """How a method is trained here."""

    minutes: float
    overlapping: bool = False
    options: dict[str, Any] = field(default_factory=lambda: {"widths": WIDTHS})
    training: dict[str, Any] = field(default_factory=dict)


PLANS: dict[str, Plan] = {
    "unet-distance": Plan(1.5),
    "unet-bce": Plan(1.5),
    "unet-mse": Plan(1.5),
    "unet-deep": Plan(1.5, options={"widths": [16, 32, 64, 128, 128]}),
    "unet-deep-2": Plan(1.5, options={"widths": [16, 32, 64, 128, 128, 256]}),
    "unet-deep-ensemble": Plan(
        2, options={"widths": WIDTHS, "tag": "half", "members": {"a": 1, "b": 0}}
    ),
    "seunet-distance": Plan(1.5),
    "seunet-1head": Plan(1.5),
    "seunet-4channel": Plan(1.5),
    "seunet-2head": Plan(2),
    "seunet-3head": Plan(2),
    "seunet-4head": Plan(2),
    "seunet-overlap": Plan(2.5, overlapping=True),
    "sparse-seunet": Plan(4, overlapping=True, options={}),
    "sparse-seunet-multilevel": Plan(4, overlapping=True, options={}),
    "sparse-seunet-overlap": Plan(4, overlapping=True, options={}),
    "sparse-seunet-objectness": Plan(4, overlapping=True, options={}),
    "iaunet": Plan(4, overlapping=True, options={}),
    "maskrcnn": Plan(
        2,
        overlapping=True,
        options=COMPACT_RCNN,
        training={
            "optimizer": "adamw",
            "learning_rate": 1e-3,
            "schedule": "one-cycle",
            "batch_size": 2,
        },
    ),
    "centermask-v19-slim-dw": Plan(3, overlapping=True, options={"levels": [2, 6]}),
    "yolov8-seg": Plan(4, overlapping=True, options={}),
    "yolov5-seg": Plan(4, overlapping=True, options={}),
}


def fields(*, overlapping: bool, nuclei: bool = False) -> list[Sample]:
    """The first two fields of what is wanted: the seeds are searched from 0 on."""
    found: list[Sample] = []
    for seed in range(5000):
        sample = drawn(seed, overlapping=overlapping)
        if _wanted(sample, overlapping):
            if nuclei:
                sample = drawn(seed, overlapping=overlapping, nuclei=True)
            image = replace(sample.image, tags={**sample.image.tags, "half": "ab"[len(found)]})
            found.append(Sample(f"field{len(found)}", image, sample.instances))
        if len(found) == 2:
            return found
    raise RuntimeError("no such fields among 5,000")


def drawn(seed: int, *, overlapping: bool, nuclei: bool = False) -> Sample:
    """One field that may be what is wanted."""
    cells, overlap, diameter = (26, 0.4, 13) if overlapping else (22, 0.0, 9)
    return simulate_field(
        seed=seed, shape=(256, 256), cells=cells, overlap=overlap, diameter=diameter,
        spread=0.3, touching=0.35 if overlapping else 0.0, nuclei=nuclei,
    )  # fmt: skip


def _wanted(sample: Sample, overlapping: bool) -> bool:
    cells = sample.instances
    assert cells is not None
    whole = (cells.boxes[:, :2] > 0).all(axis=1) & (cells.boxes[:, 2:] < 256).all(axis=1)
    areas = cells.areas[whole]
    if len(cells) < 20 or areas.max() < 4 * areas.min():
        return False
    if overlapping:
        shared = np.array([float(t["shared"]) for t in cells.tags])
        return float((shared > 0).mean()) >= 0.2
    return ndimage.label(foreground(cells), np.ones((3, 3)))[1] == len(cells)


def run(name: str, plan: Plan, work: Path) -> dict[str, Any]:
    """Train and score one method, or read what it scored before."""
    record = work / f"{name}.json"
    if record.is_file():
        return json.loads(record.read_text())
    nuclei = name in ("seunet-4channel", "seunet-2head", "seunet-4head")
    data = work / ("overlapping" if plan.overlapping else "nuclei" if nuclei else "apart")
    if not (data / "annotations.json").exists():
        write_dataset(fields(overlapping=plan.overlapping, nuclei=nuclei), data)
    arguments = {"crop": (256, 256), "scale": (0.95, 1.05), "val_fraction": 0} | plan.training
    started = time.perf_counter()
    made = train(
        data, work / f"model-{name}", method=name, options=plan.options, minutes=plan.minutes,
        resume=True, quiet=True, **arguments,
    )  # fmt: skip
    spent = time.perf_counter() - started
    predict(data, work / f"model-{name}", work / f"out-{name}", formats=("coco",), quiet=True)
    figures = score(data, work / f"out-{name}") | {
        "method": name, "minutes": plan.minutes, "seconds": round(spent),
        "steps": made.details["steps"], "options": plan.options, "training": plan.training,
        "thresholds": made.details["thresholds"],
        "parameters": json.loads((work / f"model-{name}/model.json").read_text())["parameters"],
    }  # fmt: skip
    record.write_text(json.dumps(figures, indent=1))
    return figures


def score(data: Path, out: Path) -> dict[str, float]:
    """AP50 and AP of the masks of class "cell"."""
    truth, found = open_dataset(data).of_classes(["cell"]), read_coco(out / "predictions.json")
    found = found.of_classes(["cell"])
    precision = AveragePrecision(max_detections=2000)
    place = {n: i for i, n in enumerate(found.names)}
    for i, name in enumerate(truth.names):
        precision.add(truth.instances(i), found.instances(place[name]))
    segm = precision.figures()["segm"]
    return {"AP50": segm["AP50"], "AP": segm["AP"]}


def main() -> None:
    """Run what is asked for and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("work", type=Path)
    parser.add_argument("--methods", default=",".join(PLANS))
    options = parser.parse_args()
    options.work.mkdir(parents=True, exist_ok=True)
    print("| method | parameters | minutes | steps | AP50 | AP |\n|" + " --- |" * 6)
    for name in options.methods.split(","):
        got = run(name, PLANS[name], options.work)
        print(
            f"| {name} | {got['parameters']:,} | {got['minutes']} | {got['steps']} "
            f"| {got['AP50']:.3f} | {got['AP']:.3f} |",
            flush=True,
        )


if __name__ == "__main__":
    main()
