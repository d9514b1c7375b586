"""Large frames: seconds, peak memory and seams (acceptance of the spine, point 2).

    python benchmarks/frames.py -m MODEL [--data DATA] [--large 20000]

Frames are stitched from the dsb2018 `test` fluorescence images, each stretched to its own
percentiles 1 and 99.8 and laid side by side. Every timing runs in a process of its own, so
that its peak memory is that of the whole job: imports, reading, network, masks, writing.
"""

from __future__ import annotations

import argparse
import json
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from commands import DATA

TILES = ((200, 300), (330, 330), (450, 700))


def stitched(data: Path, shape: tuple[int, int]) -> np.ndarray:
    """A frame of `shape`, uint8, filled row by row with the test images, repeated as needed."""
    from cellwright import read_image

    index = json.loads((data / "dsb2018" / "index.json").read_text(encoding="utf-8"))
    names = [e["id"] for e in index if e["split"] == "test" and e["kind"] == "fluorescence"]
    pieces = []
    for name in names:
        plane = read_image(data / "dsb2018" / "test" / "images" / f"{name}.png").stack()[0]
        low, high = np.percentile(plane, [1, 99.8])
        scaled = np.clip((plane - low) / max(high - low, 1), 0, 1)
        pieces.append(np.round(255 * scaled).astype(np.uint8))
    pieces.sort(key=lambda p: p.shape)
    frame = np.zeros(shape, np.uint8)
    number = row = 0
    while row < shape[0]:
        column = height = 0
        while column < shape[1]:
            piece = pieces[number % len(pieces)]
            number += 1
            rows = min(piece.shape[0], shape[0] - row)
            cols = min(piece.shape[1], shape[1] - column)
            frame[row : row + rows, column : column + cols] = piece[:rows, :cols]
            column += cols
            height = max(height, rows)
        row += height
    return frame


def job(image: Path, model: Path, output: Path, arguments: list[str]) -> None:
    """The job of one process: file to COCO and label TIFF; prints its figures as JSON."""
    start = time.perf_counter()
    from cellwright import predict

    options = json.loads(arguments[0]) if arguments else {}
    result = predict([image], model, output, formats=("coco", "labels"), quiet=True, **options)
    end = time.perf_counter()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    figures = {
        "seconds": end - start,
        "segment_seconds": json.loads((output / "run.json").read_text())["images"][0]["seconds"],
        "peak_gib": peak,
        "cells": result.details["cells"],
    }
    print(json.dumps(figures))


def measured(image: Path, model: Path, output: Path, options: dict) -> dict:
    """Run `job` in a fresh process."""
    command = [sys.executable, __file__, "--job", str(image), str(model), str(output)]
    found = subprocess.run(
        [*command, json.dumps(options)], check=True, capture_output=True, text=True
    )
    return json.loads(found.stdout.strip().splitlines()[-1])


def seams(frame: Path, model: Path, folder: Path) -> list[str]:
    """Tiled against untiled: counts, and the smallest IoU of matched cells."""
    from cellwright.evaluate.match import pairs
    from cellwright.formats import read_coco

    lines = []
    whole = folder / "untiled"
    measured(frame, model, whole, {"tile_shape": [4096, 4096]})
    expected = read_coco(whole).instances(0)
    for tile in TILES:
        out = folder / f"tiled-{tile[0]}x{tile[1]}"
        measured(frame, model, out, {"tile_shape": list(tile)})
        found = read_coco(out).instances(0)
        _, _, iou = pairs(expected, found, 0.5)
        lines.append(
            f"| {tile[0]} x {tile[1]} | {len(expected)} | {len(found)} | {len(iou)} "
            f"| {iou.min() if len(iou) else 0:.4f} |"
        )
    return lines


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("-m", "--model", type=Path, required=True)
    parser.add_argument("--data", type=Path, default=DATA)
    parser.add_argument("--large", type=int, default=20000)
    parser.add_argument("--runs", type=int, default=3)
    options = parser.parse_args()
    from cellwright import Image
    from cellwright.formats import write_image

    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        frame = folder / "frame.tif"
        write_image(Image(stitched(options.data, (3600, 4128))), frame)
        runs = [measured(frame, options.model, folder / f"r{i}", {}) for i in range(options.runs)]
        middle = {k: statistics.median(r[k] for r in runs) for k in runs[0]}
        print("| frame | cells | seconds, imports and writing included | segment | peak GiB |")
        print("| --- | --- | --- | --- | --- |")
        print(
            f"| 3600 x 4128 (median of {options.runs}) | {middle['cells']:.0f} "
            f"| {middle['seconds']:.1f} | {middle['segment_seconds']:.1f} "
            f"| {middle['peak_gib']:.2f} |",
            flush=True,
        )
        square = folder / "square.tif"
        write_image(Image(stitched(options.data, (2048, 2048))), square)
        print("\n| tile | cells untiled | cells tiled | matched | smallest IoU |")
        print("| --- | --- | --- | --- | --- |")
        print("\n".join(seams(square, options.model, folder)), flush=True)
        if options.large:
            side = options.large
            big = folder / "large.tif"
            write_image(Image(stitched(options.data, (side, side))), big)
            run = measured(big, options.model, folder / "large", {})
            print(
                f"\n{side} x {side}: {run['seconds']:.0f} s, {run['cells']} cells, "
                f"peak {run['peak_gib']:.2f} GiB"
            )


if __name__ == "__main__":
    if sys.argv[1:2] == ["--job"]:
        job(Path(sys.argv[2]), Path(sys.argv[3]), Path(sys.argv[4]), sys.argv[5:])
    else:
        main()
