"""The models that ship, beside every classical segmenter, on images they never saw.

    python benchmarks/default_models.py [--data DATA] [--work DIR] [--rows cells:usiigaci,...]
        [--model cells=FOLDER] [--robust] [--output benchmarks/default_models.md]

Test parts are imported with the flags in `ROWS`, each z-plane of the yeast an image of its own.
The classical segmenters run as `cellwright label` does without options, and with the foreground
that does best on the test part. The model runs as `cellwright predict` does, which judges the
diameter by the image, and once more told the typical diameter of the set, and a wrong one. Printed
is TP/(TP+FP+FN) by IoU, counts summed over images, and how far the model is ahead of the best
segmenter at 0.50.
`--robust` repeats the model on changed images. What is in DIR is not done again.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from commands import DATA, IOUS, cellwright
from scipy import ndimage

from cellwright import open_dataset
from cellwright.evaluate.match import MatchCounts, match
from cellwright.formats.dataset import Dataset
from cellwright.geometry import resize
from cellwright.label.segmenters import SEGMENTERS, segmenter
from cellwright.plate.resize import resize_image
from cellwright.steps.adapting import adapted
from cellwright.types import Image, Instances, Sample
from cellwright.zoo.shipped import SHIPPED


@dataclass(frozen=True)
class Row:
    """A model, the data set it is scored on, and the flags that import its test part.

    `diameter` is the typical one of the set in pixels, roughly.
    """

    model: str
    data: str
    flags: tuple[str, ...]
    diameter: float | None = None
    foregrounds: tuple[str, ...] = ("bright", "dark", "texture")


YEAST = ("baby_yeast", "--pattern", "{trap}_Brightfield", "--masks", "baby_yeast",
         "--mask-pattern", "{trap}_segoutlines", "--mask-tiles", "cells",
         "--split-columns", "5", "--planes", "each")  # fmt: skip
ROWS = (
    Row("cells", "usiigaci", (
        "usiigaci", "--pattern", "set{set}/phase", "--masks", "usiigaci",
        "--mask-pattern", "set{set}/labels", "--where", "set=22,26,33"), 66),
    Row("cells", "bbbc009", (
        "bbbc009/images", "--masks", "bbbc009/outlines", "--mask-kind", "outlines",
        "--where", "name=6hr-002"), 70),
    Row("cells", "baby_yeast", (
        *YEAST, "--where", "trap=evolve_testF*,evolve_testG*,prime95b_testA"), 20),
    Row("nuclei", "dsb2018", (
        "dsb2018/test/images", "--masks", "dsb2018/test/labels",
        "--tag-table", "dsb2018/index.json", "--where", "kind=fluorescence")),
)  # fmt: skip
#: words of a command that are places in the folder of the data
PLACES = ("--masks", "--tag-table")


def noisy(a: np.ndarray) -> np.ndarray:
    """Noise of 5 % of the range between the percentiles 1 and 99.8."""
    low, high = np.percentile(a, [1, 99.8])
    return a + np.random.default_rng(0).normal(0, 0.05 * (high - low), a.shape)


def eight_bit(a: np.ndarray) -> np.ndarray:
    """The range of the image in 256 steps."""
    return np.rint((a - a.min()) / max(float(a.max() - a.min()), 1e-9) * 255)


CHANGES: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "blur, sigma 1.5": lambda a: ndimage.gaussian_filter(a, 1.5),
    "noise, 5 % of the range": noisy,
    "inverted": lambda a: a.max() + a.min() - a,
    "8 bit": eight_bit,
    "light from 0.7 to 1.3": lambda a: a * np.linspace(0.7, 1.3, a.shape[1]),
}
SIZES = {"half size": 0.5, "double size": 2.0}


def imported(row: Row, data: Path, work: Path) -> Path:
    """The test part as a data set."""
    target = work / row.data / "test"
    if not (target / "annotations.json").exists():
        words = [row.flags[0], *row.flags[1:]]
        at = {0} | {i + 1 for i, w in enumerate(words) if w in PLACES}
        cellwright(
            "import", *(data / w if i in at else w for i, w in enumerate(words)), "-o", target
        )
    return target


def accuracies(test: Dataset, found: Callable[[Image], Instances], change: str = "") -> list[float]:
    """TP/(TP+FP+FN) at each IoU of what is found in images, changed or as they are."""
    total = [MatchCounts()] * len(IOUS)
    for sample in (changed(s, change) for s in test):
        counts = match(sample.instances, found(sample.image), [float(i) for i in IOUS])
        total = [t + m for t, m in zip(total, counts, strict=True)]
    return [t.accuracy for t in total]


def changed(sample: Sample, name: str) -> Sample:
    """The sample under a change of `CHANGES` or `SIZES`; "" leaves it as it is."""
    if not name:
        return sample
    image, cells = sample.image, sample.instances
    if name in SIZES:
        shape = tuple(max(1, round(n * SIZES[name])) for n in image.shape)
        return Sample(sample.name, resize_image(image, shape), resize(cells, shape))
    plane = CHANGES[name](image.stack()[0].astype(float))
    kind = np.uint8 if name == "8 bit" else np.float32
    return Sample(sample.name, Image(plane.astype(kind), tags=image.tags), cells)


def segmented(row: Row, test: Path, work: Path) -> dict[str, list[float]]:
    """The figures of every classical segmenter that needs no download, with each foreground.

    A segmenter's default is named after it; beside it stands the foreground that does best here,
    which favours it, as nobody without the truth can choose so.
    """
    place = work / row.data / "classical.json"
    figures = json.loads(place.read_text(encoding="utf-8")) if place.exists() else {}
    images = open_dataset(test)
    for entry in (e for e in SEGMENTERS if not e.needs_download):
        for foreground in ("auto", *row.foregrounds):
            name = entry.name if foreground == "auto" else f"{entry.name}, {foreground}"
            if name in figures or (entry.name == "coarse-prompted" and foreground != "auto"):
                continue
            options = {} if foreground == "auto" else {"foreground": foreground}
            worker = segmenter(entry.name, **options)
            total = [MatchCounts()] * len(IOUS)
            for sample in images:
                found = match(
                    sample.instances, worker.segment(sample.image), [float(i) for i in IOUS]
                )
                total = [t + m for t, m in zip(total, found, strict=True)]
            figures[name] = [t.accuracy for t in total]
            place.write_text(json.dumps(figures), encoding="utf-8")
    return figures


def shortened(figures: dict[str, list[float]]) -> dict[str, list[float]]:
    """Of each segmenter its default and its best foreground."""
    kept: dict[str, list[float]] = {}
    for name in (n for n in figures if ", " not in n):
        kept[name] = figures[name]
        others = {n: f for n, f in figures.items() if n.startswith(f"{name}, ")}
        if others:
            best = max(others, key=lambda n: others[n][0])
            kept[best] = others[best]
    return kept


def line(name: str, figures: list[float], note: str = "") -> str:
    """A line of a table."""
    return f"| {name} | " + " | ".join(f"{f:.3f}" for f in figures) + f" | {note} |"


def table(row: Row, model: str, data: Path, work: Path, robust: bool) -> Iterator[str]:
    """The lines of one data set."""
    test = imported(row, data, work)
    images = open_dataset(test)
    cells = sum(len(images.instances(i)) for i in range(len(images)))
    yield f"\n## {row.model} on {row.data}, test part ({len(images)} images, {cells} cells)\n"
    yield "| | " + " | ".join(IOUS) + " | |"
    yield "|" + " --- |" * (len(IOUS) + 2)
    classical = shortened(segmented(row, test, work))
    best = max(classical, key=lambda name: classical[name][0])
    for name, figures in classical.items():
        yield line(name, figures, "best at 0.50" if name == best else "")
    usual = adapted(model, diameter="auto")
    started = time.perf_counter()
    ours = accuracies(images, usual.segment)
    seconds = (time.perf_counter() - started) / len(images)
    ahead = ours[0] - classical[best][0]
    yield line(f"**{row.model}**", ours, f"{ahead:+.3f}, {seconds:.2f} s each")
    for factor in (1.0, 0.7, 1.4) if row.diameter else ():
        figures = accuracies(images, adapted(model, diameter=factor * row.diameter).segment)
        yield line(f"{row.model}, --diameter {factor * row.diameter:.0f}", figures)
    for name in (*CHANGES, *SIZES) if robust else ():
        yield line(f"{row.model}, {name}", accuracies(images, usual.segment, name))


def main() -> None:
    """Print the tables, and write them where asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=DATA)
    parser.add_argument("--work", type=Path)
    parser.add_argument("--rows", default=",".join(f"{r.model}:{r.data}" for r in ROWS))
    parser.add_argument(
        "--model",
        action="append",
        default=[],
        metavar="NAME=FOLDER",
        help="other weights than those that ship",
    )
    parser.add_argument("--robust", action="store_true")
    parser.add_argument("--output", type=Path, help="Markdown file of the tables")
    options = parser.parse_args()
    work = options.work or Path(tempfile.mkdtemp(prefix="default-models-"))
    folders = {m.name: m.folder for m in SHIPPED}
    folders |= {n: Path(f) for n, f in (word.split("=", 1) for word in options.model)}
    wanted, lines = options.rows.split(","), []
    for row in ROWS:
        if f"{row.model}:{row.data}" in wanted and row.model in folders:
            model = folders[row.model]
            for text in table(row, model, options.data, work, options.robust):
                print(text, flush=True)
                lines.append(text)
    if options.output:
        options.output.write_text("\n".join(lines).strip() + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
