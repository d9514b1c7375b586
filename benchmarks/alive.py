"""Alive/Dead on simulated plates: balanced accuracy over contrast, with and without bleeding.

    python benchmarks/alive.py            the tables, seeds 0 to 4
    python benchmarks/alive.py --tune     what the defaults were chosen by, seeds 1000 to 1002
    python benchmarks/alive.py --data D   nuclei of dsb2018 (test), and copies of them on nothing

Each seed is a plate of three fields of 384 x 384 pixels with 20, 35 and 50 % dead cells of 16
pixels diameter, 170 cells of which one in five overlaps another ("crowded": 280, two in five); dead
cells keep 5 % of their light. A
contrast of 2 means that a mean living cell adds two standard deviations of the background's
pixels to each of its pixels, before bleeding takes some of it away; single cells vary about it by
a factor of 0.5 to 2. Balanced accuracy is the mean of the shares of living and of dead cells
called so, of all cells of a seed; printed are its mean and standard deviation over the seeds and
the lowest.

Compared are the plain rule (mean of the mask above the median of all that is not a cell, in its
deviations), with its threshold chosen on the seeds of --tune, a local background without halos,
and all of it.

In real fluorescence nobody has said which cells are dead. With --data every mask of an image is
copied to a random place where there is no cell: what is seen must be the nuclei alone.
"""

from __future__ import annotations

import argparse
import itertools
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from scipy.ndimage import binary_dilation
from zero_shot import dsb2018

from cellwright.measure.alive import Visibility, visibility
from cellwright.synth import Microscope, Vitality, simulate_field
from cellwright.types import Image, Instances, Sample

CONTRASTS = (0.25, 0.5, 1.0, 1.5, 2.0, 3.0, 50.0)
DEAD = (0.2, 0.35, 0.5)
SIDE = 384
CROWDED = {False: {"cells": 170, "overlap": 0.2}, True: {"cells": 280, "overlap": 0.4}}
PLAIN_THRESHOLD = 0.6


def plate(seed: int, contrast: float, bleed: float, crowded: bool) -> list[Sample]:
    """The fields of one seed."""
    microscope = Microscope(pixel_size=1.0)
    return [
        simulate_field(
            seed,
            field,
            shape=(SIDE, SIDE),
            **CROWDED[crowded],
            vitality=Vitality(dead=dead, contrast=contrast, bleed=bleed),
            microscope=microscope,
        )
        for field, dead in enumerate(DEAD)
    ]


def truth(samples: list[Sample]) -> np.ndarray:
    """Whether each cell lives."""
    return np.array([t["alive"] for s in samples for t in s.instances.tags])


def plain_contrast(sample: Sample) -> np.ndarray:
    """Mean of each mask above the median outside, in deviations of the pixels outside."""
    pixels, cells = sample.image.data.astype(float), sample.instances
    outside = np.ones(cells.shape, bool)
    for (r0, c0, r1, c1), mask in zip(cells.boxes, cells.masks, strict=True):
        outside[r0:r1, c0:c1] &= ~mask
    middle = np.median(pixels[outside])
    noise = 1.4826 * np.median(np.abs(pixels[outside] - middle))
    return np.array([
        (pixels[r0:r1, c0:c1][mask].mean() - middle) / noise
        for (r0, c0, r1, c1), mask in zip(cells.boxes, cells.masks, strict=True)
    ])  # fmt: skip


def balanced(alive: np.ndarray, true: np.ndarray) -> tuple[float, float, float]:
    """Balanced accuracy, share of the living found, share of the dead found."""
    living, dead = alive[true].mean(), (~alive[~true]).mean()
    return float(living + dead) / 2, float(living), float(dead)


def called(found: list[Visibility], sigmas: float, share: float) -> np.ndarray:
    """What other thresholds make of the same contrasts (``sure`` as it stands)."""
    calls = []
    for v in found:
        level = max(sigmas, share * np.percentile(v.contrast, 90))
        calls.append(v.contrast > np.maximum(level, 3 * v.error))
    return np.concatenate(calls)


def conditions() -> Iterator[tuple[bool, float, float]]:
    """(crowded, bleed, contrast) of the tables."""
    for crowded, bleed in ((False, 0.0), (False, 0.3), (True, 0.5)):
        for contrast in CONTRASTS:
            yield crowded, bleed, contrast


def table(seeds: range) -> None:
    """Print the table of every condition."""
    print("| field | bleed | contrast | plain | local background | and halos taken off "
          "| lowest seed | living found | dead found |")  # fmt: skip
    print("| --- " + "| ---: " * 8 + "|")
    seconds, cells = 0.0, 0
    for crowded, bleed, contrast in conditions():
        scores: dict[str, list[Any]] = {"plain": [], "local": [], "full": []}
        for seed in seeds:
            samples = plate(seed, contrast, bleed, crowded)
            true = truth(samples)
            plain = np.concatenate([plain_contrast(s) for s in samples]) > PLAIN_THRESHOLD
            local = [visibility(s.image, s.instances, halos=False).alive for s in samples]
            begun = time.perf_counter()
            full = [visibility(s.image, s.instances).alive for s in samples]
            seconds, cells = seconds + time.perf_counter() - begun, cells + len(true)
            for name, calls in (("plain", plain), ("local", local), ("full", full)):
                joined = calls if name == "plain" else np.concatenate(calls)
                scores[name].append(balanced(joined, true))
        shown = {k: np.array(v) for k, v in scores.items()}
        spread = {k: f"{v[:, 0].mean():.3f} ± {v[:, 0].std(ddof=1):.3f}" for k, v in shown.items()}
        full, kind = shown["full"], "crowded" if crowded else "loose"
        print(f"| {kind} | {bleed:g} | {contrast:g} | {spread['plain']} | {spread['local']} "
              f"| {spread['full']} | {full[:, 0].min():.3f} | {full[:, 1].mean():.3f} "
              f"| {full[:, 2].mean():.3f} |")  # fmt: skip
    print(f"\n{1e3 * seconds / cells:.2f} ms per cell")


def tune(seeds: range) -> None:
    """Print the mean balanced accuracy at contrasts 0.5 to 3 and 50 of each pair of thresholds."""
    data = []
    for crowded, bleed, contrast in conditions():
        if contrast >= 0.5:
            for seed in seeds:
                samples = plate(seed, contrast, bleed, crowded)
                found = [visibility(s.image, s.instances) for s in samples]
                plain = np.concatenate([plain_contrast(s) for s in samples])
                data.append((contrast, truth(samples), found, plain))
    print("sigmas share  mean    at 1    at 2   lowest at 2")
    for sigmas, share in itertools.product((0.2, 0.25, 0.3, 0.35, 0.4), (0.1, 0.15, 0.2, 0.25)):
        got = [(c, balanced(called(f, sigmas, share), t)[0]) for c, t, f, _ in data]
        at = {c: [b for k, b in got if k == c] for c in (1.0, 2.0)}
        print(f"{sigmas:6g} {share:5g}  {np.mean([b for _, b in got]):.4f}  "
              f"{np.mean(at[1.0]):.4f}  {np.mean(at[2.0]):.4f}  {min(at[2.0]):.4f}")  # fmt: skip
    for threshold in (0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 1.0):
        mean = np.mean([balanced(p > threshold, t)[0] for _, t, _, p in data])
        print(f"plain {threshold:g}  {mean:.4f}")


def real(data: Path) -> None:
    """Print how many nuclei are seen, and how many copies of their masks on empty ground."""
    rng = np.random.default_rng(0)
    seen, unseen, images = [], [], 0
    for image, nuclei in dsb2018(data, "test"):
        cells = Instances.concatenate([nuclei, on_empty_ground(nuclei, rng)])
        if image.size("C") > 1:
            image = Image(np.asarray(image.data).mean(axis=image.axes.index("C")))
        alive = visibility(image, cells).alive
        images += 1
        seen += alive[: len(nuclei)].tolist()
        unseen += (~alive[len(nuclei) :]).tolist()
    print("| images | nuclei | seen | empty places | not seen | balanced |")
    print("| ---: " * 6 + "|")
    shares = np.mean(seen), np.mean(unseen)
    print(f"| {images} | {len(seen)} | {shares[0]:.3f} | {len(unseen)} | {shares[1]:.3f} "
          f"| {np.mean(shares):.3f} |")  # fmt: skip


def on_empty_ground(cells: Instances, rng: np.random.Generator) -> Instances:
    """The same masks at random places that no cell covers or touches; some find none."""
    busy = np.zeros(cells.shape, bool)
    for (r0, c0, r1, c1), mask in zip(cells.boxes, cells.masks, strict=True):
        busy[r0:r1, c0:c1] |= mask
    busy = binary_dilation(busy, iterations=2)
    boxes, masks = [], []
    for mask in cells.masks:
        height, width = mask.shape
        for _ in range(40):
            r, c = (
                int(rng.integers(n - m + 1)) for n, m in zip(cells.shape, mask.shape, strict=True)
            )
            window = busy[r : r + height, c : c + width]
            if not (window & mask).any():
                window |= mask
                boxes.append((r, c, r + height, c + width))
                masks.append(mask)
                break
    return Instances(cells.shape, np.array(boxes).reshape(-1, 4), tuple(masks))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--tune", action="store_true", help="thresholds against other seeds")
    parser.add_argument("--data", type=Path, help="folder that holds dsb2018")
    given = parser.parse_args()
    if given.data:
        real(given.data)
    elif given.tune:
        tune(range(1000, 1003))
    else:
        table(range(5))
