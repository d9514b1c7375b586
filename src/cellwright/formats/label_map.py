"""Label images: one integer per pixel, 0 is background. Overlaps do not survive in them."""

from __future__ import annotations

import logging
from pathlib import Path

import numpy as np

from cellwright.formats.atomic import atomic_path
from cellwright.formats.axes import arrange
from cellwright.geometry import from_label_map, to_label_map
from cellwright.types import InputError, Instances

log = logging.getLogger(__name__)


def read_labels(path: str | Path) -> np.ndarray:
    """Read a 2-D label image.

    Parameters
    ----------
    path
        TIFF, PNG or BMP with integers (or 0/1); whole numbers stored as floats are taken too.

    Returns
    -------
    ndarray
        (row, column), unsigned or signed integers as in the file.

    Raises
    ------
    InputError
        If it has more than two axes, is in colour, or holds fractions or negative numbers.
    """
    path = Path(path)
    if path.suffix.lower() in (".png", ".bmp"):
        from cellwright.formats.photo import read_photo

        raw, found = read_photo(path, indices=True)
        data, axes, _ = arrange(raw, found, source=path)
    else:
        from cellwright.formats.tiff import read_image

        image = read_image(path)
        data, axes = image.data, image.axes
    if axes != "YX":
        raise InputError(
            f"{path}: a label image has rows and columns only; axes {axes} of shape "
            f"{data.shape} came"
        )
    if data.dtype == bool:
        return data.astype(np.uint8)
    if not np.issubdtype(data.dtype, np.integer):
        whole = data.astype(np.int64) if np.isfinite(data).all() else None
        if whole is None or not np.array_equal(whole, data):
            raise InputError(f"{path}: labels are whole numbers, {data.dtype} fractions came")
        data = whole
    if data.min() < 0:
        raise InputError(f"{path}: label {int(data.min())} came; labels are 0 or larger")
    return data


def read_instances(path: str | Path) -> Instances:
    """Cells of a label image, in the order of their labels."""
    return from_label_map(read_labels(path))


def write_labels(labels: np.ndarray, path: str | Path) -> None:
    """Write a (row, column) label map as zlib TIFF or as PNG, atomically.

    uint16 while it fits, else uint32 (TIFF only), so that no label wraps.
    """
    import tifffile

    path = Path(path)
    top = int(labels.max(initial=0))
    if int(labels.min(initial=0)) < 0 or top > np.iinfo(np.uint32).max:
        raise InputError(f"{path}: labels from 0 to 4294967295 can be written")
    data = labels.astype(np.uint16 if top <= 65535 else np.uint32)
    if path.suffix.lower() == ".png":
        if data.dtype == np.uint32:
            raise InputError(f"{path}: {top} labels do not fit into a PNG; write a .tif")
        from cellwright.formats.photo import write_photo

        write_photo(data, path)
        return
    with atomic_path(path) as part:
        tifffile.imwrite(part, data, compression="zlib", metadata={"axes": "YX"})


def write_instances(instances: Instances, path: str | Path) -> None:
    """Write cells as a label image; value i + 1 is cell i. Lossy where cells overlap."""
    write_labels(to_label_map(instances), path)
