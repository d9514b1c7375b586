"""P4's ablations on simulated overlapping fields: what each part of it brings.

    python benchmarks/ablations.py WORK [--minutes 0.5] [--seeds 0,1,2] [--groups heads,maps]
        [--trials map-none,map-v4-map] [--crop 128]

Heads: one decoder for the cytoplasm against four decoupled ones (P4 Tables 5.1 and 5.2). Maps:
an overlap head without a map, and with map v4 under each of the paper's three weightings (Table
5.3). Levels: the box-free network with branches at the last level or at all (Table 5.10). Small
networks on small fields, so that half a minute of one core is some hundred steps; scores are
those of methods.py; a seed sets weights and crops, the images stay. Recorded trials are not run
again.
"""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path
from statistics import fmean, stdev
from typing import Any

from methods import fields
from trials import Trial, run

from cellwright.formats import write_dataset

WIDTHS = [8, 16, 32, 64]
FOLD = ("--val-fraction", "0.15")
ONLY_CELLS = ("--classes", "cell", *FOLD)
SPARSE = {"widths": WIDTHS, "queries": 30, "branch": 32}


def overlap(name: str, **options: Any) -> Trial:
    """A trial of the overlap head."""
    return Trial(name, "seunet-overlap", {"widths": WIDTHS, **options}, ONLY_CELLS)


GROUPS: dict[str, tuple[tuple[Trial, ...], tuple[str, ...]]] = {
    "heads": (
        (
            Trial("heads-1", "seunet-1head", {"widths": WIDTHS}, ONLY_CELLS),
            Trial("heads-4", "seunet-4head", {"widths": WIDTHS}, FOLD),
        ),
        ("pixel_f1", "AP50", "AP", "steps"),
    ),
    "maps": (
        (
            overlap("map-none", map="none", weighting="none"),
            overlap("map-v4-target", map="v4", weighting="target"),
            overlap("map-v4-complement", map="v4", weighting="complement"),
            overlap("map-v4-map", map="v4", weighting="map"),
            overlap("map-v4-relaxed", map="v4", weighting="relaxed"),
        ),
        ("overlap_f1", "covered_recall", "AP50", "steps"),
    ),
    "levels": (
        (
            Trial("single-level", "sparse-seunet", SPARSE, ONLY_CELLS),
            Trial("multi-level", "sparse-seunet-multilevel", SPARSE, ONLY_CELLS),
        ),
        ("AP", "AP50", "covered_recall", "steps"),
    ),
}


def spread(values: list[float]) -> str:
    """Mean and standard deviation over the seeds."""
    if len(values) < 2:
        return f"{values[0]:.3f}"
    return f"{fmean(values):.3f} ± {stdev(values):.3f}"


def main() -> None:
    """Run what is asked for and print the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("work", type=Path)
    parser.add_argument("--minutes", type=float, default=0.5)
    parser.add_argument("--seeds", default="0,1,2")
    parser.add_argument("--groups", default=",".join(GROUPS))
    parser.add_argument("--trials", default="", help="these only; all if not given")
    parser.add_argument("--crop", type=int, default=128, help="rows and columns trained on")
    options = parser.parse_args()
    train, test = options.work / "small/train", options.work / "small/test"
    for part, seed, count in ((train, 2, 40), (test, 1002, 24)):
        if not (part / "annotations.json").exists():
            write_dataset(fields(seed, count, 128, 10), part)
    seeds = [int(s) for s in options.seeds.split(",")]
    for group in options.groups.split(","):
        trials, columns = GROUPS[group]
        print(f"\n{group}\n\n| variant | " + " | ".join(columns) + " |")
        print("| --- |" + " --- |" * len(columns), flush=True)
        for trial in trials:
            if options.trials and trial.name not in options.trials.split(","):
                continue
            side = str(options.crop)
            trial = replace(trial, flags=(*trial.flags, "--crop", side, side))
            found = [
                run(
                    trial, train=train, test=test, work=options.work / "small-trials",
                    minutes=options.minutes, seed=seed,
                )
                for seed in seeds
            ]  # fmt: skip
            shown = [spread([float(f[c] or 0) for f in found]) for c in columns]
            print(f"| {trial.name} | " + " | ".join(shown) + " |", flush=True)


if __name__ == "__main__":
    main()
