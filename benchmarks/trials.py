"""What the comparisons share: train, predict and score one method in processes of their own.

A trial that was recorded is not run again, so that a comparison can be run in pieces. Every
command runs on one thread, and its clock is the processor time of that thread: other work on the
machine, which would make minutes unequal, does not count.
"""

from __future__ import annotations

import csv
import json
import os
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

#: bins of the share of a cell that others cover, from a tenth on
COVERED = ("0.1-0.25", "0.25-0.5", "0.5-1")


@dataclass(frozen=True)
class Trial:
    """A method with what it is told besides the data and the minutes."""

    name: str
    method: str
    options: Mapping[str, Any] = field(default_factory=dict)
    flags: Sequence[str] = ()


def command(*words: object) -> tuple[float, float]:
    """Run a command of this package on one thread; its processor seconds and peak memory in MiB."""
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    process = subprocess.Popen(
        [sys.executable, __file__, *map(str, words), "-q"],
        env=environment,
        stdout=subprocess.DEVNULL,
    )
    _, status, usage = os.wait4(process.pid, 0)
    if status:
        raise SystemExit(f"cellwright {' '.join(map(str, words))} failed")
    return usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024


def run(
    trial: Trial,
    *,
    train: Path,
    test: Path,
    work: Path,
    minutes: float,
    seed: int = 0,
    classes: Sequence[str] = ("cell",),
) -> dict[str, Any]:
    """Train on `train`, predict `test`, score it; or read what was recorded before.

    The two may be the same, to see whether a method learns at all.
    """
    place = work / f"{trial.name}-{seed}"
    record = place / "record.json"
    if record.is_file():
        return json.loads(record.read_text())
    options = [w for k, v in trial.options.items() for w in ("--option", f"{k}={json.dumps(v)}")]
    model, found = place / "model", place / "found"
    if not (model / "model.json").is_file():
        command(
            *("train", train, "-o", model, "--method", trial.method, "--minutes", minutes),
            *("--seed", seed, "--resume", *options, *trial.flags),
        )
    pixels = _pixels(test)
    _, idle = command("methods")
    spent, peak = command("predict", test, "-m", model, "-o", found, "--format", "coco")
    scores = place / "scores.json"
    command(
        *("evaluate", test, found, "-o", scores, "--preset", "livecell"),
        *(w for c in classes for w in ("--class", c)),
        *(("--on-training-images",) if test == train else ()),
    )
    card = json.loads((model / "model.json").read_text())
    figures = {
        "name": trial.name,
        "seed": seed,
        "minutes": minutes,
        "options": dict(trial.options),
        "parameters": card["parameters"],
        "steps": card["provenance"]["training"]["steps"],
        "seconds": card["provenance"]["training"]["seconds"],
        "thresholds": card["thresholds"],
        "seconds_per_megapixel": _seconds_per_megapixel(found, pixels),
        "peak_mib": round(peak),
        "start_mib": round(idle),
        "predict_seconds": round(spent, 1),
        "curve": _curve(model / "curves.csv"),
        **headline(json.loads(scores.read_text())),
    }
    record.write_text(json.dumps(figures, indent=1))
    return figures


def headline(scores: Mapping[str, Any]) -> dict[str, Any]:
    """The figures of the comparison."""
    segm, covered = scores["coco"]["segm"], scores["overlapped"]
    bins = [covered[b] for b in COVERED if b in covered and covered[b]["cells"]]
    cells = sum(b["cells"] for b in bins)
    return {
        **{k: segm[k] for k in ("AP", "AP50", "AP75", "APs", "APm", "APl")},
        "AFNR": scores["matching"]["mean"]["fnr"],
        "accuracy50": scores["matching"]["0.50"]["accuracy"],
        "mean_accuracy": scores["matching"]["mean"]["accuracy"],
        "pixel_f1": scores["pixel"]["f1"],
        "overlap_f1": scores["overlap"]["f1"],
        "covered_recall": sum(b["cells"] * b["recall50"] for b in bins) / cells if cells else None,
        "covered_cells": cells,
        "duplicates": scores["errors"]["duplicates"],
        "predicted": scores["predicted"],
        "truth": scores["truth"],
    }


def _pixels(dataset: Path) -> int:
    images = json.loads((dataset / "annotations.json").read_text())["images"]
    return sum(i["height"] * i["width"] for i in images)


def _seconds_per_megapixel(found: Path, pixels: int) -> float:
    """Of finding the cells, without imports, reading and writing."""
    record = json.loads((found / "predictions.json").read_text())
    seconds = sum(i.get("seconds", 0.0) for i in record["images"])
    return round(seconds / pixels * 1e6, 3)


def _curve(path: Path) -> list[tuple[float, float]]:
    """Seconds trained and accuracy at IoU 0.50 on the fold."""
    with path.open(newline="") as file:
        return [
            (float(row["seconds"]), float(row["fold_accuracy50"]))
            for row in csv.DictReader(file)
            if row.get("fold_accuracy50")
        ]


def main() -> None:
    """Run the command that was given, by the clock of its thread."""
    import torch

    torch.set_num_threads(1)
    time.monotonic = time.perf_counter = time.process_time
    from cellwright.cli import main as cellwright

    sys.argv[0] = "cellwright"
    cellwright()


if __name__ == "__main__":
    main()
