"""Labels without training: accuracy of the classical segmenter on real images.

    python benchmarks/zero_shot.py --data DATA [--split test] [--sets dsb2018 usiigaci bbbc010]

dsb2018: the fluorescence images of a split, default settings, nothing chosen by hand.
usiigaci (phase contrast) and bbbc010 (worms in bright field, overlapping truth): settings
chosen on their train parts, as listed in `SETTINGS`. Printed is TP/(TP+FP+FN), counts summed
over images, with the package's own matching. Truth is read here only, never by the segmenter.
"""

from __future__ import annotations

import argparse
import json
import platform
import statistics
import time
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path
from typing import Any

from cellwright import __version__, read_image, read_instances
from cellwright.evaluate.match import MatchCounts, match
from cellwright.geometry import from_masks
from cellwright.label.segmenters import segmenter
from cellwright.types import Image, Instances

IOUS = (0.5, 0.6, 0.7, 0.8, 0.9)
WORMS = {"widest": 15, "first": 0.0, "limit": 0.0, "height": 0.35, "level": 1.1}
SETTINGS: dict[str, dict[str, Any]] = {
    "dsb2018": {},
    "usiigaci": {"foreground": "texture"},
    "bbbc010": {"foreground": "dark", "options": WORMS},
}
USIIGACI_TEST = ("22", "26", "33")

Pair = tuple[Image, Instances]


def dsb2018(data: Path, split: str) -> Iterator[Pair]:
    """Nuclei in fluorescence."""
    for entry in json.loads((data / "dsb2018" / "index.json").read_text(encoding="utf-8")):
        if entry["split"] == split and entry["kind"] == "fluorescence":
            folder = data / "dsb2018" / split
            truth = read_instances(folder / "labels" / f"{entry['id']}.tif")
            yield read_image(folder / "images" / f"{entry['id']}.png"), truth


def usiigaci(data: Path, split: str) -> Iterator[Pair]:
    """Adherent cells in phase contrast."""
    for folder in sorted((data / "usiigaci").glob("set*")):
        if (folder.name[3:] in USIIGACI_TEST) == (split == "test"):
            yield read_image(folder / "phase.tif"), read_instances(folder / "labels.png")


def bbbc010(data: Path, split: str) -> Iterator[Pair]:
    """Worms in bright field; masks overlap."""
    for path in sorted((data / "bbbc010" / "images").glob("*_w2_*.tif")):
        well = path.name.split("_w2_")[0].rsplit("_", 1)[1]
        if (well[0] in "AC") == (split == "test"):
            continue
        image = read_image(path)
        files = sorted((data / "bbbc010" / "eachworm").glob(f"{well}_*_ground_truth.png"))
        masks = [read_image(f).stack()[0] > 0 for f in files]
        yield image, from_masks(masks, shape=image.shape)


SETS = {"dsb2018": dsb2018, "usiigaci": usiigaci, "bbbc010": bbbc010}


def line(name: str, data: Path, split: str) -> str:
    """One row of the table."""
    worker = segmenter("watershed", **SETTINGS[name])
    total = [MatchCounts()] * len(IOUS)
    seconds: list[float] = []
    for image, truth in SETS[name](data, split):
        start = time.perf_counter()
        found = worker.segment(image)
        seconds.append(time.perf_counter() - start)
        counts = match(truth, found, IOUS)
        total = [a + b for a, b in zip(total, counts, strict=True)]
    rates = " | ".join(f"{t.accuracy:.3f}" for t in total)
    middle = 1000 * statistics.median(seconds)
    return (
        f"| {name} {split} | {len(seconds)} | {rates} | "
        f"{total[0].tp}/{total[0].fp}/{total[0].fn} | {middle:.0f} | {sum(seconds):.1f} |"
    )


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--split", choices=("train", "test"), default="test")
    parser.add_argument("--sets", nargs="+", choices=tuple(SETS), default=["dsb2018"])
    options = parser.parse_args()
    for package in ("numpy", "scipy", "scikit-image"):
        print(f"{package} {version(package)}", end=", ")
    print(f"cellwright {__version__}, Python {platform.python_version()}, {platform.machine()}")
    for name in options.sets:
        print(f"{name}: {SETTINGS[name]}")
    print("| images | count | " + " | ".join(f"{i:.1f}" for i in IOUS), end=" | ")
    print("tp/fp/fn at 0.5 | ms per image (median) | s in all |")
    print("| --- " * (len(IOUS) + 5) + "|")
    for name in options.sets:
        print(line(name, options.data, options.split), flush=True)


if __name__ == "__main__":
    main()
