"""Fake overlaps (P4, 5.5): which overlaps a head finds that learnt on pasted or translated cells.

    cellwright run recipes/p4/table-5-6.toml -o WORK
    python benchmarks/extended.py WORK
    python benchmarks/extended.py WORK --picture FILE.png

Each model of the run is shown two kinds of bright field that it has not learnt from: the simulated
test fields, whose overlaps are real, and fields pasted in bright field from the cells of the
validation fields, whose overlaps are those that P4 calls fake. The map of the overlap head alone
is scored, as P4 scores it, at P4's threshold and at the one best on the validation fields. False
pixels are those without an overlap that are called one, per thousand. Markdown is printed, mean
and standard deviation over the seeds of the run. `--picture` draws some of the fields that were
learnt from instead: simulated, pasted in phase contrast and translated, pasted in bright field.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from overlap_thresholds import PAPER, THRESHOLDS, at, pixels
from scipy.stats import rankdata

import cellwright
from cellwright.types import Image

#: fields pasted in bright field, and their seed
PASTED, SEED = 24, 77
#: fields of each kind in the picture
SHOWN = 5


def figures(model: Path, data: dict[str, Path]) -> list[float]:
    """AUC, then F1 at both thresholds, recall and false pixels on real overlaps, and on pasted."""
    said, true = pixels(model, data["val"])
    own = THRESHOLDS[np.argmax([at(said, true, t)[0] for t in THRESHOLDS])]
    found: list[float] = []
    for kind in ("test", "pasted"):
        said, true = pixels(model, data[kind])
        count = int(true.sum())
        ranks = rankdata(said)[true].sum() - count * (count + 1) / 2
        f1, _, recall = at(said, true, own)
        false = 1000 * float((said[~true] >= own).mean())
        found += [
            ranks / (count * (len(true) - count)),
            at(said, true, PAPER)[0],
            f1,
            recall,
            false,
        ]
    return found


def picture(work: Path, path: Path) -> None:
    """Some fields of each kind, with and without the outlines of their cells."""
    import matplotlib.pyplot as plt

    from cellwright.steps.overlay_picture import overlay_picture

    kinds = {
        "train": "simulated",
        "synthetic-1000": "phase, pasted, translated",
        "brightfield-1000": "pasted in bright field",
    }
    there = {k: v for k, v in kinds.items() if (work / "data" / k).is_dir()}
    figure, axes = plt.subplots(
        2 * len(there), SHOWN, figsize=(1.6 * SHOWN, 3.2 * len(there)), squeeze=False
    )
    for number, (name, title) in enumerate(there.items()):
        data = cellwright.open_dataset(work / "data" / name)
        for column in range(SHOWN):
            image = Image(data.image(column).stack()[0], "YX")
            cells = data.instances(column)
            for row, drawn in enumerate((None, cells)):
                place = axes[2 * number + row, column]
                place.imshow(overlay_picture(image, drawn, class_names=data.class_names))
                place.axis("off")
        axes[2 * number, 0].set_title(title, loc="left", fontsize=9)
    figure.tight_layout(pad=0.3)
    figure.savefig(path, dpi=90)


def main() -> None:
    """Print a line for each variant, or draw the picture."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("work", type=Path)
    parser.add_argument("--picture", type=Path)
    given = parser.parse_args()
    work = given.work
    if given.picture:
        picture(work, given.picture)
        return
    data = {name: work / "data" / name for name in ("val", "test", "pasted")}
    cellwright.extend(
        data["val"], data["pasted"], how="phase", n=PASTED, clustered=0.6, seed=SEED, quiet=True
    )
    names = ("AUC", "F1 at 0.3", "F1", "recall", "false, per mille")
    head = [f"{n}, {kind}" for kind in ("real", "pasted") for n in names]
    print(f"| variant | seeds | {' | '.join(head)} |\n|{' --- |' * (len(head) + 2)}", flush=True)
    variants = sorted({m.parents[1] for m in work.glob("*/seed-*/model") if _done(m)})
    for variant in variants:
        models = [m for m in sorted(variant.glob("seed-*/model")) if _done(m)]
        rows = np.array([figures(m, data) for m in models])
        middle = rows.mean(axis=0)
        spread = rows.std(axis=0, ddof=1) if len(rows) > 1 else [None] * len(middle)
        cells = [
            f"{m:.3f}" + (f" \u00b1 {s:.3f}" if s is not None else "")
            for m, s in zip(middle, spread, strict=True)
        ]
        print(f"| {variant.name} | {len(rows)} | {' | '.join(cells)} |", flush=True)


def _done(model: Path) -> bool:
    return (model / "model.json").is_file()


if __name__ == "__main__":
    main()
