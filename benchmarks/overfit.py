"""Can each method learn at all? Two simulated fields, trained on and scored on.

    python benchmarks/overfit.py WORK [--methods a,b]

Fields of 256 x 256 with at least 20 cells whose areas differ at least fourfold: cells that do
not touch for the methods of maps, at least 20 % of the cells overlapping for those that draw
each cell by itself. A method is trained on both (no other images, thresholds tuned on them
too), then AP50 of its masks on the same two is recorded. Wanted: 0.95. What is in WORK is not
done again, so that it can be run in pieces; sizes and budgets stand in `APART` and `OVERLAPPING`.
"""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path

import numpy as np
from scipy import ndimage
from trials import Trial, run

from cellwright.evaluate.pixel import foreground
from cellwright.formats import write_dataset
from cellwright.synth import simulate_field
from cellwright.types import Sample

WIDTHS = [16, 32, 64, 128]
#: Mask R-CNN that trains in minutes on one core: 12 million parameters instead of 44
COMPACT_RCNN = {
    "backbone": "resnet18", "channels": 64, "hidden": 256, "proposals": 500, "box_samples": 128,
    "detections": 200,
}  # fmt: skip

#: box-free networks that take a thousand steps in eleven minutes of a slow core
SMALL_SPARSE = {"widths": [8, 16, 32, 64, 64], "branch": 32, "queries": 40}

#: minutes of processor time and the trial, for methods of maps
APART: tuple[tuple[float, Trial], ...] = tuple(
    (minutes, Trial(name, name, {k: v for k, v in ({"widths": WIDTHS} | more).items() if v}))
    for name, minutes, more in (
        ("unet-distance", 0.7, {}),
        ("unet-bce", 0.7, {}),
        ("unet-mse", 0.7, {}),
        ("unet-deep", 0.7, {"widths": [*WIDTHS, 128]}),
        ("unet-deep-2", 0.7, {"widths": [*WIDTHS, 128, 256]}),
        ("unet-deep-ensemble", 1.2, {"tag": "half", "members": {"a": 1, "b": 0}}),
        ("seunet-distance", 1, {}),
        ("seunet-1head", 1, {}),
        ("seunet-4channel", 1, {}),
        ("seunet-2head", 1, {}),
        ("seunet-3head", 1.2, {}),
        ("seunet-4head", 1.2, {}),
        ("unet-fast", 1, {}),
        ("cellpose", 4, {"widths": [8, 16, 32, 64]}),
    )
)
#: and for those that know overlaps
OVERLAPPING: tuple[tuple[float, Trial], ...] = (
    (1.2, Trial("seunet-overlap", "seunet-overlap", {"widths": WIDTHS})),
    (4, Trial("sparse-seunet", "sparse-seunet")),
    (18, Trial("sparse-seunet-multilevel", "sparse-seunet-multilevel", SMALL_SPARSE)),
    (11, Trial("sparse-seunet-overlap", "sparse-seunet-overlap", SMALL_SPARSE)),
    (18, Trial("sparse-seunet-objectness", "sparse-seunet-objectness", SMALL_SPARSE)),
    (1.5, Trial("iaunet", "iaunet")),
    (
        9,
        Trial(
            "maskrcnn",
            "maskrcnn",
            COMPACT_RCNN,
            ("--optimizer", "adamw", "--learning-rate", "1e-3", "--schedule", "one-cycle"),
        ),
    ),
    (1.5, Trial("centermask-v19-slim-dw", "centermask-v19-slim-dw", {"levels": [2, 6]})),
    (4.5, Trial("yolov8-seg", "yolov8-seg")),
    (2.5, Trial("yolov5-seg", "yolov5-seg")),
)
NEED_NUCLEI = ("seunet-4channel", "seunet-2head", "seunet-4head")
FLAGS = ("--crop", "256", "256", "--scale", "0.95", "1.05", "--val-fraction", "0")


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


def data(work: Path, *, overlapping: bool, nuclei: bool) -> Path:
    """The two fields as a data set."""
    path = work / ("overlapping" if overlapping else "nuclei" if nuclei else "apart")
    if not (path / "annotations.json").exists():
        write_dataset(fields(overlapping=overlapping, nuclei=nuclei), path)
    return path


def main() -> None:
    """Run what is asked for and print the table."""
    every = [(m, t, False) for m, t in APART] + [(m, t, True) for m, t in OVERLAPPING]
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("work", type=Path)
    parser.add_argument("--methods", default=",".join(t.name for _, t, _ in every))
    options = parser.parse_args()
    wanted = options.methods.split(",")
    print("| method | cells | parameters | minutes | steps | AP50 | AP |\n|" + " --- |" * 7)
    for minutes, trial, overlapping in every:
        if trial.name not in wanted:
            continue
        part = data(options.work, overlapping=overlapping, nuclei=trial.name in NEED_NUCLEI)
        asked = Trial(trial.name, trial.method, trial.options, (*trial.flags, *FLAGS))
        got = run(asked, train=part, test=part, work=options.work, minutes=minutes)
        print(
            f"| {trial.name} | {'overlapping' if overlapping else 'apart'} "
            f"| {got['parameters']:,} | {minutes} | {got['steps']} "
            f"| {got['AP50']:.3f} | {got['AP']:.3f} |",
            flush=True,
        )


if __name__ == "__main__":
    main()
