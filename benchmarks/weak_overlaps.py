"""What P4 mends by synthetic images: overlaps that the original truth leaves out.

    cellwright run recipes/p4/table-5-6.toml -o WORK
    python benchmarks/weak_overlaps.py WORK [--kept 0.1] [--val-too] [--learn-from synthetic-1000]

P4 (5.5) explains its gain by overlaps that are marked weakly in its labelled images. The simulated
truth is exact, so here most overlaps are taken out of it: of two cells that share pixels, the one
above keeps them, but for a share `kept` of the pairs. The first variant of the recipe learns from
that in place of `train`, with the same steps and seeds; with `--val-too` the validation fields, on
which thresholds are chosen, are marked as weakly. `--learn-from` takes another part of the data in
place of the weak one, for a comparison with the same validation fields. Markdown is printed.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np

import cellwright
from cellwright.experiment.read import read_recipe
from cellwright.formats import open_dataset, write_dataset
from cellwright.overlap import intersections
from cellwright.types import Instances, Sample

RECIPE = Path(__file__).parents[1] / "recipes/p4/table-5-6.toml"


def weakened(data: Path, kept: float, seed: int = 0) -> Iterator[Sample]:
    """The samples of a data set whose lower cells end where an upper one begins."""
    rng = np.random.default_rng(seed)
    whole = open_dataset(data)
    for sample in (whole[i] for i in range(len(whole))):
        cells = sample.instances
        assert cells is not None
        yield replace(sample, instances=_cut(rng, cells, kept))


def _cut(rng: np.random.Generator, cells: Instances, kept: float) -> Instances:
    own = np.array(cells.class_names)[cells.classes] == "cell"
    numbers = np.flatnonzero(own)
    lower, upper, _ = intersections(cells[numbers], cells[numbers])
    masks = [m.copy() for m in cells.masks]
    for a, b in zip(numbers[lower], numbers[upper], strict=True):
        if a >= b or rng.random() < kept:
            continue
        (r, c, r1, c1), (s, d, s1, d1) = cells.boxes[a], cells.boxes[b]
        top, left, bottom, right = max(r, s), max(c, d), min(r1, s1), min(c1, d1)
        part = masks[a][top - r : bottom - r, left - c : right - c]
        part &= ~cells.masks[b][top - s : bottom - s, left - d : right - d]
    seen = np.array([m.any() for m in masks])
    return replace(cells[seen], masks=tuple(m for m in masks if m.any()))


def main() -> None:
    """Print a line for the exact truth and one for the weak one."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("work", type=Path)
    parser.add_argument("--kept", type=float, default=0.1)
    parser.add_argument("--val-too", action="store_true")
    parser.add_argument("--learn-from")
    given = parser.parse_args()
    name = f"weak-{given.kept:g}" + ("-val" if given.val_too else "")
    recipe = read_recipe(RECIPE)
    data = {part: given.work / "data" / part for part in ("train", "val", "test")}
    learnt = given.work / "data" / (given.learn_from or name)
    if given.learn_from is None:
        write_dataset(weakened(data["train"], given.kept), learnt)
    val = data["val"]
    if given.val_too:
        val = given.work / "data" / f"{name}-fields"
        write_dataset(weakened(data["val"], given.kept, seed=1), val)
    settings = recipe.train_of(recipe.variants()[0])
    figures = []
    for seed in recipe.seeds:
        place = given.work / (name + (given.learn_from or "")) / f"seed-{seed}"
        options = settings.model_dump() | {"where": settings.pairs(), "seed": seed}
        cellwright.train(learnt, place / "model", val=val, quiet=True, resume=True, **options)
        cellwright.predict(
            data["test"], place / "model", place / "found", formats=("coco",), quiet=True
        )
        cellwright.evaluate(
            data["test"], place / "found", place / "scores.json", classes=("cell",), resamples=0
        )
        found = json.loads((place / "scores.json").read_text())
        figures.append(
            (
                *(found["overlap"][k] for k in ("f1", "precision", "recall")),
                found["pixel"]["f1"],
                found["matching"]["0.50"]["accuracy"],
            )
        )
    middle, spread = np.mean(figures, axis=0), np.std(figures, axis=0, ddof=1)
    print("| truth | overlap F1 | precision | recall | pixel F1 | accuracy at 0.50 |")
    print("| --- | --- | --- | --- | --- | --- |")
    row = " | ".join(f"{m:.3f} ± {s:.3f}" for m, s in zip(middle, spread, strict=True))
    where = ", validation fields too" if given.val_too else ""
    source = f"{given.learn_from}, beside " if given.learn_from else ""
    print(f"| {source}{given.kept:.0%} of the overlaps{where} | {row} |")


if __name__ == "__main__":
    main()
