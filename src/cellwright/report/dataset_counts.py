"""What is known of the cells of a data set without reading its images."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

import numpy as np

from cellwright.evaluate.classes import cells_and_crowds
from cellwright.formats.dataset import Dataset
from cellwright.overlap import intersections


@dataclass(frozen=True, slots=True)
class CellCounts:
    """What is known of the cells of a data set without reading its images.

    Parameters
    ----------
    per_image
        Cells of each image; None for one that is not annotated.
    areas
        Pixels of each cell, all images after another.
    densities
        Cells per megapixel of each annotated image.
    square_um, per_mm2
        Areas in square micrometres and cells per square millimetre, of the annotated
        images whose pixel size is known.
    overlapping
        Cells that share a pixel with another one.
    classes
        Cells of each class by name.
    """

    per_image: tuple[int | None, ...]
    areas: np.ndarray
    densities: np.ndarray
    square_um: np.ndarray
    per_mm2: np.ndarray
    overlapping: int
    classes: dict[str, int]

    @property
    def known(self) -> list[int]:
        """Cells of each annotated image."""
        return [count for count in self.per_image if count is not None]


def count_cells(dataset: Dataset) -> CellCounts:
    """Numbers, areas, densities and overlaps of all cells of `dataset`, crowds apart."""
    areas, densities, overlapping = [], [], 0
    per_image: list[int | None] = []
    square_um, per_mm2 = [], []
    classes: Counter[str] = Counter()
    for index in range(len(dataset)):
        if not dataset.labelled(index):
            per_image.append(None)
            continue
        cells = cells_and_crowds(dataset.instances(index))[0]
        per_image.append(len(cells))
        pixels, sizes = cells.shape[0] * cells.shape[1], cells.areas
        areas.append(sizes)
        densities.append(len(cells) / pixels * 1e6)
        if size := dataset.record(index).get("pixel_size"):
            square = float(size[0]) * float(size[1])
            square_um.append(sizes * square)
            per_mm2.append(len(cells) / (pixels * square) * 1e6)
        first, second, _ = intersections(cells, cells)
        overlapping += len(np.unique(first[first != second]))
        classes.update(cells.class_names[c] for c in cells.classes)
    return CellCounts(
        tuple(per_image),
        np.concatenate(areas) if areas else np.zeros(0, np.int64),
        np.array(densities),
        np.concatenate(square_um) if square_um else np.zeros(0),
        np.array(per_mm2),
        overlapping,
        dict(classes),
    )
