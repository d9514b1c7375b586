"""What the benchmarks share: running commands of this package, and a line of a score table."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

#: folder of the real images, unless a script is told another one
DATA = Path(os.environ.get("CELLWRIGHT_DATA", Path(__file__).parents[2] / "shared" / "data"))
IOUS = ("0.50", "0.60", "0.70", "0.80", "0.90")


def cellwright(*words: object) -> None:
    """Run one command of this package, quietly; fails if it fails."""
    subprocess.run([sys.executable, "-m", "cellwright", *map(str, words), "-q"], check=True)


def score_head() -> str:
    """Head of a table of `score_row` lines."""
    names = ["method", *IOUS, "mean", "Dice"]
    return f"| {' | '.join(names)} |\n|{' --- |' * len(names)}"


def score_row(name: str, truth: Path, found: Path, scores: Path) -> str:
    """Evaluate `found` into `scores`; a line of TP/(TP+FP+FN) by IoU, their mean, and Dice."""
    cellwright("evaluate", truth, found, "-o", scores)
    record = json.loads(scores.read_text(encoding="utf-8"))
    figures = [record["matching"][i]["accuracy"] for i in IOUS]
    figures += [record["matching"]["mean"]["accuracy"], record["pixel"]["f1"]]
    return f"| {name} | " + " | ".join(f"{f:.3f}" for f in figures) + " |"
