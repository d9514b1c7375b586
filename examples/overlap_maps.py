"""The maps of how likely an overlap is, v0 to v4, of one simulated field (P4 Fig. 5.2).

Run it with the folder the picture goes to: ``python overlap_maps.py pictures``
"""

import sys
from pathlib import Path

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import numpy as np

from cellwright.codecs.likelihood import MAPS, overlap_likelihood
from cellwright.overlap import overlap_map
from cellwright.synth import simulate_field

sample = simulate_field(seed=5, shape=(200, 200), cells=26, overlap=0.6, kind="mixed", nuclei=True)
cells = sample.instances[sample.instances.classes == 0]
shared = overlap_map(cells)
print(f"{len(cells)} cells, {int(shared.sum())} pixels under two of them or more")

figure, axes = plt.subplots(2, 3, figsize=(10.2, 6.4), layout="constrained")
axes[0, 0].imshow(sample.image.data, cmap="gray")
axes[0, 0].set_title("cells (overlaps filled)", fontsize=10)
axes[0, 0].contourf(shared, [0.5, 1.5], colors=["C3"], alpha=0.6)
for ax, version in zip(axes.flat[1:], MAPS, strict=True):
    likelihood = overlap_likelihood(sample.instances, version)
    shown = ax.imshow(likelihood, cmap="magma", vmin=0, vmax=1)
    on, off = likelihood[shared].mean(), likelihood[~shared].mean()
    ax.set_title(f"{version}: {on:.2f} on overlaps, {off:.2f} elsewhere", fontsize=10)
    print(f"{version}: mean {on:.2f} on the annotated overlaps, {off:.2f} elsewhere")
for ax in axes.flat:
    ax.set_axis_off()
    for box, mask in zip(cells.boxes, cells.masks, strict=True):
        rows = np.arange(box[0] - 1, box[2] + 1)
        cols = np.arange(box[1] - 1, box[3] + 1)
        ax.contour(cols, rows, np.pad(mask, 1), [0.5], colors="w", linewidths=0.5)
    ax.set(xlim=(-0.5, 199.5), ylim=(199.5, -0.5))
figure.colorbar(shown, ax=axes, shrink=0.7, label="likelihood of an overlap")

folder = Path(sys.argv[1] if len(sys.argv) > 1 else ".")
folder.mkdir(parents=True, exist_ok=True)
figure.savefig(folder / "overlap-maps.png", dpi=80)
