"""Distance codec: foreground and normalised distance, seeded watershed to cells.

Source: distance regression with a seeded watershed as in Naylor et al. 2019 (DIST) and
P4 5.4's watershed from decoded maps. Each cell's Euclidean distance to its own border is
scaled from 0 on its outermost pixels to 1 at its centre, so that the centre of a small cell
is as high as that of a large one and the pass between two touching cells is as low as can be.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import torch
from scipy import ndimage
from torch import Tensor

from cellwright.codecs.peaks import prominent_basins
from cellwright.codecs.regions import paint, scored
from cellwright.types import Instances


def normalised_distance(mask: np.ndarray) -> np.ndarray:
    """Distance to the border, 0 on the outermost pixels and 1 at the deepest, float32.

    A cell cut by the image's frame ends there; one that is nowhere deeper than its outermost
    pixels is 1 everywhere.

    Examples
    --------
    >>> normalised_distance(np.ones((3, 3), dtype=bool)).tolist()
    [[0.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 0.0]]
    """
    depth = ndimage.distance_transform_edt(np.pad(mask, 1))[1:-1, 1:-1]
    deepest = depth.max(initial=0)
    if deepest <= 1:
        return mask.astype(np.float32)
    return (np.maximum(depth - 1, 0) / (deepest - 1)).astype(np.float32)


@dataclass(frozen=True, slots=True)
class DistanceCodec:
    """Foreground and normalised distance per class.

    Parameters
    ----------
    class_names
        Names of the classes; each has a foreground and a distance map.
    foreground
        Probability above which a pixel belongs to a cell.
    prominence
        Height in the distance map by which a cell's peak stands out of the pass to its
        neighbour; less makes more cells.
    least_peak
        Height that a peak must have to be a cell.
    smoothing
        Sigma in pixels of the smoothing of the distance map.
    min_area
        Cells of fewer pixels are left out.
    """

    class_names: tuple[str, ...] = ("cell",)
    foreground: float = 0.5
    prominence: float = 0.2
    least_peak: float = 0.1
    smoothing: float = 0.7
    min_area: int = 15

    #: settings tried on the tuning fold, by field
    grid: ClassVar[dict[str, tuple[float, ...]]] = {
        "foreground": (0.3, 0.4, 0.5, 0.6),
        "prominence": (0.1, 0.15, 0.2, 0.25, 0.3, 0.4),
        "least_peak": (0.05, 0.1, 0.2, 0.3),
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
        return prominent_basins(
            ndimage.gaussian_filter(distance, self.smoothing),
            foreground > self.foreground,
            prominence=self.prominence,
            least=self.least_peak,
        )
