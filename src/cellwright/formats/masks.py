"""Cells of one image from whatever stands for them: labels, one file a cell, outlines, ROIs."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from scipy import ndimage

from cellwright.formats.files import FORMATS, read_instances
from cellwright.formats.label_map import read_labels
from cellwright.geometry import from_label_map, from_masks
from cellwright.types import InputError, Instances

log = logging.getLogger(__name__)

MASK_KINDS = ("auto", "labels", "binary", "components", "outlines", "rois", "coco")
_THIN = 0.02  # a one-pixel line loses nearly all pixels to an erosion by 3 x 3
SLIVER = 0.05
"""Filled outlines below this part of the typical area are slivers between lines, not cells."""


def is_mask(path: Path, kind: str = "auto") -> bool:
    """Whether the suffix of `path` is one that masks of `kind` have."""
    outlines = tuple(s for f in FORMATS if f.name in ("rois", "geojson") for s in f.suffixes)
    images = (".tif", ".tiff", ".png", ".bmp")
    wanted = outlines if kind == "rois" else images if kind != "auto" else images + outlines
    return path.name.lower().endswith(wanted) and not path.name.startswith(".")


def detect_kind(groups: Sequence[Sequence[Path]]) -> str:
    """Say what kind of masks the files of several images are.

    ROI and GeoJSON files by suffix; several files an image are one file a cell ("binary");
    else the first files are read: more than two values are "labels", lines are "outlines".

    Raises
    ------
    InputError
        If there is one two-valued file an image that is not made of lines: whether touching
        cells are one cell cannot be seen, and the user has to say it.
    """
    first = groups[0][0]
    if is_mask(first, "rois"):
        return "rois"
    if any(len(g) > 1 for g in groups):
        return "binary"
    looked = [read_labels(g[0]) for g in groups[:5]]
    if any(len(np.unique(labels)) > 2 for labels in looked):
        return "labels"
    if all(is_thin(labels != 0) for labels in looked):
        return "outlines"
    raise InputError(
        f"{first}: the masks have two values; say with --mask-kind whether each file is one "
        "cell (binary) or each connected piece is one (components)"
    )


def is_thin(lines: np.ndarray) -> bool:
    """Whether a (row, column) bool array is made of one-pixel lines."""
    count = np.count_nonzero(lines)
    left = np.count_nonzero(ndimage.binary_erosion(lines, np.ones((3, 3), bool)))
    return bool(count > 0 and left <= _THIN * count)


def read_masks(
    paths: Sequence[Path], kind: str, *, shape: tuple[int, int], class_name: str = "cell"
) -> Instances:
    """Read the cells of one image.

    Parameters
    ----------
    paths
        Its mask files.
    kind
        One of `MASK_KINDS` except "auto" and "coco". "binary": each file is one cell, cells
        may overlap. "components": each 8-connected piece is a cell. "outlines": lines are
        filled (`fill_lines`).
    shape
        Rows and columns of the image; other masks raise InputError.
    class_name
        Class of all cells.
    """
    if kind == "rois":
        cells = Instances.concatenate([read_instances(p, shape=shape) for p in paths])
    elif kind == "binary":
        cells = from_masks((_two_valued(p, shape) for p in paths), shape)
        if len(cells) < len(paths):
            log.warning("%d mask files without a pixel are left out", len(paths) - len(cells))
    else:
        if len(paths) > 1:
            raise InputError(
                f"{len(paths)} {kind} files came for one image: "
                f"{', '.join(p.name for p in paths[:3])}; one is wanted, or --mask-kind binary"
            )
        labels = _sized(read_labels(paths[0]), paths[0], shape)
        return cells_from(labels, kind, paths[0], class_name=class_name)
    return replace(cells, class_names=(class_name,), classes=np.zeros(len(cells), np.int64))


def cells_from(
    labels: np.ndarray, kind: str, source: object, *, class_name: str = "cell"
) -> Instances:
    """Cells of a (row, column) mask of kind "labels", "binary", "components" or "outlines"."""
    if kind == "labels":
        cells = from_label_map(labels)
    elif kind == "binary":
        cells = from_masks([_truth(labels, source)], labels.shape)
    elif kind == "components":
        cells = from_label_map(ndimage.label(_truth(labels, source), np.ones((3, 3)))[0])
    elif kind == "outlines":
        cells = from_label_map(fill_lines(_truth(labels, source)))
    else:
        raise InputError(f"mask kind {kind!r} is not known; one of {MASK_KINDS} is wanted")
    return replace(cells, class_names=(class_name,), classes=np.zeros(len(cells), np.int64))


def _sized(labels: np.ndarray, path: Path, shape: tuple[int, int]) -> np.ndarray:
    if labels.shape != tuple(shape):
        raise InputError(
            f"{path}: the mask is {labels.shape}, the image is {tuple(shape)}; both must have "
            "the same rows and columns"
        )
    return labels


def _two_valued(path: Path, shape: tuple[int, int]) -> np.ndarray:
    return _truth(_sized(read_labels(path), path, shape), path)


def _truth(labels: np.ndarray, source: object) -> np.ndarray:
    values = np.unique(labels)
    if len(values) > 2 or (len(values) == 2 and values[0] != 0):
        raise InputError(
            f"{source}: {len(values)} values came, 0 and one other are wanted; is it a label "
            "image (--mask-kind labels)?"
        )
    return labels != 0


def _typical(areas: np.ndarray) -> float:
    """Area of the cell in which the middle pixel of all cells lies; slivers hardly count."""
    areas = np.sort(areas)
    total = np.cumsum(areas)
    return float(areas[np.searchsorted(total, total[-1] / 2)])


def fill_lines(lines: np.ndarray) -> np.ndarray:
    """Label map from the one-pixel outlines of cells.

    Regions enclosed by 8-connected lines are cells; the largest region that touches the border
    of the image is background. Regions below `SLIVER` of the typical area are dropped. A line
    pixel goes to the nearest cell, so that a cell has its outline and touching cells share it
    between them.

    Parameters
    ----------
    lines
        (row, column) bool.

    Returns
    -------
    ndarray
        (row, column) int32 labels.
    """
    regions, count = ndimage.label(~lines)
    sizes = np.bincount(regions.ravel(), minlength=count + 1)
    edge = np.unique(np.concatenate([regions[0], regions[-1], regions[:, 0], regions[:, -1]]))
    edge = edge[edge > 0]
    sizes[0] = 0
    if len(edge):
        sizes[edge[np.argmax(sizes[edge])]] = 0
    cells = sizes > 0
    if cells.any():
        cells &= sizes >= SLIVER * _typical(sizes[cells])
    labels = np.where(cells[regions], regions, 0)
    if not cells.any():
        return labels.astype(np.int32)
    far, (rows, columns) = ndimage.distance_transform_edt(labels == 0, return_indices=True)
    near = lines & (far < 1.5)
    labels[near] = labels[rows[near], columns[near]]
    return labels.astype(np.int32)
