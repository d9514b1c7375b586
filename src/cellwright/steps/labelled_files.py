"""Files of labelled cells for other tools: label TIFFs, one array per cell, ImageJ ROIs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from cellwright.formats.atomic import write_json
from cellwright.geometry import to_label_map
from cellwright.label.session.truth import is_on
from cellwright.types import Instances, Sample


def write_files(sample: Sample, folder: Path, kinds: Sequence[str]) -> None:
    """Write the cells of an image as the `kinds` of files that are wanted.

    Parameters
    ----------
    sample
        An image with cells.
    folder
        Of the data set.
    kinds
        Of "labels", "cells", "rois".
    """
    cells = sample.instances
    if cells is None:
        return
    if "labels" in kinds:
        from cellwright.formats.label_map import write_instances as write_labels
        from cellwright.formats.label_map import write_labels as write_map

        write_labels(cells, folder / "labels" / f"{sample.name}.tif")
        digits = len(str(sample.image.size("Z")))
        for plane, labels in per_plane(cells, sample.image.size("Z")):
            name = f"{sample.name}_z{plane + 1:0{digits}d}.tif"
            write_map(labels, folder / "labels" / name)
    if "rois" in kinds and len(cells):
        from cellwright.formats.rois import write_instances as write_rois

        write_rois(cells, folder / "rois" / f"{sample.name}.zip")
    if "cells" in kinds:
        write_crops(cells, folder / "cells", sample.name)


def per_plane(cells: Instances, count: int) -> Iterator[tuple[int, np.ndarray]]:
    """Label map of each plane; a cell has its number in all of them, the one in `cells` plus 1.

    Nothing comes if all cells are on the whole field.
    """
    on = [t.get("planes") for t in cells.tags]
    if count < 2 or all(o is None for o in on):
        return
    for plane in range(count):
        there = np.flatnonzero(is_on(cells, plane))
        number = np.concatenate([[0], there + 1]).astype(np.uint32)
        yield plane, number[to_label_map(cells[there])]


def write_crops(cells: Instances, folder: Path, name: str) -> None:
    """Write each cell as a boolean ``.npy`` and a list with their places, ``NAME.json``.

    The file name says the number of the cell and the row and column of its upper left pixel.
    The crops are not synced one by one: the folder is put in place as a whole.
    """
    digits = max(4, len(str(len(cells))))
    listed = []
    (folder / name).mkdir(parents=True, exist_ok=True)
    for i, ((row, col, row1, col1), mask) in enumerate(
        zip(cells.boxes.tolist(), cells.masks, strict=True), start=1
    ):
        file = f"{name}/{i:0{digits}d}_r{row}_c{col}.npy"
        np.save(folder / file, mask, allow_pickle=False)
        listed.append({
            "file": file, "offset": [row, col], "box": [row, col, row1, col1],
            "area": int(mask.sum()), "class": cells.class_names[int(cells.classes[i - 1])],
            "tags": dict(cells.tags[i - 1]) if cells.tags else {},
        })  # fmt: skip
    shape = list(cells.shape)
    write_json({"schema_version": 1, "shape": shape, "cells": listed}, folder / f"{name}.json")
