"""The models that ship, beside every classical segmenter, on images they never saw.

    python benchmarks/default_models.py [--data DATA] [--work DIR] [--rows cells:usiigaci,...]
        [--model cells=FOLDER] [--robust] [--output benchmarks/default_models.md]

Test parts are imported with the flags in `SETS`, each z-plane of the yeast an image of its own.
The model runs as `cellwright predict` runs it without further options, the classical segmenters as
`cellwright label` does, and the watershed also with each of its foregrounds. Printed is
TP/(TP+FP+FN) by IoU, counts summed over images, and what the model is ahead of the best segmenter
at 0.50. `--robust` repeats the model on changed images: blur, noise, inverted, 8 bit, uneven light,
half and double size. What is in DIR is not done again.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from commands import DATA, IOUS, cellwright
from scipy import ndimage

from cellwright import open_dataset
from cellwright.formats import write_dataset
from cellwright.geometry import resize
from cellwright.label.segmenters import SEGMENTERS
from cellwright.plate.resize import resize_image
from cellwright.types import Image, Sample


@dataclass(frozen=True)
class Row:
    """A model, the data set it is scored on, and the flags that import its test part."""

    model: str
    data: str
    flags: tuple[str, ...]
    foregrounds: tuple[str, ...] = ("bright", "dark", "texture")


YEAST = ("baby_yeast", "--pattern", "{trap}_Brightfield", "--masks", "baby_yeast",
         "--mask-pattern", "{trap}_segoutlines", "--mask-tiles", "cells",
         "--split-columns", "5", "--planes", "each")  # fmt: skip
ROWS = (
    Row("cells", "usiigaci", (
        "usiigaci", "--pattern", "set{set}/phase", "--masks", "usiigaci",
        "--mask-pattern", "set{set}/labels", "--where", "set=22,26,33")),
    Row("cells", "bbbc009", (
        "bbbc009/images", "--masks", "bbbc009/outlines", "--mask-kind", "outlines",
        "--where", "name=6hr-002")),
    Row("cells", "baby_yeast", (
        *YEAST, "--where", "trap=evolve_testF*,evolve_testG*,prime95b_testA")),
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


def changed(test: Path, folder: Path, name: str) -> Path:
    """The data set with every image changed, and its cells resized where the image is."""
    if not (folder / "annotations.json").exists():
        write_dataset(_changed(test, name), folder)
    return folder


def _changed(test: Path, name: str) -> Iterator[Sample]:
    for sample in open_dataset(test):
        image, cells = sample.image, sample.instances
        if name in SIZES:
            shape = tuple(max(1, round(n * SIZES[name])) for n in image.shape)
            image, cells = resize_image(image, shape), resize(cells, shape)
        else:
            plane = CHANGES[name](image.stack()[0].astype(float))
            kind = np.uint8 if name == "8 bit" else np.float32
            image = Image(plane.astype(kind), tags=image.tags)
        yield Sample(sample.name, replace(image, channels=()), cells)


def accuracies(truth: Path, found: Path) -> list[float]:
    """TP/(TP+FP+FN) at each IoU."""
    scores = found.with_name(found.name + ".json")
    if not scores.exists():
        cellwright("evaluate", truth, found, "-o", scores)
    record = json.loads(scores.read_text(encoding="utf-8"))
    return [record["matching"][i]["accuracy"] for i in IOUS]


def timed(command: str, truth: Path, found: Path, *flags: object) -> float | None:
    """Run a command on the images; seconds with the start of Python, None if it was done before."""
    if found.exists():
        return None
    started = time.perf_counter()
    cellwright(command, truth, "-o", found, *flags)
    return time.perf_counter() - started


def segmented(row: Row, test: Path, work: Path) -> dict[str, list[float]]:
    """The figures of every classical segmenter that needs no download."""
    figures: dict[str, list[float]] = {}
    for entry in (e for e in SEGMENTERS if not e.needs_download):
        settings: list[tuple[str, tuple[str, ...]]] = [(entry.name, ())]
        if entry.name == "watershed":
            settings += [
                (f"watershed, {f}", ("--option", f"foreground={f}")) for f in row.foregrounds
            ]
        for name, flags in settings:
            found = work / row.data / f"classical-{name.replace(', ', '-')}"
            timed("label", test, found, "--segmenter", entry.name, *flags)
            figures[name] = accuracies(test, found)
    return figures


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
    classical = segmented(row, test, work)
    best = max(classical, key=lambda name: classical[name][0])
    for name, figures in classical.items():
        yield line(name, figures, "best at 0.50" if name == best else "")
    found = work / row.data / f"model-{row.model}"
    seconds = timed("predict", test, found, "-m", model)
    ours = accuracies(test, found)
    note = f"{ours[0] - classical[best][0]:+.3f}"
    yield line(f"**{row.model}**", ours, note + (f", {seconds:.1f} s" if seconds else ""))
    for name in (*CHANGES, *SIZES) if robust else ():
        part = changed(test, work / row.data / name.replace(" ", "-"), name)
        found = work / row.data / f"model-{row.model}-{name.replace(' ', '-')}"
        timed("predict", part, found, "-m", model)
        yield line(f"{row.model}, {name}", accuracies(part, found))


def main() -> None:
    """Print the tables, and write them where asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=DATA)
    parser.add_argument("--work", type=Path)
    parser.add_argument("--rows", default=",".join(f"{r.model}:{r.data}" for r in ROWS))
    parser.add_argument("--model", action="append", default=[], metavar="NAME=FOLDER")
    parser.add_argument("--robust", action="store_true")
    parser.add_argument("--output", type=Path, help="Markdown file of the tables")
    options = parser.parse_args()
    work = options.work or Path(tempfile.mkdtemp(prefix="default-models-"))
    folders = dict(word.split("=", 1) for word in options.model)
    wanted, lines = options.rows.split(","), []
    for row in ROWS:
        if f"{row.model}:{row.data}" in wanted:
            model = folders.get(row.model, row.model)
            for text in table(row, model, options.data, work, options.robust):
                print(text, flush=True)
                lines.append(text)
    if options.output:
        options.output.write_text("\n".join(lines).strip() + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
