"""Label images: one integer per pixel, 0 is background. Overlaps do not survive in them."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from cellwright.formats.atomic import atomic_path
from cellwright.formats.axes import arrange
from cellwright.geometry import from_label_map, label_bands, to_label_map
from cellwright.types import InputError, Instances

log = logging.getLogger(__name__)

#: frames of more pixels are written in tiles, which bounds the memory but is read by fewer tools
STREAMED_PIXELS = 2**26
TILE = 512


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
    data = labels.astype(np.uint16 if top <= 65535 else np.uint32, copy=False)
    if path.suffix.lower() == ".png":
        if data.dtype == np.uint32:
            raise InputError(f"{path}: {top} labels do not fit into a PNG; write a .tif")
        from cellwright.formats.photo import write_photo

        write_photo(data, path)
        return
    with atomic_path(path) as part:
        tifffile.imwrite(part, data, compression="zlib", metadata={"axes": "YX"})


def write_instances(instances: Instances, path: str | Path) -> None:
    """Write cells as a label image; value i + 1 is cell i. Lossy where cells overlap.

    A frame of more than `STREAMED_PIXELS` is written as a tiled TIFF, band by band, so that
    its label map is never in memory as a whole.
    """
    path = Path(path)
    if np.prod(instances.shape) <= STREAMED_PIXELS or path.suffix.lower() == ".png":
        write_labels(to_label_map(instances), path)
        return
    import tifffile

    with atomic_path(path) as part:
        tifffile.imwrite(
            part,
            _tiles(instances),
            shape=instances.shape,
            dtype=np.uint16 if len(instances) <= 65535 else np.uint32,
            tile=(TILE, TILE),
            compression="zlib",
            metadata={"axes": "YX"},
        )


def _tiles(instances: Instances) -> Iterator[np.ndarray]:
    """The label map in tiles, row by row, those at the border filled up with background."""
    for band in label_bands(instances, rows=TILE):
        for left in range(0, band.shape[1], TILE):
            tile = band[:, left : left + TILE]
            yield np.pad(tile, ((0, TILE - tile.shape[0]), (0, TILE - tile.shape[1])))
