"""Promptable segmenters that need no download, against simulated annotators.

    python benchmarks/prompting.py [--data DATA] [--part train] [--cells 200] [--clicked 100]

On simulated plates (fluorescence and bright field), usiigaci (phase contrast; train set01 05 09 13
18, test set22 26 33) and dsb2018 (both kinds of its split): IoU from the box alone, against the
ellipse inscribed in the box and Otsu's threshold within it; clicks of a simulated annotator
(`cellwright.label.annotator`) to IoU 0.80 and 0.90 with at most 10, from one click and from the
box, cells that never get there counted as 10; seconds per prompt once the image is embedded.
The cells are drawn with a fixed seed. Choices were made on train parts, `--part test` is scored
once.
"""

from __future__ import annotations

import argparse
import json
import platform
import tempfile
import time
from collections.abc import Callable, Iterator
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
from commands import DATA

from cellwright import __version__, open_dataset, read_image, read_instances
from cellwright.classical.otsu import otsu_threshold
from cellwright.label.annotator import Annotation, annotate
from cellwright.label.plane import pick_plane
from cellwright.label.prompting import PROMPT_SEGMENTERS, prompt_segmenter
from cellwright.steps.simulate import simulate
from cellwright.types import Image, Instances, Prompts, PromptSegmenter

USIIGACI_TEST = ("22", "26", "33")
SETS = (
    "simulated fluorescence",
    "simulated bright field",
    "usiigaci",
    "dsb2018",
    "dsb2018 stained",
)
#: dishes of the simulated parts; the fitted cost saw others
DISHES = {"train": 51, "test": 77}
SMALLEST = 16
Pair = tuple[Image, Instances]


def simulated(modality: str, part: str) -> Iterator[Pair]:
    """Fields of round, oval, spindle-shaped and lobed cells."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "plate"
        simulate(
            path, fields=6, shape=(384, 384), kind="mixed", modality=modality,
            seed=DISHES[part], quiet=True,
        )  # fmt: skip
        for sample in open_dataset(path):
            assert sample.instances is not None
            yield sample.image, sample.instances


def pairs(name: str, data: Path, part: str) -> Iterator[Pair]:
    """Images of one set with their cells."""
    if name.startswith("simulated"):
        yield from simulated("fluorescence" if "fluor" in name else "brightfield", part)
    elif name == "usiigaci":
        for folder in sorted((data / "usiigaci").glob("set*")):
            if (folder.name[3:] in USIIGACI_TEST) == (part == "test"):
                yield read_image(folder / "phase.tif"), read_instances(folder / "labels.png")
    else:
        kind = "fluorescence" if name == "dsb2018" else "brightfield"
        for entry in json.loads((data / "dsb2018" / "index.json").read_text(encoding="utf-8")):
            if entry["split"] == part and entry["kind"].replace("-", "") == kind:
                folder = data / "dsb2018" / part
                truth = read_instances(folder / "labels" / f"{entry['id']}.tif")
                yield read_image(folder / "images" / f"{entry['id']}.png"), truth


def drawn(images: list[Pair], cells: int, seed: int) -> dict[int, list[int]]:
    """Up to `cells` cells by image, drawn at random from all."""
    every = [(i, j) for i, (_, c) in enumerate(images) for j in np.flatnonzero(c.areas >= SMALLEST)]
    picked = np.random.default_rng(seed).permutation(len(every))[:cells]
    chosen: dict[int, list[int]] = {}
    for k in sorted(picked.tolist()):
        chosen.setdefault(every[k][0], []).append(int(every[k][1]))
    return chosen


def iou(a: np.ndarray, b: np.ndarray) -> float:
    """Intersection over union of two masks of one shape."""
    return float((a & b).sum() / max((a | b).sum(), 1))


def ellipse(window: np.ndarray) -> np.ndarray:
    """The ellipse inscribed in the window."""
    rows, cols = ((np.arange(n) + 0.5) * 2 / n - 1 for n in window.shape)
    return rows[:, None] ** 2 + cols**2 <= 1


def otsu(window: np.ndarray) -> np.ndarray:
    """Otsu's two classes in the window; the cell is the one that is rarer on its rim."""
    bright = window > otsu_threshold(window)
    rim = np.concatenate([bright[0], bright[-1], bright[:, 0], bright[:, -1]])
    return ~bright if rim.mean() > 0.5 else bright


def baseline(
    images: list[Pair], chosen: dict[int, list[int]], draw: Callable[[np.ndarray], np.ndarray]
) -> list[float]:
    """IoU of a mask drawn from the pixels in the box alone."""
    found = []
    for i, cells in chosen.items():
        plane, truth = pick_plane(images[i][0]), images[i][1]
        for j in cells:
            row0, col0, row1, col1 = truth.boxes[j].tolist()
            found.append(iou(draw(plane[row0:row1, col0:col1]), truth.masks[j]))
    return found


def embeddings(
    segmenter: PromptSegmenter, images: list[Pair], chosen: dict[int, list[int]]
) -> tuple[dict[int, Any], list[float]]:
    """Embedding of each image and the seconds they took."""
    kept, seconds = {}, []
    for i in chosen:
        began = time.perf_counter()
        kept[i] = segmenter.embed(images[i][0])
        seconds.append(time.perf_counter() - began)
    return kept, seconds


def from_boxes(
    segmenter: PromptSegmenter, known: dict[int, Any], images: list[Pair], chosen: dict[int, Any]
) -> tuple[list[float], list[float], float]:
    """IoU and seconds of each box, one call per box; seconds per box in one call per image."""
    ious, seconds, batched = [], [], 0.0
    for i, cells in chosen.items():
        truth = images[i][1]
        prompts = [Prompts(box=tuple(truth.boxes[j].tolist())) for j in cells]
        for j, prompt in zip(cells, prompts, strict=True):
            began = time.perf_counter()
            answer = segmenter.masks(known[i], [prompt])
            seconds.append(time.perf_counter() - began)
            low = np.minimum(answer.boxes[0, :2], truth.boxes[j, :2])
            both = np.zeros((2, *(np.maximum(answer.boxes[0, 2:], truth.boxes[j, 2:]) - low)), bool)
            for frame, part, k in zip(both, (answer, truth), (0, j), strict=True):
                row0, col0, row1, col1 = (part.boxes[k] - np.tile(low, 2)).tolist()
                frame[row0:row1, col0:col1] = part.masks[k]
            ious.append(iou(*both))
        began = time.perf_counter()
        segmenter.masks(known[i], prompts)
        batched += time.perf_counter() - began
    return ious, seconds, batched / max(len(ious), 1)


def spread(values: list[float]) -> str:
    """Mean with its standard error, and median."""
    error = np.std(values) / max(len(values), 1) ** 0.5
    return f"{np.mean(values):.3f} ± {error:.3f} | {np.median(values):.3f}"


def clicked(found: list[Annotation], most: int) -> str:
    """Clicks to 0.80 and 0.90, shares that got there, IoU in the end."""
    cells = []
    for level in (0.8, 0.9):
        cells.append(f"{np.mean([a.clicks_to(level, otherwise=most) for a in found]):.2f}")
        cells.append(f"{np.mean([a.reached(level) for a in found]):.2f}")
    return " | ".join([*cells, f"{np.mean([a.ious[-1] for a in found]):.3f}"])


def score(name: str, options: argparse.Namespace) -> tuple[list[str], list[str]]:
    """Lines of both tables for one set."""
    images = list(pairs(name, options.data, options.part))
    chosen = drawn(images, options.cells, options.seed)
    few = drawn(images, options.clicked, options.seed + 1)
    count = sum(map(len, chosen.values()))
    boxes, clicks = [], []
    for title, draw in (("ellipse in the box", ellipse), ("Otsu in the box", otsu)):
        boxes.append(
            f"| {name} ({count}) | {title} | {spread(baseline(images, chosen, draw))} |||||"
        )
    for entry in PROMPT_SEGMENTERS:
        if entry.needs_download:
            continue
        segmenter = prompt_segmenter(entry.name)
        known, embed = embeddings(segmenter, images, {**chosen, **few})
        ious, seconds, batched = from_boxes(segmenter, known, images, chosen)
        times = np.array([np.median(seconds), np.quantile(seconds, 0.95), batched]) * 1000
        boxes.append(
            f"| {name} ({count}) | {entry.name} | {spread(ious)} | {times[0]:.0f} | "
            f"{times[1]:.0f} | {times[2]:.1f} | {np.median(embed):.2f} |"
        )
        for start in ("box", "point"):
            found = [
                annotate(segmenter, known[i], images[i][1], j, start=start, clicks=options.most)
                for i, cells in few.items()
                for j in cells
            ]
            clicks.append(
                f"| {name} ({len(found)}) | {entry.name} | {start} | "
                f"{clicked(found, options.most)} |"
            )
    return boxes, clicks


def main() -> None:
    """Print both tables."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--data", type=Path, default=DATA)
    parser.add_argument("--part", choices=("train", "test"), default="train")
    parser.add_argument("--sets", nargs="+", default=SETS, choices=SETS)
    parser.add_argument("--cells", type=int, default=200)
    parser.add_argument("--clicked", type=int, default=100)
    parser.add_argument("--most", type=int, default=10)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    packages = ", ".join(f"{p} {version(p)}" for p in ("numpy", "scipy", "scikit-image"))
    print(f"cellwright {__version__}, Python {platform.python_version()}, {packages}")
    print(f"part {options.part}, seed {options.seed}\n")
    scored = [score(name, options) for name in options.sets]
    print("| set (cells) | from the box | IoU | median | ms | ms 95 % | ms in a batch | embed s |")
    print("|" + " --- |" * 8)
    print("\n".join(line for boxes, _ in scored for line in boxes))
    print("\n| set (cells) | segmenter | start | clicks to 0.80 | got | to 0.90 | got | last IoU |")
    print("|" + " --- |" * 8)
    print("\n".join(line for _, clicks in scored for line in clicks))


if __name__ == "__main__":
    main()
