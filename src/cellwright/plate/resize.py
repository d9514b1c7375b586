"""Images of another size."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from cellwright.types import Image, InputError


def resize_image(image: Image, shape: tuple[int, int]) -> Image:
    """The image with `shape` rows and columns; its pixel size follows.

    Linear interpolation, after a Gaussian where the image shrinks so that fine structure does
    not alias (P2, section 4.3, interpolates linearly without one). Integers are rounded. Its
    cells go through `cellwright.geometry.resize`.
    """
    from skimage.transform import resize

    rows, columns = (int(n) for n in shape)
    if rows < 1 or columns < 1:
        raise InputError(f"the new shape {(rows, columns)} is empty: at least (1, 1) is wanted")
    if (rows, columns) == image.shape:
        return image
    source = np.asarray(image.data)
    out = np.empty((*source.shape[:-2], rows, columns), source.dtype)
    shrinks = rows < source.shape[-2] or columns < source.shape[-1]
    for place in np.ndindex(source.shape[:-2]):
        found = resize(
            source[place].astype(np.float64), (rows, columns), order=1, mode="reflect",
            anti_aliasing=shrinks, preserve_range=True,
        )  # fmt: skip
        out[place] = np.rint(found) if not np.issubdtype(out.dtype, np.floating) else found
    size = image.pixel_size
    if size is not None:
        size = (size[0] * source.shape[-2] / rows, size[1] * source.shape[-1] / columns)
    return replace(image, data=out, pixel_size=size)
