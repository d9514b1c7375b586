"""TIFF, OME-TIFF and ImageJ TIFF, with axes, pixel size and channel names."""

from __future__ import annotations

import hashlib
import logging
import math
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from cellwright.formats.atomic import atomic_path
from cellwright.formats.axes import arrange
from cellwright.types import Image, InputError

log = logging.getLogger(__name__)

_MICROMETRES = {
    "m": 1e6, "cm": 1e4, "mm": 1e3, "um": 1.0, "\u00b5m": 1.0, "\u03bcm": 1.0, "micron": 1.0,
    "microns": 1.0, "\\u00b5m": 1.0, "nm": 1e-3, "pm": 1e-6, "inch": 25400.0,
}  # fmt: skip
_OME_TYPES = ("bool", "int8", "int16", "int32", "uint8", "uint16", "uint32", "float32", "float64")


class _Complaints(logging.Handler):
    """Keeps what tifffile says about damage while it goes on with part of the file."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(record.getMessage())


@contextmanager
def _opened(path: Path) -> Iterator[Any]:
    """An open TiffFile; damage becomes an InputError instead of missing pages."""
    import tifffile

    if not path.is_file():
        raise InputError(f"{path}: no such file")
    if path.stat().st_size == 0:
        raise InputError(f"{path}: the file is empty")
    logger, complaints = logging.getLogger("tifffile"), _Complaints()
    spread, logger.propagate = logger.propagate, False
    logger.addHandler(complaints)
    try:
        with tifffile.TiffFile(path) as tif:
            yield tif
    except InputError:
        raise
    except MemoryError as error:
        raise InputError(f"{path}: the image does not fit into memory; read it lazily") from error
    except Exception as error:  # tifffile raises struct, value, index, zlib ... errors
        raise InputError(
            f"{path}: the TIFF is damaged, truncated or of an unknown kind ({error})"
        ) from error
    finally:
        logger.removeHandler(complaints)
        logger.propagate = spread
    for line in complaints.lines:
        if "failed to read" in line:  # a part of the image that tifffile would leave black
            raise InputError(f"{path}: a file that belongs to this image cannot be read ({line})")
        log.warning("%s: %s", path, line)


def _check_complete(tif: Any, path: Path) -> None:
    """Raise InputError if pixel data or pages lie beyond the end of the file."""
    length = path.stat().st_size
    for number, page in enumerate(tif.pages):
        ends = [o + n for o, n in zip(page.dataoffsets, page.databytecounts, strict=False)]
        if not ends or max(ends) > length:
            raise InputError(
                f"{path}: the TIFF is truncated: page {number} ends at byte "
                f"{max(ends, default=0)}, the file has {length}; copy it again"
            )
    offset = tif.pages.next_page_offset
    if offset and offset >= length:
        raise InputError(
            f"{path}: the TIFF is truncated: a page at byte {offset} is missing, the file has "
            f"{length} bytes; copy it again"
        )


def _imagej_size(tif: Any) -> tuple[float, float] | None:
    unit = str((tif.imagej_metadata or {}).get("unit", "")).strip().lower()
    if unit not in _MICROMETRES:
        return None
    tags = tif.pages[0].tags
    sizes = []
    for name in ("YResolution", "XResolution"):
        top, bottom = tags[name].value if name in tags else (0, 0)
        if not top or not bottom:
            return None
        sizes.append(_MICROMETRES[unit] * bottom / top)
    return sizes[0], sizes[1]


def _ome_facts(tif: Any) -> tuple[tuple[float, float] | None, tuple[str, ...]]:
    import tifffile

    about = tifffile.xml2dict(tif.ome_metadata).get("OME", {}).get("Image", {})
    about = about[0] if isinstance(about, list) else about
    pixels = about.get("Pixels", {})
    channels = pixels.get("Channel", [])
    channels = channels if isinstance(channels, list) else [channels]
    names = tuple(str(c["Name"]) for c in channels if isinstance(c, dict) and "Name" in c)
    sizes = []
    for axis in "YX":
        unit = str(pixels.get(f"PhysicalSize{axis}Unit", "um")).lower()
        size = pixels.get(f"PhysicalSize{axis}")
        if size is None or unit not in _MICROMETRES:
            return None, names
        sizes.append(float(size) * _MICROMETRES[unit])
    return (sizes[0], sizes[1]), names


def _usable(size: tuple[float, float] | None) -> tuple[float, float] | None:
    return size if size and all(math.isfinite(s) and s > 0 for s in size) else None


def _facts(tif: Any) -> tuple[tuple[float, float] | None, tuple[str, ...]]:
    if tif.is_ome:
        size, names = _ome_facts(tif)
    elif tif.is_imagej:
        labels = (tif.imagej_metadata or {}).get("channel_names") or ()
        size, names = _imagej_size(tif), tuple(str(n) for n in labels)
    else:
        shaped: dict[str, Any] = (tif.shaped_metadata or ({},))[0]
        size = shaped.get("pixel_size")
        names = tuple(shaped.get("channels") or ())
        size = (float(size[0]), float(size[1])) if size else None
    return _usable(size), names


def read_image(path: str | Path, *, axes: str | None = None, lazy: bool = False) -> Image:
    """Read a TIFF, OME-TIFF or ImageJ TIFF.

    Parameters
    ----------
    path
        The file.
    axes
        Meaning of the axes where the file does not say it, for example "ZYX".
    lazy
        Give an array that reads its parts when they are asked for.

    Returns
    -------
    Image
        Pixel size (um) and channel names come from OME or ImageJ metadata; the resolution
        tag of a plain TIFF is not believed.

    Raises
    ------
    InputError
        If the file is damaged, truncated, or has axes that it does not name.
    """
    path = Path(path)
    with _opened(path) as tif:
        if not tif.series:
            raise InputError(f"{path}: the TIFF holds no image")
        _check_complete(tif, path)
        series = tif.series[0]
        if len(tif.series) > 1:
            log.warning("%s: %d series, the first is read", path, len(tif.series))
        size, names = _facts(tif)
        found, page = series.axes, series.keyframe
        if not lazy:
            data = series.asarray()
            if page.photometric == 3 and page.colormap is not None:
                log.info("%s: palette numbers are read, not colours", path)
    if lazy:
        data = _lazy(path)
    data, letters, colours = arrange(data, found, axes=axes, source=path)
    count = data.shape[letters.index("C")] if "C" in letters else 1
    names = names if len(names) == count else colours
    return Image(data, letters, size, names)


def _lazy(path: Path) -> Any:
    import tifffile

    try:
        return tifffile.memmap(path, mode="r", series=0)
    except ValueError:  # compressed or tiled
        import zarr

        return zarr.open_array(tifffile.imread(path, aszarr=True, series=0, level=0), mode="r")


def write_image(image: Image, path: str | Path, *, compression: str | None = "zlib") -> None:
    """Write an OME-TIFF (any suffix) atomically, with axes, pixel size and channel names.

    Integer types of 64 bits and float16, which OME does not know, go into a plain TIFF whose
    description holds the same facts. Tags of the image are not written.
    """
    import tifffile

    ome = str(np.dtype(image.data.dtype)) in _OME_TYPES
    about: dict[str, Any] = {"axes": image.axes}
    options: dict[str, Any] = {}
    if image.pixel_size:
        rows, columns = image.pixel_size
        options = {"resolution": (1e4 / columns, 1e4 / rows), "resolutionunit": "CENTIMETER"}
        if ome:
            about |= {"PhysicalSizeY": rows, "PhysicalSizeYUnit": "\u00b5m"}
            about |= {"PhysicalSizeX": columns, "PhysicalSizeXUnit": "\u00b5m"}
        else:
            about["pixel_size"] = [rows, columns]
    if image.channels:
        names = list(image.channels)
        about |= {"Channel": {"Name": names}} if ome else {"channels": names}
    data = np.ascontiguousarray(image.data)
    if ome:  # by content, so that the same image gives the same bytes
        digest = hashlib.sha256(data.data).hexdigest()
        about["UUID"] = str(uuid.uuid5(uuid.NAMESPACE_OID, digest))
    with atomic_path(path) as part:
        tifffile.imwrite(
            part, data, ome=ome, metadata=about, compression=compression,
            # Noise does not compress: higher levels take twice as long for a per mille.
            compressionargs={"level": 1} if compression == "zlib" else None,
            photometric="minisblack", bigtiff=data.nbytes > 2**31, **options,
        )  # fmt: skip
