"""usiigaci and bbbc010: imported by flags, labelled, trained, scored (spine, point 3).

    python benchmarks/real_sets.py [--data DATA] [--work DIR] [--minutes 8]

Phase-contrast cells of usiigaci (train set01 05 09 13 18, test set22 26 33) and worms of
BBBC010 (GFP and bright field; train wells A* and C*, test the others). The classical labels are
those of our only segmenter with its best settings on the train part. Scores on the test part,
once. What is in DIR is not done again.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

from commands import DATA, cellwright, score_head, score_row
from zero_shot import SETTINGS

from cellwright import label

CLASSICAL = {**SETTINGS, "bbbc010": {**SETTINGS["bbbc010"], "channel": "brightfield"}}


def imported(data: Path, work: Path) -> dict[str, dict[str, Path]]:
    """Train and test part of both sets, made by import."""
    usiigaci, worms = data / "usiigaci", data / "bbbc010"
    flags = {
        "usiigaci": (
            *("import", usiigaci, "--pattern", "set{set}/phase"),
            *("--masks", usiigaci, "--mask-pattern", "set{set}/labels"),
            *("--tag", "split=train:set=01,05,09,13,18", "--tag", "split=test"),
        ),
        "bbbc010": (
            *("import", worms / "images", "--pattern", "*_{well}_w{channel}_*"),
            *("--channels", "gfp,brightfield", "--class", "worm"),
            *("--masks", worms / "eachworm", "--mask-pattern", "{well}_{worm}_ground_truth"),
            *("--tag", "split=train:well=A*,C*", "--tag", "split=test"),
        ),
    }
    parts: dict[str, dict[str, Path]] = {}
    for name, words in flags.items():
        parts[name] = {}
        for split in ("train", "test"):
            target = work / name / split
            if not (target / "annotations.json").exists():
                cellwright(*words, "--where", f"split={split}", "-o", target)
            parts[name][split] = target
    return parts


def main() -> None:
    """Print a table per set."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=DATA)
    parser.add_argument("--work", type=Path)
    parser.add_argument("--minutes", type=float, default=8)
    options = parser.parse_args()
    work = options.work or Path(tempfile.mkdtemp(prefix="real-sets-"))
    for name, part in imported(options.data, work).items():
        folder = work / name
        print(f"\n{name}\n\n{score_head()}")
        label(part["test"], folder / "classical", options=CLASSICAL[name], quiet=True)
        classical = folder / "scores-classical.json"
        print(
            score_row("classical labels", part["test"], folder / "classical", classical), flush=True
        )
        model, out = folder / "model", folder / "out"
        budget = ("--minutes", options.minutes, "--batch-size", 4, "--resume")
        if not (model / "model.json").exists():
            cellwright("train", part["train"], "-o", model, *budget)
        cellwright("predict", part["test"], "-m", model, "-o", out, "--format", "coco,overlay")
        trained = folder / "scores-trained.json"
        print(score_row("unet-distance, trained", part["test"], out, trained), flush=True)


if __name__ == "__main__":
    main()
