"""The one plane that a two-dimensional segmenter looks at."""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from cellwright.types import Image, InputError

#: words in a channel's name that mark a nuclear or whole-cell stain, in order of preference
STAINS = ("dapi", "hoechst", "nucle", "fluor", "gfp", "draq", "syto")
COLOURS = ("red", "green", "blue")


def pick_channel(image: Image, channel: int | str | None = None) -> int | None:
    """Index of the channel to segment; None for the mean of a colour photograph.

    Parameters
    ----------
    image
        Any image.
    channel
        Index or name. None takes the first channel named as a stain (`STAINS`), the
        grey value of red, green and blue, or else the first channel.
    """
    count = image.size("C")
    if isinstance(channel, str):
        names = [name.lower() for name in image.channels]
        if channel.lower() not in names:
            raise InputError(
                f"there is no channel {channel!r}; the image has "
                f"{', '.join(image.channels) or f'{count} channels without names'}"
            )
        return names.index(channel.lower())
    if channel is not None:
        if not -count <= channel < count:
            raise InputError(f"there is no channel {channel}; the image has {count}, from 0")
        return channel % count
    names = [name.lower() for name in image.channels]
    if tuple(names[:3]) == COLOURS:
        return None
    for word in STAINS:
        for index, name in enumerate(names):
            if word in name:
                return index
    return 0


def pick_plane(
    image: Image, *, channel: int | str | None = None, sharpest: bool = False
) -> np.ndarray:
    """One float32 (row, column) plane of an image of any axes but several time points.

    Parameters
    ----------
    image
        Image with axes of ``"TZCYX"``.
    channel
        See `pick_channel`.
    sharpest
        Of a z-stack take the plane with the largest variance of the Laplacian; else the
        brightest value over the planes is taken.
    """
    if image.size("T") > 1:
        raise InputError(
            f"an image of {image.size('T')} time points came: a segmenter wants one; split the "
            "series into one image per time point"
        )
    data = np.asarray(image.data)
    axes = [a if a in image.axes else None for a in "TZC"]
    for position, axis in enumerate(axes):
        if axis is None:
            data = np.expand_dims(data, position)
    index = pick_channel(image, channel)
    stack = data[0]  # (plane, channel, row, column)
    if index is None:
        chosen = stack[:, :3].mean(axis=1, dtype=np.float32)
    else:
        chosen = stack[:, index].astype(np.float32)
    if len(chosen) == 1:
        return chosen[0]
    if not sharpest:
        return chosen.max(axis=0)
    return chosen[int(np.argmax([ndimage.laplace(plane).var() for plane in chosen]))]
