"""A picture of every preset of the simulator: the image, and the image with its true outlines.

    python examples/presets.py [presets.png]

Two fields of each, of 240 x 240 pixels: the first one twice, with and without its outlines.
"""

from __future__ import annotations

import sys

import numpy as np
from PIL import Image
from skimage.segmentation import find_boundaries

from cellwright.synth import simulate_field
from cellwright.synth.presets import PRESETS, draw_preset
from cellwright.types import Sample

SIDE = 240
YELLOW = np.array([255, 200, 0], np.uint8)


def picture(sample: Sample, *, outlined: bool) -> np.ndarray:
    """(row, column, 3) uint8 of the first plane, with yellow outlines of its cells."""
    plane = sample.image.stack()[0].astype(float)
    low, high = np.percentile(plane, [0.5, 99.7])
    grey = np.clip((plane - low) / (high - low) * 255, 0, 255).astype(np.uint8)
    colours = np.stack([grey] * 3, axis=-1)
    cells = sample.instances
    assert cells is not None
    for (r0, c0, r1, c1), mask in zip(cells.boxes.tolist(), cells.masks, strict=True):
        edge = find_boundaries(np.pad(mask, 1), mode="inner")[1:-1, 1:-1]
        if outlined:
            colours[r0:r1, c0:c1][edge] = YELLOW
    return colours


def main(target: str) -> None:
    """Write the picture: one row of two fields for each preset, in two columns."""
    rows = []
    for name in PRESETS:
        tiles = []
        for field in range(2):
            drawn = draw_preset(name, 1, field)
            options = {**drawn.arguments, "microscope": drawn.microscope}
            sample = simulate_field(1, field, shape=(SIDE, SIDE), **options)
            tiles += [picture(sample, outlined=False), picture(sample, outlined=True)][: 2 - field]
        print(f"{name}: {PRESETS[name].about}")
        rows.append(np.concatenate(tiles, axis=1))
    Image.fromarray(np.concatenate(rows)).quantize(96).save(target, optimize=True)


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else "presets.png")
