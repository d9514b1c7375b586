"""Easy images first (`train --curriculum`) against all from the start, in equal steps.

    python benchmarks/curriculum.py WORK [--seeds 3]

Simulated fields of bright field from a few cells apart to many that overlap; scored on fields of
the same range. Prints Markdown. What is in WORK is not trained again.
"""

from __future__ import annotations

import argparse
import json
import statistics
from pathlib import Path

import cellwright
from cellwright.formats import write_dataset
from cellwright.synth import simulate_field
from cellwright.types import Sample

#: cells of a field of 128 x 128 pixels and share of them that overlap, from easy to hard
LEVELS = ((3, 0.0), (5, 0.2), (8, 0.4), (11, 0.6), (14, 0.8))
PLANS = {"all from the start": None, "0.2 until 0.5": (0.2, 0.5), "0.2 until 0.8": (0.2, 0.8)}
FIGURES = {
    "accuracy, mean of IoU": "mean",
    "accuracy at IoU 0.50": "0.50",
}


def fields(folder: Path, seed: int, each: int) -> Path:
    """A data set of `each` fields of every level."""
    if not folder.exists():
        write_dataset(
            (
                Sample(f"{cells}_{n}", s.image, s.instances)
                for cells, overlap in LEVELS
                for n in range(each)
                for s in [
                    simulate_field(
                        seed + cells, n, shape=(128, 128), cells=cells, overlap=overlap,
                        max_shared=0.3, modality="brightfield", diameter=9.0,
                    )
                ]
            ),
            folder,
        )  # fmt: skip
    return folder


def scored(work: Path, name: str, plan: tuple[float, float] | None, seed: int) -> dict[str, float]:
    """Train, predict and evaluate one model, or read what was found before."""
    here = work / f"{name.replace(' ', '-')}-{seed}"
    train, val, test = (
        fields(work / part, s, n)
        for part, s, n in (("train", 100, 8), ("val", 300, 1), ("test", 500, 5))
    )
    if not (here / "scores.json").is_file():
        cellwright.train(
            train, here / "model", val=val, method="unet-distance", widths=(8, 16, 32), epochs=8,
            crops_per_epoch=128, batch_size=4, crop=(64, 64), curriculum=plan, seed=seed,
            device="cpu", resume=True, quiet=True,
        )  # fmt: skip
        cellwright.predict(test, here / "model", here / "found", formats=("coco",), quiet=True)
        cellwright.evaluate(test, here / "found", here / "scores.json", resamples=0, quiet=True)
    found = json.loads((here / "scores.json").read_text(encoding="utf-8"))
    values = {n: found["matching"][key]["accuracy"] for n, key in FIGURES.items()}
    return values | {"pixel F1": found["pixel"]["f1"]}


def main() -> None:
    """Print a line for each plan."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("work", type=Path)
    parser.add_argument("--seeds", type=int, default=3)
    options = parser.parse_args()
    names = (*FIGURES, "pixel F1")
    print(
        f"| curriculum | seeds | {' | '.join(names)} |\n|{' --- |' * (len(names) + 2)}", flush=True
    )
    for name, plan in PLANS.items():
        runs = [scored(options.work, name, plan, seed) for seed in range(options.seeds)]
        cells = []
        for figure in names:
            values = [run[figure] for run in runs]
            spread = f" \u00b1 {statistics.stdev(values):.3f}" if len(values) > 1 else ""
            cells.append(f"{statistics.fmean(values):.3f}{spread}")
        print(f"| {name} | {len(runs)} | {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    main()
