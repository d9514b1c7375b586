"""Seconds and peak memory of geometry, overlaps and measurements on a crowded frame.

5,000 overlapping elliptical cells of 20 to 40 pixels on 3600 x 4128 pixels. A dense array of
their masks would hold 74 GB.

    python benchmarks/geometry.py [--cells 5000]
"""

from __future__ import annotations

import argparse
import platform
import time
import tracemalloc
from collections.abc import Callable
from typing import Any

import numpy as np

from cellwright import geometry, overlap
from cellwright.measure import measure
from cellwright.types import Image, Instances

SHAPE = (3600, 4128)


def crowd(count: int, seed: int = 0) -> Instances:
    """`count` turned ellipses at random places, overlapping."""
    rng = np.random.default_rng(seed)
    grid = np.mgrid[-20:20, -20:20] + 0.5
    boxes, masks = [], []
    for _ in range(count):
        row, column = rng.integers(0, SHAPE[0] - 40), rng.integers(0, SHAPE[1] - 40)
        turn, long, wide = rng.uniform(0, np.pi), rng.uniform(14, 20), rng.uniform(10, 14)
        along = grid[0] * np.cos(turn) + grid[1] * np.sin(turn)
        across = grid[1] * np.cos(turn) - grid[0] * np.sin(turn)
        boxes.append((row, column, row + 40, column + 40))
        masks.append((along / long) ** 2 + (across / wide) ** 2 <= 1)
    return geometry.tighten(Instances(SHAPE, np.array(boxes), tuple(masks)))


def timed(name: str, action: Callable[[], Any], repeats: int = 3) -> Any:
    """Print the best of `repeats` times and the peak of traced memory; return the result."""
    result, seconds = None, []
    for _ in range(repeats):
        start = time.perf_counter()
        result = action()
        seconds.append(time.perf_counter() - start)
    tracemalloc.start()
    action()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    print(f"{name:<34} {min(seconds):9.4f} s {peak / 1e6:9.1f} MB")
    return result


def main() -> None:
    """Run all timings."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cells", type=int, default=5000)
    cells = crowd(parser.parse_args().cells)
    moved = geometry.shift(cells, (3, 4), SHAPE)
    image = Image(np.random.default_rng(0).integers(0, 4096, SHAPE).astype(np.uint16))
    print(f"{len(cells)} cells on {SHAPE[0]} x {SHAPE[1]}, {platform.processor()}")
    print(f"{'':<34} {'time':>11} {'peak':>12}")
    labels = timed("to_label_map", lambda: geometry.to_label_map(cells))
    timed("from_label_map", lambda: geometry.from_label_map(labels))
    rles = timed("encode_rle", lambda: geometry.encode_rle(cells))
    timed("decode_rle", lambda: geometry.decode_rle(rles, SHAPE))
    outlines = timed(
        "outline_polygons, all cells",
        lambda: [
            geometry.outline_polygons(m, tuple(b[:2]))
            for m, b in zip(cells.masks, cells.boxes, strict=True)
        ],
    )
    timed("fill_outline, all cells", lambda: [geometry.fill_outline(p, SHAPE) for p in outlines])
    timed(
        "rasterise_polygons, all cells",
        lambda: [geometry.rasterise_polygons([p[0].exterior], SHAPE) for p in outlines],
    )
    pairs = timed("intersections", lambda: overlap.intersections(cells, moved))
    print(f"  pairs that share pixels: {len(pairs[0])}")
    timed("iou", lambda: overlap.iou(cells, moved))
    timed("overlap_map", lambda: overlap.overlap_map(cells))
    timed("measure, one channel", lambda: measure(image, cells), repeats=1)
    window = (1000, 1000, 1340, 1340)
    few = geometry.crop(cells, window)
    print(f"in the training loop, {len(few)} cells")
    timed("crop out of the frame", lambda: geometry.crop(cells, window))
    timed("crop 256", lambda: geometry.crop(few, (40, 40, 296, 296)))
    timed("flip", lambda: geometry.flip(few, 1))
    timed("rot90", lambda: geometry.rot90(few))
    timed("resize", lambda: geometry.resize(few, (256, 256)))


if __name__ == "__main__":
    main()
