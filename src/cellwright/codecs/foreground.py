"""Foreground codec: semantic maps, connected regions as cells (P2; P3's semantic half).

Touching cells are told apart by a watershed of the Euclidean distance inside the
foreground; without it (`split` off) each connected region is one cell.
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
from cellwright.codecs.seeds import distance_seeds
from cellwright.types import Instances


@dataclass(frozen=True, slots=True)
class ForegroundCodec:
    """Foreground probability per class.

    Parameters
    ----------
    class_names
        Names of the classes, one map each.
    foreground
        Probability above which a pixel belongs to a cell.
    split
        Whether touching cells are told apart by a distance watershed.
    smoothing
        Sigma in pixels applied to the distance before its maxima become seeds.
    min_area
        Cells of fewer pixels are left out.
    """

    class_names: tuple[str, ...] = ("cell",)
    foreground: float = 0.5
    split: bool = True
    smoothing: float = 2.0
    min_area: int = 15

    #: settings tried on the tuning fold, by field
    grid: ClassVar[dict[str, tuple[float, ...]]] = {
        "foreground": (0.3, 0.4, 0.5, 0.6, 0.7),
        "smoothing": (1.0, 2.0, 3.0),
        "min_area": (5, 15, 30),
    }

    @property
    def maps(self) -> dict[str, int]:
        """Names of the maps and the channels of each."""
        return {"foreground": len(self.class_names)}

    def encode(self, instances: Instances) -> dict[str, Tensor]:
        """``foreground``: (class, row, column), 1 inside any cell of the class."""
        return {"foreground": torch.from_numpy(paint(instances, np.asarray))}

    def decode(self, outputs: Mapping[str, Tensor]) -> Instances:
        """Cells from probabilities ``foreground`` of one image, (class, row, column)."""
        probability = outputs["foreground"].float().numpy()
        return Instances.concatenate(
            scored(
                self._label(p),
                p,
                min_area=self.min_area,
                kind=k,
                class_names=self.class_names,
            )
            for k, p in enumerate(probability)
        )

    def _label(self, probability: np.ndarray) -> np.ndarray:
        inside = probability > self.foreground
        if not self.split:
            return ndimage.label(inside)[0]
        from skimage.segmentation import watershed

        seeds, depth = distance_seeds(inside, smoothing=self.smoothing)
        return watershed(-depth, seeds, mask=inside)
