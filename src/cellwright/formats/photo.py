"""PNG, JPEG and BMP photos, with a bound on what a small file may unfold to."""

from __future__ import annotations

import logging
import warnings
from pathlib import Path

import numpy as np

from cellwright.formats.atomic import atomic_path
from cellwright.formats.axes import arrange
from cellwright.types import Image, InputError

_PLAIN_MODES = ("1", "L", "LA", "RGB", "RGBA", "I;16", "I;16B", "I", "F")
log = logging.getLogger(__name__)

PIXEL_LIMIT = 2**30
"""Most pixels that a PNG, JPEG or BMP may hold; larger frames belong into TIFF or OME-Zarr."""


def read_photo(path: str | Path, *, indices: bool = False) -> tuple[np.ndarray, str]:
    """Read a photo as it is stored.

    Parameters
    ----------
    path
        PNG, JPEG or BMP file.
    indices
        Give the palette numbers of a palette image instead of its colours (label images).

    Returns
    -------
    tuple
        Array and axes "YX" or "YXS". 1-bit files are bool, 16-bit files keep 16 bits.

    Raises
    ------
    InputError
        If the file is damaged or holds more than `PIXEL_LIMIT` pixels.
    """
    from PIL import Image as Photo

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Photo.DecompressionBombWarning)
            with Photo.open(path) as photo:
                pixels = photo.width * photo.height
                if pixels > PIXEL_LIMIT:
                    raise InputError(
                        f"{path}: {photo.width} x {photo.height} pixels came, at most "
                        f"{PIXEL_LIMIT} are read from {photo.format}; store it as TIFF or OME-Zarr"
                    )
                if _sixteen_bit_colour(Path(path)):
                    data = _decode_png(Path(path))
                else:
                    kept = _PLAIN_MODES + (("P",) if indices else ())
                    turned = "RGBA" if "A" in photo.mode else "RGB"
                    data = np.array(photo if photo.mode in kept else photo.convert(turned))
    except InputError:
        raise
    except FileNotFoundError as error:
        raise InputError(f"{path}: no such file") from error
    except Photo.DecompressionBombError as error:
        raise InputError(f"{path}: the image is too large to be a photo; use TIFF") from error
    except (OSError, SyntaxError, ValueError, EOFError) as error:
        raise InputError(f"{path}: the file is damaged or no image ({error})") from error
    if data.dtype.byteorder == ">":
        data = data.astype(data.dtype.newbyteorder("="))
    return data, "YX" if data.ndim == 2 else "YXS"


def _sixteen_bit_colour(path: Path) -> bool:
    with path.open("rb") as file:
        head = file.read(26)
    return head[:8] == b"\x89PNG\r\n\x1a\n" and head[24] == 16 and head[25] in (2, 4, 6)


def _decode_png(path: Path) -> np.ndarray:
    import imagecodecs

    try:
        return np.asarray(imagecodecs.png_decode(path.read_bytes()))
    except RuntimeError as error:
        raise InputError(f"{path}: the file is damaged ({error})") from error


def read_image(path: str | Path, *, axes: str | None = None, lazy: bool = False) -> Image:
    """Read a photo as an image; it is always read whole, `lazy` changes nothing."""
    data, found = read_photo(path)
    data, letters, names = arrange(data, found, axes=axes, source=path)
    return Image(data, letters, channels=names)


def write_photo(data: np.ndarray, path: str | Path) -> None:
    """Write a (row, column) or (row, column, 3 or 4) array as PNG, JPEG or BMP, atomically."""
    from PIL import Image as Photo

    if data.dtype not in (np.bool_, np.uint8, np.uint16) or (
        data.dtype == np.uint16 and data.ndim != 2
    ):
        raise InputError(
            f"{path}: {data.dtype} pixels of shape {data.shape} do not go into a photo without "
            "loss; bool, uint8 or grey uint16 are wanted, write a .tif instead"
        )
    with atomic_path(path) as part:
        Photo.fromarray(data).save(part)


def write_image(image: Image, path: str | Path) -> None:
    """Write a grey ("YX") or three-channel ("CYX") image; pixel size and tags are not kept."""
    data = np.asarray(image.data)
    if image.axes == "CYX" and image.size("C") == 3:
        data = np.ascontiguousarray(np.moveaxis(data, 0, -1))
    elif image.axes != "YX":
        raise InputError(
            f"{path}: axes {image.axes!r} with {image.planes} planes do not go into a photo; "
            "write a .tif instead"
        )
    write_photo(data, path)
