"""Borders codec: foreground, distance, and the borders between touching cells.

Source: the third map is that of the best entries of the 2018 Data Science Bowl (Caicedo et al.
2019, Nature Methods 16, 1247), which learnt where nuclei touch; the other two are those of
`cellwright.codecs.distance`. A border lowers the pass between two cells where the distance alone
leaves them together.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import torch
from scipy import ndimage
from torch import Tensor

from cellwright.codecs.distance import normalised_distance
from cellwright.codecs.peaks import prominent_basins
from cellwright.codecs.regions import paint, scored
from cellwright.types import Instances

#: cells of a larger area, in pixels, have borders of twice the width
SMALL = 200


def touching_borders(instances: Instances) -> np.ndarray:
    """Pixels within reach of two cells of one class, (class, row, column) float32 of 0 and 1.

    The reach is one pixel beyond a cell of up to `SMALL` pixels, else two.

    Examples
    --------
    >>> import numpy as np
    >>> from cellwright.geometry import from_label_map
    >>> touching_borders(from_label_map(np.array([[1, 1, 1, 2, 2, 2, 0, 0]])))[0].tolist()
    [[0.0, 0.0, 1.0, 1.0, 0.0, 0.0, 0.0, 0.0]]
    """
    rows, cols = instances.shape
    count = np.zeros((len(instances.class_names), rows, cols), dtype=np.uint8)
    square = np.ones((3, 3), dtype=bool)
    for (r0, c0, r1, c1), mask, kind in zip(
        instances.boxes, instances.masks, instances.classes, strict=True
    ):
        reach = 1 if np.count_nonzero(mask) <= SMALL else 2
        grown = ndimage.binary_dilation(np.pad(mask, reach), square, iterations=reach)
        top, left = max(reach - r0, 0), max(reach - c0, 0)
        view = count[kind, max(r0 - reach, 0) : r1 + reach, max(c0 - reach, 0) : c1 + reach]
        part = grown[top : top + view.shape[0], left : left + view.shape[1]]
        view += part & (view < 2)
    return (count >= 2).astype(np.float32)


@dataclass(frozen=True, slots=True)
class BordersCodec:
    """Foreground, normalised distance and touching borders per class.

    Parameters
    ----------
    class_names
        Names of the classes; each has the three maps.
    foreground, prominence, least_peak, smoothing, min_area
        As of `cellwright.codecs.distance.DistanceCodec`.
    border
        How much of the border map is taken off the distance map, 0 to leave it out.
    """

    class_names: tuple[str, ...] = ("cell",)
    foreground: float = 0.5
    prominence: float = 0.2
    least_peak: float = 0.1
    smoothing: float = 0.7
    border: float = 0.5
    min_area: int = 15

    #: settings tried on the tuning fold, by field
    grid: ClassVar[dict[str, tuple[float, ...]]] = {
        "border": (0.0, 0.25, 0.5, 0.75, 1.0),
        "foreground": (0.3, 0.4, 0.5, 0.6),
        "prominence": (0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.4),
        "least_peak": (0.05, 0.1, 0.2, 0.3),
        "smoothing": (0.5, 0.7, 1.0),
        "min_area": (5, 15, 30, 60),
    }

    @property
    def maps(self) -> dict[str, int]:
        """Names of the maps and the channels of each."""
        return dict.fromkeys(("foreground", "distance", "border"), len(self.class_names))

    def encode(self, instances: Instances) -> dict[str, Tensor]:
        """The three maps, each (class, row, column) float32 in [0, 1]."""
        return {
            "foreground": torch.from_numpy(paint(instances, np.asarray)),
            "distance": torch.from_numpy(paint(instances, normalised_distance)),
            "border": torch.from_numpy(touching_borders(instances)),
        }

    def decode(self, outputs: Mapping[str, Tensor]) -> Instances:
        """Cells from the probabilities of one image, each map (class, row, column)."""
        foreground, distance, border = (
            outputs[name].float().numpy() for name in ("foreground", "distance", "border")
        )
        return Instances.concatenate(
            scored(
                self._label(f, d, b),
                f,
                min_area=self.min_area,
                kind=k,
                class_names=self.class_names,
            )
            for k, (f, d, b) in enumerate(zip(foreground, distance, border, strict=True))
        )

    def _label(
        self, foreground: np.ndarray, distance: np.ndarray, border: np.ndarray
    ) -> np.ndarray:
        land = np.maximum(distance - self.border * border, 0)
        return prominent_basins(
            ndimage.gaussian_filter(land, self.smoothing),
            foreground > self.foreground,
            prominence=self.prominence,
            least=self.least_peak,
        )
