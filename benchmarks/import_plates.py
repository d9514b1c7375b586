"""Plates by flags alone: commands on real and simulated plates, with an independent count.

    python benchmarks/import_plates.py [--data DATA] [--work DIR]

Runs `cellwright import` as a user would, on baby_yeast (five planes side by side in a picture,
an outline tile a cell), isl (phase z-planes and DAPI of one field), cellprofiler (channels in
file names) and a simulated plate in P2's names with seven planes in two modalities. Counts the
cells of baby_yeast once more, from its own notes in the PNG files, and compares areas with
outlines filled by SciPy. Prints a Markdown table; exits with 1 if a count differs.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from commands import DATA, cellwright
from PIL import Image as Photo
from scipy import ndimage

from cellwright import open_dataset, simulate

YEAST = ("--pattern", "{trap}_Brightfield", "--mask-pattern", "{trap}_segoutlines",
         "--mask-tiles", "cells")  # fmt: skip
TRAPS = ("--split-columns", "5", "--where", "trap=evolve*,prime95b_testA")
PARTS = ("--split", "test:trap=evolve_testF*,evolve_testG*,prime95b_testA")
ISL = (
    "--pattern", "*well-{well},*z_depth-{z},channel-{channel},*",
    "--pattern", "*well-{well},*MAXPROJECT,channel-{channel},*",
    "--channel", "PHASE_CONTRAST=phase", "--channel", "DAPI_CONFOCAL=dapi",
)  # fmt: skip
HUMAN = ("--pattern", "*_{well:[A-P][0-9]+}f{site}d{channel}",
         "--pattern", "{dish}-{hour}hr{channel:h2ax|hoe}{site}")  # fmt: skip
P2 = ("--channel", "1=brightfield", "--channel", "2=fluorescence",
      "--mask-pattern", "xy{position}_{cell}", "--split", "test:position=2")  # fmt: skip


@dataclass(frozen=True)
class Case:
    """A command, and which cells must come out: see `expected`; None says nothing of areas."""

    name: str
    sources: tuple[str, ...]
    flags: tuple[str, ...]
    cells: str | None = "none"


CASES = (
    Case("yeast, stacks", ("baby_yeast",), (*YEAST, *TRAPS, *PARTS), "traps"),
    Case("yeast, a plane each", ("baby_yeast",), (*YEAST, *TRAPS, "--planes", "each"), "planes"),
    Case("yeast, focus stack, 162 x 162", ("baby_yeast",),
         (*YEAST, *TRAPS, "--project", "focus", "--resize", "162", "162"), None),
    Case("yeast, mother machine", ("baby_yeast",),
         (*YEAST, "--where", "trap=mmsCMOS*", "--pixel-size", "0.065"), "mms"),
    Case("isl, stack", ("isl",), ISL),
    Case("isl, median, phase alone", ("isl",),
         (*ISL, "--keep-channels", "phase", "--project", "median")),
    Case("isl, each plane and modality", ("isl",),
         (*ISL, "--planes", "each", "--modalities", "each")),
    Case("cellprofiler", ("cellprofiler",), HUMAN),
    Case("P2 plate, bright field, a plane each", ("plate",),
         (*P2, "--keep-channels", "brightfield", "--planes", "each"), "states x 7"),
    Case("P2 plate, both, an image each", ("plate",),
         (*P2, "--planes", "each", "--modalities", "each"), "states x 14"),
    Case("P2 plate, median, 512 x 512", ("plate",),
         (*P2, "--project", "median", "--resize", "512", "512"), None),
    Case("P2 plate, stacks", ("plate",), P2, "states"),
)  # fmt: skip


def plate(work: Path) -> tuple[Path, Path, list[int]]:
    """A simulated plate in P2's names, a mask file a cell, and the areas of its cells."""
    simulated = simulate(work / "sim", fields=3, planes=7, modality="both", raw=True,
                         shape=(768, 512), quiet=True)  # fmt: skip
    masks, areas = work / "masks", []
    masks.mkdir(parents=True, exist_ok=True)
    for position, sample in enumerate(open_dataset(work / "sim"), 1):
        cells = sample.instances
        assert cells is not None
        for i, ((row0, col0, row1, col1), mask) in enumerate(
            zip(cells.boxes, cells.masks, strict=True)
        ):
            whole = np.zeros(cells.shape, np.uint8)
            whole[row0:row1, col0:col1] = mask * np.uint8(255)
            Photo.fromarray(whole).save(masks / f"xy{position}_{i}.png")
            areas.append(int(np.count_nonzero(whole)))
    return simulated.details["raw"], masks, areas


def yeast_cells(folder: Path) -> dict[str, list[int]]:
    """Areas of the cells of each trap, by the tile size in the PNG's note and SciPy alone."""
    found = {}
    for path in sorted(folder.glob("*_segoutlines.png")):
        with Photo.open(path) as photo:
            about = json.loads(photo.info["Description"])
            lines = np.array(photo) > 0
        width = about["tilesize"][1]
        tiles = [lines[:, i : i + width] for i in range(0, lines.shape[1], width)]
        areas = [int(ndimage.binary_fill_holes(t).sum()) for t in tiles if t.any()]
        labels = about["cellLabels"]
        named = 0 if labels is None else len(np.atleast_1d(labels))
        assert named == len(areas) <= about["ntiles"], path
        found[path.name.removesuffix("_segoutlines.png")] = areas
    return found


def expected(case: Case, truth: dict[str, list[int]], states: list[int]) -> list[int] | None:
    """Areas that must come out, in any order; None where none are known."""
    traps = [a for n, areas in truth.items() for a in areas if n.startswith(("evolve", "prime"))]
    mms = [a for n, areas in truth.items() for a in areas if n.startswith("mms")]
    known = {"traps": traps, "planes": traps * 5, "mms": mms, "none": [],
             "states": states, "states x 7": states * 7, "states x 14": states * 14}  # fmt: skip
    return known[case.cells] if case.cells is not None else None


def main() -> int:
    """Run the commands and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=DATA)
    parser.add_argument("--work", type=Path)
    options = parser.parse_args()
    work = options.work or Path(tempfile.mkdtemp(prefix="import-plates-"))
    raw, states, areas_of_states = plate(work)
    truth = yeast_cells(options.data / "baby_yeast")
    print("| plate | images | axes | size | channels | cells | areas as counted apart | seconds |")
    print("| --- | --- | --- | --- | --- | --- | --- | --- |")
    wrong = 0
    for number, case in enumerate(CASES):
        out = work / f"case{number}"
        sources = [raw if s == "plate" else options.data / s
                   for s in case.sources]  # fmt: skip
        place = states if case.sources == ("plate",) else sources[0]
        masks = ("--masks", place) if "--mask-pattern" in case.flags else ()
        start = time.perf_counter()
        cellwright("import", *sources, "-o", out, *case.flags, *masks)
        seconds = time.perf_counter() - start
        data = open_dataset(out)
        areas = sorted(int(a) for i in range(len(data)) for a in data.instances(i).areas)
        want = expected(case, truth, areas_of_states)
        same = "-" if want is None else "yes" if areas == sorted(want) else "NO"
        wrong += same == "NO"
        first = data[0].image
        print(
            f"| {case.name} | {len(data)} | {first.axes} | {first.shape[0]} x {first.shape[1]} | "
            f"{', '.join(first.channels) or '-'} | {len(areas)} | {same} | {seconds:.1f} |"
        )
    print()
    for case in CASES:
        words = " ".join(f"'{w}'" if set(w) & set("{}*") else w for w in case.flags)
        source = case.sources[0]
        place = "masks" if source == "plate" else source
        masks = f"--masks {place} " if "--mask-pattern" in case.flags else ""
        print(f"{case.name}:\n    cellwright import {source} -o data {masks}{words}")
    return wrong


if __name__ == "__main__":
    sys.exit(main())
