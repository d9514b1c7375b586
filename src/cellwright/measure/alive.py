"""Alive or dead: whether a cell that was seen in bright field is seen in fluorescence too.

P1, 6.3: cells "visible in the bright field images but not in the fluorescent ones, were labelled
dead and the rest were labelled alive". The paper judges by eye; here a cell is visible if its
light, above the background at its place and above what bleeds over from other cells
(`cellwright.measure.halo`), exceeds a threshold made of the field's own background and of what
its bright cells show.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

import numpy as np

from cellwright.measure.cores import PARTS
from cellwright.measure.halo import Light, cell_light
from cellwright.types import Image, InputError, Instances, Tag

#: who said it, as the tag ``alive_by``
BY_CONTRAST, BY_HAND = "contrast", "hand"

# Frames up to this side are looked at whole, larger ones in blocks of this side with a margin.
_WHOLE = 2048
_BLOCK = 1024
_BRIGHT = 90.0
_GREY_STEP = 12**-0.5


@dataclass(frozen=True, slots=True, eq=False)
class Visibility:
    """How the cells of an image show in fluorescence.

    Parameters
    ----------
    contrast
        (N,) light above background and bleeding, in standard deviations of a background pixel.
    threshold
        (N,) contrast from which a cell counts as visible.
    alive
        (N,) bool, whether it is.
    error
        (N,) standard error of the contrast due to the noise of the pixels.
    background
        (N,) grey value that would be there without the cell.
    noise
        Standard deviation of the background's pixels, in grey values.
    """

    contrast: np.ndarray
    threshold: np.ndarray
    alive: np.ndarray
    error: np.ndarray
    background: np.ndarray
    noise: float


def visibility(
    image: Image,
    instances: Instances,
    *,
    channel: int | str | None = None,
    sigmas: float = 0.3,
    share: float = 0.25,
    sure: float = 3.0,
    part: str = "core",
    gap: int = 2,
    halos: bool = True,
) -> Visibility:
    """Contrast of every cell in fluorescence, and whether it is alive.

    Parameters
    ----------
    image
        Image of any axes, lazy ones are read window by window. Several planes or time points of
        the channel are averaged: out of focus, light is spread but not lost.
    instances
        Its cells, dead ones too (outlined in bright field). Masks may overlap.
    channel
        Index or name of the fluorescence channel; not needed if there is only one.
    sigmas
        Least contrast of a visible cell, in standard deviations (1.4826 MAD) of the pixels
        between the cells. It is the mean of many pixels, so that values below 1 make sense.
    share
        Least light of a visible cell relative to the field's bright cells (90th percentile):
        what a dead cell shows by itself grows with the exposure, as that of living cells does.
    sure
        A visible cell is that many standard errors above zero.
    part
        By which pixels a cell is judged: ``"core"``, ``"rim"`` (stains of the wall) or
        ``"whole"``.
    gap
        Pixels around the cells that do not count as background.
    halos
        Whether light that bleeds over from other cells is taken off.

    Returns
    -------
    Visibility
        A cell is alive if its contrast exceeds
        ``max(sigmas, share * 90th percentile, sure * error)``.

    Raises
    ------
    InputError
        If shapes differ, the channel is not there, or cells leave no background.
    """
    if image.shape != instances.shape:
        raise InputError(
            f"the masks are {instances.shape}, the image is {image.shape}; both must have the "
            "same rows and columns"
        )
    if part not in PARTS:
        raise InputError(f"part {part!r} is unknown; choose one of {', '.join(PARTS)}")
    index = channel_index(image, channel)
    count = len(instances)
    own, around, pixels = np.zeros(count), np.zeros(count), np.ones(count)
    noises = []
    for owned, window in _blocks(instances):
        light, cells = _look(image, index, instances, window, part=part, gap=gap, halos=halos)
        noises.append(light.noise)
        place = np.searchsorted(cells, owned)
        own[owned], around[owned] = light.own[place], light.around[place]
        pixels[owned] = light.pixels[place]
    step = _GREY_STEP if np.dtype(image.data.dtype).kind in "iub" else 1e-9
    noise = max(float(np.median(noises)) if noises else 0.0, step)
    contrast, error = own / noise, 1 / np.sqrt(pixels)
    bright = float(np.percentile(contrast, _BRIGHT)) if count else 0.0
    threshold = np.maximum(max(sigmas, share * bright), sure * error)
    return Visibility(contrast, threshold, contrast > threshold, error, around, noise)


def with_alive(instances: Instances, found: Visibility) -> Instances:
    """The cells with the tags ``alive``, ``alive_by``, ``contrast`` and ``contrast_threshold``.

    What a hand has set (see `corrected`) keeps its ``alive``.
    """
    if len(found.alive) != len(instances):
        raise InputError(f"visibility of {len(found.alive)} cells came for {len(instances)}")
    tags = []
    for i, old in enumerate(instances.tags or ({},) * len(instances)):
        measured: dict[str, Tag] = {
            "contrast": round(float(found.contrast[i]), 4),
            "contrast_threshold": round(float(found.threshold[i]), 4),
        }
        if old.get("alive_by") != BY_HAND:
            measured |= {"alive": bool(found.alive[i]), "alive_by": BY_CONTRAST}
        tags.append({**old, **measured})
    return replace(instances, tags=tuple(tags))


def corrected(instances: Instances, alive: Mapping[int, bool]) -> Instances:
    """The cells with ``alive`` set by hand for some of them, by index; it then stays.

    Raises
    ------
    InputError
        For an index without a cell.
    """
    tags: list[Mapping[str, Tag]] = list(instances.tags or ({},) * len(instances))
    for i, lives in alive.items():
        if not 0 <= i < len(tags):
            raise InputError(f"there is no cell {i}: the image has {len(tags)}, counted from 0")
        tags[i] = {**tags[i], "alive": bool(lives), "alive_by": BY_HAND}
    return replace(instances, tags=tuple(tags))


def channel_index(image: Image, channel: int | str | None) -> int:
    """Index of a channel given by number or name; the only one if none is given."""
    count = image.size("C")
    names = [name.lower() for name in image.channels]
    known = ", ".join(image.channels) or f"{count} without names"
    if channel is None:
        if count > 1:
            raise InputError(f"the image has {count} channels ({known}): say which is fluorescence")
        return 0
    if isinstance(channel, str) and channel.lower() in names:
        return names.index(channel.lower())
    if isinstance(channel, str) or not -count <= channel < count:
        raise InputError(f"there is no channel {channel!r}; the channels are: {known}")
    return channel % count


def _blocks(instances: Instances) -> Iterator[tuple[np.ndarray, tuple[int, int, int, int]]]:
    """Indices of cells that are looked at together, with the window around them."""
    height, width = instances.shape
    if not len(instances):
        return
    if max(height, width) <= _WHOLE:
        yield np.arange(len(instances)), (0, 0, height, width)
        return
    boxes = instances.boxes
    margin = max(128, 4 * int(np.sqrt(np.median(instances.areas))))
    corner = (boxes[:, :2] + boxes[:, 2:]) // 2 // _BLOCK
    order = np.lexsort((corner[:, 1], corner[:, 0]))
    new = np.any(np.diff(corner[order], axis=0) != 0, axis=1)
    for group in np.split(order, np.flatnonzero(new) + 1):
        low, high = boxes[group, :2].min(axis=0), boxes[group, 2:].max(axis=0)
        (row0, col0), (row1, col1) = low - margin, high + margin
        yield (
            np.sort(group),
            (max(0, int(row0)), max(0, int(col0)), min(height, int(row1)), min(width, int(col1))),
        )


def _look(
    image: Image,
    channel: int,
    instances: Instances,
    window: tuple[int, int, int, int],
    *,
    part: str,
    gap: int,
    halos: bool,
) -> tuple[Light, np.ndarray]:
    """Light of the cells in a window, which grows until it holds background; their indices."""
    height, width = instances.shape
    while True:
        row0, col0, row1, col1 = window
        cells, indices = _cut(instances, window)
        plane = _mean_plane(image, channel, (slice(row0, row1), slice(col0, col1)))
        light = cell_light(plane, cells, part=part, gap=gap, halos=halos)
        if light is not None:
            return light, indices
        if window == (0, 0, height, width):
            raise InputError(
                "the cells cover the whole image: without background between them there is no "
                "threshold; give a larger field, or a smaller gap"
            )
        by = max(row1 - row0, col1 - col0) // 2
        window = max(0, row0 - by), max(0, col0 - by), min(height, row1 + by), min(width, col1 + by)


def _cut(instances: Instances, window: tuple[int, int, int, int]) -> tuple[Instances, np.ndarray]:
    """Cells in a window, in its coordinates, with their indices in ascending order."""
    from cellwright.geometry import crop

    if window == (0, 0, *instances.shape):
        return instances, np.arange(len(instances))
    numbered = replace(instances, tags=tuple({"n": i} for i in range(len(instances))))
    cells = crop(numbered, window)
    return cells, np.array([int(t["n"]) for t in cells.tags], dtype=np.int64)


def _mean_plane(image: Image, channel: int, window: tuple[slice, slice]) -> np.ndarray:
    """One channel of a window as float32 (row, column), the mean over planes and times."""
    part = np.asarray(image.data[(..., *window)])
    if "C" in image.axes:
        part = np.take(part, channel, axis=image.axes.index("C"))
    stack = part.reshape((-1, *part.shape[-2:]))
    if not np.isfinite(stack).all():
        raise InputError("the image has pixels that are not numbers (NaN or infinite)")
    return stack.mean(axis=0, dtype=np.float64) if len(stack) > 1 else stack[0].astype(np.float64)
