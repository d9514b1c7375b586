"""Does `extend` help on real images? A few labelled ones alone, and with pasted ones beside them.

    python benchmarks/extended_real.py WORK [--data DATA] [--sets usiigaci,...] [--n 60]
        [--minutes 1.5] [--seeds 3]

For each real set, `unet-fast` learns for equal minutes (processor time of one thread) from the
few labelled images of `sim_to_real.py` (ten of dsb2018, 5 of usiigaci, 2 of bbbc009; a fifth of
them, one at least, is the fold), and from the same with `--n` images that `extend` makes of those
outside of the fold. Scored once on the test part. What is in WORK is not done again.
"""

from __future__ import annotations

import argparse
import statistics
from pathlib import Path

from commands import DATA, cellwright
from sim_to_real import SETS, Set, ten, tested
from trials import Trial, run

from cellwright.formats import write_dataset

#: how cells of a set are pasted; the light of DIC has a direction
WAYS: dict[str, tuple[str, ...]] = {
    "usiigaci": ("--how", "phase"),
    "bbbc009": ("--how", "grey", "--no-rotate"),
    "dsb2018": ("--how", "grey"),
}
FIGURES = ("accuracy50", "mean_accuracy", "pixel_f1")


def parts(one: Set, data: Path, work: Path, seed: int, n: int) -> dict[str, Path]:
    """The few images and the extended ones to learn from, and the test part."""
    here = work / one.name / f"seed-{seed}"
    few, more = here / "few", here / "extended"
    if not (few / "annotations.json").exists():
        real = ten(one, data, work, seed)
        write_dataset(real, few)
        cellwright("split", few, "--split", f"val:{max(0.2, 1 / len(real))}", "--seed", seed)
    if not (more / "annotations.json").exists():
        cellwright("extend", few, "-o", more, *WAYS[one.name], "--n", n, "--seed", seed,
                   "--where", "split=train", "--originals")  # fmt: skip
    return {"few": few, "extended": more, "test": tested(one, data, work)}


def main() -> None:
    """Run what is asked for and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("work", type=Path)
    parser.add_argument("--data", type=Path, default=DATA)
    parser.add_argument("--sets", default=",".join(WAYS))
    parser.add_argument("--n", type=int, default=60)
    parser.add_argument("--minutes", type=float, default=1.5)
    parser.add_argument("--seeds", type=int, default=3)
    told = parser.parse_args()
    print("| test part of | learnt from | accuracy at 0.50 | mean accuracy | pixel F1 |")
    print("|" + " --- |" * 5, flush=True)
    for one in (s for s in SETS if s.name in told.sets.split(",")):
        flags = ("--light", one.light, "--crop", "192", "192", "--scale", "0.7", "1.4")
        found: dict[str, list[list[float]]] = {"few": [], "extended": []}
        for seed in range(told.seeds):
            data = parts(one, told.data, told.work, seed, told.n)
            for name, rows in found.items():
                got = run(
                    Trial(name, "unet-fast", {}, flags), train=data[name], test=data["test"],
                    work=told.work / one.name / f"seed-{seed}", minutes=told.minutes, seed=seed,
                )  # fmt: skip
                rows.append([got[k] for k in FIGURES])
        for name, rows in found.items():
            cells = [
                f"{statistics.mean(c):.3f}"
                + (f" ± {statistics.stdev(c):.3f}" if len(c) > 1 else "")
                for c in zip(*rows, strict=True)
            ]
            print(f"| {one.name} | {name} | " + " | ".join(cells) + " |", flush=True)


if __name__ == "__main__":
    main()
