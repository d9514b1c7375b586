"""Simulate one field in bright field and fluorescence and look into it.

Run it with the folder the pictures go to: ``python simulate_a_field.py pictures``
"""

import sys
from pathlib import Path

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import numpy as np

from cellwright.synth import simulate_field

# The same numbers give the same bytes, here and tomorrow.
sample = simulate_field(seed=7, field=0, modality="both", planes=5, overlap=0.3, kind="mixed")
cells = sample.instances
print(f"{sample.name}: {len(cells)} cells, image {sample.image.data.shape} {sample.image.axes}")

# The masks are amodal: where cells overlap, each keeps its whole outline.
overlapping = [tags for tags in cells.tags if tags["shared"] > 0]
print(f"{len(overlapping)} of them overlap another cell")

figure, axes = plt.subplots(2, 5, figsize=(12.5, 5), layout="constrained")
for channel, name in enumerate(sample.image.channels):
    for plane in range(5):
        ax = axes[channel, plane]
        ax.imshow(sample.image.data[plane, channel], cmap="gray")
        height = 2 * (plane - 2)
        ax.set_title(f"{name}, {height:+d} um" if height else f"{name}, in focus", fontsize=9)
        ax.set_axis_off()
        if height == 0:
            for box, mask in zip(cells.boxes, cells.masks, strict=True):
                rows = np.arange(box[0] - 1, box[2] + 1)
                cols = np.arange(box[1] - 1, box[3] + 1)
                ax.contour(cols, rows, np.pad(mask, 1), [0.5], colors="C1", linewidths=0.7)

folder = Path(sys.argv[1] if len(sys.argv) > 1 else ".")
folder.mkdir(parents=True, exist_ok=True)
figure.savefig(folder / "simulated_field.png", dpi=100)
