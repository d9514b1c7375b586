"""Views that help to see cells: equalised contrast, fluorescence over phase, the sharpest plane.

Source: P4, 4.1: phase contrast is levelled by adaptive histogram equalisation, and "we superimpose
both phase and fluorescence channels and apply additional coloring to the fluorescence".
All functions are pure and change nothing but what is shown.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from cellwright.measure.alive import channel_index
from cellwright.plate.focus import focus
from cellwright.types import Image, InputError

COLOURS = {
    "green": (0, 255, 96),
    "cyan": (0, 224, 255),
    "blue": (64, 128, 255),
    "magenta": (255, 64, 255),
    "red": (255, 48, 48),
    "orange": (255, 150, 0),
    "yellow": (255, 230, 0),
}
_PERCENTILES = (0.5, 99.8)


def stretched(plane: np.ndarray, *, percentiles: tuple[float, float] = _PERCENTILES) -> np.ndarray:
    """A plane brought to [0, 1] between two percentiles, float32; a flat plane becomes 0.

    Examples
    --------
    >>> stretched(np.array([[0, 5, 10]]), percentiles=(0, 100)).tolist()
    [[0.0, 0.5, 1.0]]
    """
    values = np.asarray(plane, np.float32)
    low, high = np.percentile(values, percentiles)
    if high <= low:
        low, high = float(values.min()), float(values.max())
    if high <= low:
        return np.zeros(values.shape, np.float32)
    return np.clip((values - low) / (high - low), 0, 1).astype(np.float32)


def clahe(image: Image, *, clip: float = 0.01, tile: int = 64) -> Image:
    """Contrast-limited adaptive histogram equalisation of every plane.

    S. Pizer et al., "Adaptive histogram equalization and its variations", Computer Vision,
    Graphics, and Image Processing 39, 1987.

    Parameters
    ----------
    image
        Any image; planes, channels and times are equalised one by one.
    clip
        How much contrast may be raised, from 0 (nearly not) to 1 (without limit).
    tile
        Side of the squares that have a histogram of their own, in pixels; some two cells.

    Returns
    -------
    Image
        float32 in [0, 1]; flat planes are 0.
    """
    from skimage.exposure import equalize_adapthist

    if not 0 < clip <= 1 or tile < 2:
        raise InputError(f"clip {clip} and tile {tile} came: 0 < clip <= 1 and tile >= 2, please")
    stack = image.stack()
    made = np.empty(stack.shape, np.float32)
    kernel = tuple(min(tile, n) for n in image.shape)
    for number, plane in enumerate(stack):
        made[number] = stretched(plane, percentiles=(0.05, 99.95))
        if made[number].any():
            made[number] = equalize_adapthist(made[number], kernel_size=kernel, clip_limit=clip)
    return replace(image, data=made.reshape(image.data.shape))


def laid_over(
    image: Image,
    *,
    over: int | str = "fluorescence",
    under: int | str | None = None,
    colour: str | tuple[int, int, int] = "green",
    strength: float = 0.8,
    equalise: bool = False,
) -> np.ndarray:
    """Fluorescence in a colour over phase contrast or bright field in grey.

    Parameters
    ----------
    image
        Two or more channels. Of a stack the sharpest plane of the channel below is shown.
    over, under
        Channels by index or name; `under` is the first one other than `over` by default.
    colour
        One of `COLOURS`, or red, green and blue from 0 to 255.
    strength
        How much of the grey the brightest fluorescence replaces, 0 to 1.
    equalise
        Whether the channel below is levelled by `clahe` first.

    Returns
    -------
    ndarray
        uint8 (row, column, RGB).
    """
    if isinstance(colour, str) and colour not in COLOURS:
        raise InputError(f"colour {colour!r} is unknown; choose one of {', '.join(COLOURS)}")
    if not 0 <= strength <= 1:
        raise InputError(f"strength {strength} came: from 0 to 1 is wanted")
    count = image.size("C")
    if count < 2:
        raise InputError("an image of one channel came: two are wanted, one to lie over the other")
    top = channel_index(image, over)
    bottom = (0 if top else 1) if under is None else channel_index(image, under)
    z = sharpest_plane(image, channel=bottom)
    below, above = one_plane(image, channel=bottom, z=z), one_plane(image, channel=top, z=z)
    grey = clahe(Image(below)).data if equalise else stretched(below)
    # What is darker than the median of the fluorescence is background and stays grey.
    middle = float(np.median(above))
    glow = stretched(np.maximum(above, middle), percentiles=(0, 99.8)) * strength
    tint = np.array(COLOURS[colour] if isinstance(colour, str) else colour, np.float32)
    mixed = 255 * grey[..., None] * (1 - glow[..., None]) + tint * glow[..., None]
    return np.clip(mixed + 0.5, 0, 255).astype(np.uint8)


def focus_by_plane(
    image: Image, *, channel: int | str | None = None, measure: str = "laplacian"
) -> np.ndarray:
    """(plane,) focus measure of each plane of a stack; larger is sharper.

    Measures are those of `cellwright.plate.focus`. In bright field, cells in focus are nearly
    invisible and the planes around it show more detail: look at the fluorescence where there is
    one. Without `channel`, the first one counts.
    """
    index = 0 if channel is None else channel_index(image, channel)
    planes = [one_plane(image, channel=index, z=z) for z in range(image.size("Z"))]
    return np.array([focus(plane, measure=measure) for plane in planes])


def sharpest_plane(
    image: Image, *, channel: int | str | None = None, measure: str = "laplacian"
) -> int:
    """Plane with the largest `focus_by_plane`, from 0; of equal ones the middlemost."""
    count = image.size("Z")
    if count == 1:
        return 0
    values = focus_by_plane(image, channel=channel, measure=measure)
    best = np.flatnonzero(values == values.max())
    return int(best[np.argmin(np.abs(best - 0.5 * (count - 1)))])


def one_plane(image: Image, *, channel: int | str | None = None, z: int = 0) -> np.ndarray:
    """(row, column) pixels of one plane of one channel, of the first time point."""
    if not 0 <= z < image.size("Z"):
        raise InputError(f"there is no plane {z}: the stack has {image.size('Z')}, from 0")
    at = {"T": 0, "Z": z, "C": channel_index(image, channel) if image.size("C") > 1 else 0}
    return np.asarray(image.data[tuple(at[axis] for axis in image.axes[:-2])])
