"""Distance codec: foreground and normalised distance, seeded watershed to cells.

Source: distance regression with a seeded watershed as in Naylor et al. 2019 (DIST) and
P4 5.4's watershed from decoded maps. Each cell's Euclidean distance to its own border is
divided by its maximum, so that the centre of a small cell is as high as that of a large one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import torch
from scipy import ndimage
from torch import Tensor

from cellwright.codecs.regions import paint, scored
from cellwright.types import Instances


def normalised_distance(mask: np.ndarray) -> np.ndarray:
    """Distance to the border over its maximum, float32 in [0, 1], zero outside `mask`.

    The outermost pixels of the cell are at distance 1 before the division; a cell
    cut by the image's frame ends there.

    Examples
    --------
    >>> normalised_distance(np.ones((1, 3), dtype=bool)).tolist()
    [[1.0, 1.0, 1.0]]
    """
    depth = ndimage.distance_transform_edt(np.pad(mask, 1))[1:-1, 1:-1]
    return (depth / max(depth.max(initial=0), 1e-9)).astype(np.float32)


@dataclass(frozen=True, slots=True)
class DistanceCodec:
    """Foreground and normalised distance per class.

    Parameters
    ----------
    class_names
        Names of the classes; each has a foreground and a distance map.
    foreground
        Probability above which a pixel belongs to a cell.
    seed
        Distance above which a connected region is one cell's seed.
    faint_seed
        Lower distance: a region above it that holds no region above `seed` is a seed too.
    min_area
        Cells of fewer pixels are left out.
    """

    class_names: tuple[str, ...] = ("cell",)
    foreground: float = 0.5
    seed: float = 0.6
    faint_seed: float = 0.3
    min_area: int = 15

    #: settings tried on the tuning fold, by field
    grid: ClassVar[dict[str, tuple[float, ...]]] = {
        "foreground": (0.3, 0.4, 0.5, 0.6),
        "seed": (0.4, 0.5, 0.6, 0.7, 0.8),
        "faint_seed": (0.1, 0.2, 0.3, 0.4),
        "min_area": (5, 15, 30, 60),
    }

    @property
    def maps(self) -> dict[str, int]:
        """Names of the maps and the channels of each."""
        return {"foreground": len(self.class_names), "distance": len(self.class_names)}

    def encode(self, instances: Instances) -> dict[str, Tensor]:
        """``foreground`` and ``distance``, each (class, row, column) float32 in [0, 1]."""
        return {
            "foreground": torch.from_numpy(paint(instances, np.asarray)),
            "distance": torch.from_numpy(paint(instances, normalised_distance)),
        }

    def decode(self, outputs: Mapping[str, Tensor]) -> Instances:
        """Cells from the probabilities of one image, each map (class, row, column)."""
        foreground = outputs["foreground"].float().numpy()
        distance = outputs["distance"].float().numpy()
        return Instances.concatenate(
            scored(
                self._label(f, d), f, min_area=self.min_area, kind=k, class_names=self.class_names
            )
            for k, (f, d) in enumerate(zip(foreground, distance, strict=True))
        )

    def _label(self, foreground: np.ndarray, distance: np.ndarray) -> np.ndarray:
        from skimage.segmentation import watershed

        inside = foreground > self.foreground
        seeds = two_level_seeds(np.where(inside, distance, 0), self.seed, self.faint_seed)
        return watershed(-distance, seeds, mask=inside)


def two_level_seeds(distance: np.ndarray, high: float, low: float) -> np.ndarray:
    """Regions above `high`, and regions above `low` that hold none of those, labelled from 1.

    Examples
    --------
    >>> two_level_seeds(np.array([[0.9, 0.5, 0.9, 0.0, 0.5]]), 0.6, 0.3).tolist()
    [[1, 0, 2, 0, 3]]
    """
    strong, count = ndimage.label(distance > high)
    if low >= high:
        return strong
    weak, total = ndimage.label(distance > low)
    bare = np.ones(total + 1, dtype=bool)
    bare[0] = False
    bare[weak[strong > 0]] = False
    numbers = np.zeros(total + 1, dtype=strong.dtype)
    numbers[bare] = count + 1 + np.arange(np.count_nonzero(bare))
    return np.where(strong > 0, strong, numbers[weak])
