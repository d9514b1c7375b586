"""Codec of the detectors: a box, a class, a score and a small mask for each cell.

Mask R-CNN (He et al. 2017, arXiv 1703.06870, section 3) and CenterMask (Lee and Park 2020)
draw each mask on a square grid inside its box; here the grid is brought back to pixels. Our
own code (BSD-3-Clause), written from the papers.

Deviation: torchvision rounds a box to whole pixels before it pastes the mask, which moves the
outline of a small cell by up to a pixel. Here the grid is read at the centre of each pixel;
`whole_pixels` gives torchvision's masks.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from torch import Tensor

from cellwright.codecs.instances import FLOOR, RAGGED, cell_targets, kept
from cellwright.types import Instances


@dataclass(frozen=True, slots=True)
class BoxCodec:
    """Boxes with masks inside them.

    Parameters
    ----------
    class_names
        Names of the classes; label 1 is the first of them.
    score
        Detections of a lower score are left out.
    nms
        Of two cells of one class whose masks have a larger IoU, the better one stays.
    min_area
        Cells of fewer pixels are left out.
    foreground
        Probability from which on a pixel of a box belongs to its cell.
    whole_pixels
        Whether boxes are rounded to whole pixels before, as torchvision does.
    capacity
        Most cells that the network finds in an image; None for no limit.
    """

    class_names: tuple[str, ...] = ("cell",)
    score: float = 0.5
    nms: float = 0.7
    min_area: int = 10
    foreground: float = 0.5
    whole_pixels: bool = False
    capacity: int | None = None

    #: targets with one entry per cell
    ragged: ClassVar[tuple[str, ...]] = RAGGED
    #: outputs of the network that `candidates` takes
    reads: ClassVar[tuple[str, ...]] = ("boxes", "labels", "scores", "masks")
    #: settings tried on the tuning fold, by field
    grid: ClassVar[dict[str, tuple[float, ...]]] = {
        "score": (0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9),
        "nms": (0.3, 0.5, 0.7, 1.0),
        "min_area": (5, 15, 30),
    }

    def encode(self, instances: Instances) -> dict[str, Tensor]:
        """``boxes``, ``classes`` and ``crops`` of the cells, as of `cell_targets`."""
        return cell_targets(instances)

    def candidates(
        self,
        outputs: Mapping[str, Tensor],
        *,
        shape: tuple[int, int],
        padded: tuple[int, int] | None = None,
        least: float = FLOOR,
    ) -> Instances:
        """All detections of one image that have a pixel inside it.

        Parameters
        ----------
        outputs
            ``boxes`` (cell, 4) as x0, y0, x1, y1 in pixels of the padded image, ``labels``
            (cell,) from 1, ``scores`` (cell,), ``masks`` (cell, 1, S, S) probabilities on a
            grid that fills the box.
        shape
            Rows and columns of the image, which lies in the upper left of the padded one.
        padded
            Rows and columns of the padded image.
        least
            Detections of a lower score are left out.
        """
        found = {name: outputs[name].detach().float().cpu().numpy() for name in self.reads}
        corners = found["boxes"][:, [1, 0, 3, 2]].astype(np.float64)
        boxes, masks, whose = [], [], []
        for number in np.flatnonzero(found["scores"] >= least).tolist():
            box, mask = paste(
                found["masks"][number, 0],
                corners[number],
                shape,
                foreground=self.foreground,
                whole_pixels=self.whole_pixels,
            )
            if mask.size:
                boxes.append(box)
                masks.append(mask)
                whose.append(number)
        return Instances(
            shape,
            np.array(boxes, dtype=np.int64).reshape(-1, 4),
            tuple(masks),
            np.clip(found["scores"][whose], 0, 1),
            found["labels"][whose].astype(np.int64) - 1,
            self.class_names,
        )

    def select(self, candidates: Instances) -> Instances:
        """The candidates that are taken for cells."""
        return kept(candidates, score=self.score, nms=self.nms, min_area=self.min_area)

    def decode(
        self,
        outputs: Mapping[str, Tensor],
        *,
        shape: tuple[int, int],
        padded: tuple[int, int] | None = None,
        least: float = FLOOR,
    ) -> Instances:
        """The cells of one image from its detections."""
        return self.select(self.candidates(outputs, shape=shape, padded=padded))


def paste(
    grid: np.ndarray,
    box: np.ndarray,
    shape: tuple[int, int],
    *,
    foreground: float = 0.5,
    whole_pixels: bool = False,
) -> tuple[tuple[int, int, int, int], np.ndarray]:
    """The mask that a grid of probabilities draws in its box, cut at the edge of the image.

    The grid is interpolated linearly between the centres of its entries and falls to zero
    outside. With `whole_pixels` the result is torchvision's `paste_masks_in_image`.

    Parameters
    ----------
    grid
        (S, S) probabilities; entry [0, 0] is the upper left of the box.
    box
        ``(row0, col0, row1, col1)`` of the grid, any real numbers.
    shape
        Rows and columns of the image.

    Returns
    -------
    Half-open box of the mask and its pixels; a mask without pixels has size 0.

    Examples
    --------
    >>> box, mask = paste(np.ones((4, 4)), np.array([2.0, 1.0, 4.0, 4.0]), (8, 3))
    >>> box, mask.shape
    ((2, 1, 4, 3), (2, 2))
    """
    bins = len(grid)
    first, last, weights = [], [], []
    for axis in (0, 1):
        start, stop = float(box[axis]), float(box[axis + 2])
        around = max(stop - start, 0.0) / bins
        start, stop = start - around, stop + around
        if whole_pixels:
            start, stop = float(int(start)), float(int(stop) + 1)
        low, high = max(int(np.floor(start)), 0), min(int(np.ceil(stop)), shape[axis])
        first.append(low)
        last.append(high)
        weights.append(_hat(np.arange(low, high) + 0.5, start, stop, bins))
    inside = weights[0] @ grid @ weights[1].T >= foreground
    rows, cols = np.flatnonzero(inside.any(axis=1)), np.flatnonzero(inside.any(axis=0))
    if not len(rows):
        return (0, 0, 0, 0), np.zeros((0, 0), dtype=bool)
    window = (slice(rows[0], rows[-1] + 1), slice(cols[0], cols[-1] + 1))
    row, col = first
    place = (
        int(row + rows[0]),
        int(col + cols[0]),
        int(row + rows[-1] + 1),
        int(col + cols[-1]) + 1,
    )
    return place, inside[window].copy()


def _hat(centres: np.ndarray, start: float, stop: float, bins: int) -> np.ndarray:
    """(pixel, bin) weights of linear interpolation; an empty bin lies at start and at stop."""
    if stop <= start:
        return np.zeros((len(centres), bins))
    at = (centres - start) * ((bins + 2) / (stop - start)) - 1.5
    return np.clip(1 - np.abs(at[:, None] - np.arange(bins)), 0, None)
