"""A new image: background, then one cell after the other, then counts of the camera's type."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from cellwright.geometry.blocks import blurred
from cellwright.synth.paste.canvas import Canvas
from cellwright.synth.paste.cutouts import Cutout, Source
from cellwright.synth.paste.warp import Warp, tight, warped
from cellwright.types import Image, Instances, Sample, Tag

#: how the intensities of a pasted cell meet those that are there
COVERING, ADDED = "covering", "added"
#: cells in a row that find no place before an image is taken to be full
FULL = 12


@dataclass(frozen=True, slots=True)
class Compose:
    """How cells are put together.

    Parameters
    ----------
    intensities
        ``"covering"``: a later cell hides what is below it (P3). ``"added"``: what cells add to
        the background adds up (P4, 4.4.1, for phase contrast).
    warp
        What happens to each cell.
    overlap
        Range of the overlap ratio of a pasted cell.
    clustered
        Share of the cells that are put on the edge of another one.
    """

    intensities: str = COVERING
    warp: Warp = field(default_factory=Warp)
    overlap: tuple[float, float] = (0.0, 0.2)
    clustered: float = 0.0


def compose(
    rng: np.random.Generator,
    sources: Sequence[Source],
    *,
    cells: int,
    base: int,
    how: Compose,
    shape: tuple[int, int] | None = None,
) -> tuple[Sample, list[tuple[int, int]]]:
    """Paste `cells` cells of `sources` on a background like that of source `base`.

    Parameters
    ----------
    rng
        Random numbers of this image.
    sources
        Images of one kind; each cell of their pools is as likely as any other.
    cells
        How many are pasted. Fewer, if twelve in a row find no place: none is ever forced.
    shape
        Rows and columns; those of source `base` if None.

    Returns
    -------
    Sample
        Without a name. The masks are amodal: whole also where another cell lies above, cut by
        the border of the frame only. Later cells come later in the list and lie above. Carried
        cells (nuclei) follow their cell.
    list of (int, int)
        For each instance the index of its source and its index there.
    """
    ground, like = sources[base].ground, sources[base].image
    shape = shape or like.shape
    level = ground.levels(shape)
    planes = level + ground.noise(rng, shape)
    canvas = Canvas(shape, how.overlap)
    first = np.cumsum([0, *(len(s.pool) for s in sources)])
    found: list[tuple[int, Cutout, tuple[int, int]]] = []
    misses = 0
    while len(canvas) < cells and misses < FULL:
        pick = int(rng.integers(first[-1]))
        index = int(np.searchsorted(first, pick, side="right")) - 1
        source = sources[index]
        cut = warped(rng, source.cutout(int(source.pool[pick - first[index]])), how.warp)
        corner = _place(rng, canvas, cut, how.clustered) if cut.mask.size else None
        if corner is None:
            misses += 1
            continue
        misses = 0
        found.append((index, cut, corner))
        _paste(planes, level, cut, corner, how.intensities)
    _lighten(planes, sources, found)
    instances, origins = _instances(shape, canvas, sources, found)
    image = Image(
        counts(planes, like).reshape((*like.data.shape[:-2], *shape)),
        like.axes,
        like.pixel_size,
        like.channels,
        dict(like.tags),
    )
    return Sample("", image, instances), origins


def counts(planes: np.ndarray, like: Image) -> np.ndarray:
    """`planes` in the type of the image `like`: rounded and cut to the range of the type.

    Floating-point images are cut at zero only if `like` has no negative value.
    """
    kind = np.dtype(like.data.dtype)
    if kind.kind == "b":
        return planes > 0.5
    if kind.kind in "iu":
        limits = np.iinfo(kind)
        np.rint(planes, out=planes)
        # The largest number of a wide type does not fit into float32: clip below it.
        return np.clip(planes, limits.min, np.nextafter(np.float32(limits.max), 0, dtype=np.float32)
                       if limits.max >= 2**24 else limits.max).astype(kind)  # fmt: skip
    if float(np.min(like.data)) >= 0:
        planes = np.maximum(planes, 0)
    return planes.astype(kind)


def _place(
    rng: np.random.Generator, canvas: Canvas, cut: Cutout, clustered: float
) -> tuple[int, int] | None:
    """Where the window of `cut` went, with its mask put on the canvas; None if nowhere."""
    row = col = 0
    mask = cut.mask
    if cut.alpha is not None and (window := tight(mask)) is not None:
        row, col, mask = window[0].start, window[1].start, mask[window]
    corner = canvas.attach(rng, mask) if clustered and rng.random() < clustered else None
    corner = corner or canvas.scatter(rng, mask)
    return None if corner is None else (corner[0] - row, corner[1] - col)


def _paste(
    planes: np.ndarray, level: np.ndarray, cut: Cutout, corner: tuple[int, int], intensities: str
) -> None:
    """Put the pixels of `cut` into `planes`, in its window only."""
    inner, outer = windows(cut.mask.shape, corner, planes.shape[1:])
    there = planes[(slice(None), *outer)]
    pixels = cut.pixels[(slice(None), *inner)]
    if intensities == ADDED:
        there += pixels if cut.alpha is not None else pixels * cut.mask[inner]
        return
    low = level[(slice(None), *outer)]
    if cut.alpha is None:
        np.copyto(there, low + pixels, where=cut.mask[inner])
    else:
        alpha = cut.alpha[inner]
        there *= 1 - alpha
        there += alpha * low + pixels


def _lighten(
    planes: np.ndarray,
    sources: Sequence[Source],
    found: Sequence[tuple[int, Cutout, tuple[int, int]]],
) -> None:
    """Lay the halo of the pasted cells over `planes`, each as strong as in its own image."""
    halos = [sources[index].ground.halo for index, _, _ in found]
    widths = [halo.width for halo in halos if halo is not None]
    if not widths:
        return
    light = np.zeros_like(planes)
    for halo, (_, cut, corner) in zip(halos, found, strict=True):
        inner, outer = windows(cut.mask.shape, corner, planes.shape[1:])
        strength = np.zeros(len(planes)) if halo is None else np.array(halo.strength)
        there = light[(slice(None), *outer)]
        np.copyto(there, strength[:, None, None], where=cut.mask[inner], casting="same_kind")
    width = float(np.mean(widths))
    for plane, given in zip(planes, light, strict=True):
        gain = blurred(given, width)
        gain += 1
        plane *= gain


def windows(
    size: tuple[int, ...], corner: tuple[int, int], shape: tuple[int, ...]
) -> tuple[tuple[slice, slice], tuple[slice, slice]]:
    """The part of a window that lies in a frame: within the window, and within the frame."""
    inner, outer = [], []
    for length, start, whole in zip(size, corner, shape, strict=True):
        low, high = max(start, 0), max(min(start + length, whole), max(start, 0))
        outer.append(slice(low, high))
        inner.append(slice(low - start, high - start))
    return (inner[0], inner[1]), (outer[0], outer[1])


def _instances(
    shape: tuple[int, int],
    canvas: Canvas,
    sources: Sequence[Source],
    found: Sequence[tuple[int, Cutout, tuple[int, int]]],
) -> tuple[Instances, list[tuple[int, int]]]:
    """All pasted cells with their carried ones, and where each comes from."""
    names = sources[0].cells.class_names
    boxes: list[tuple[int, int, int, int]] = []
    masks: list[np.ndarray] = []
    origins: list[tuple[int, int]] = []
    tags: list[dict[str, Tag]] = []
    for box, mask, (index, cut, corner) in zip(canvas.boxes, canvas.masks, found, strict=True):
        inner, outer = windows(cut.mask.shape, corner, shape)
        row, col = outer[0].start, outer[1].start
        shown = [(box, mask, cut.cell)]
        for part, cell in zip(cut.parts, cut.part_cells, strict=True):
            shown.append(((row, col, outer[0].stop, outer[1].stop), part[inner], cell))
        for place, one, cell in shown:
            window = tight(one)
            if window is None:
                continue  # a nucleus beyond the border, or lost by shrinking
            (top, left), shown_part = place[:2], one[window]
            top, left = top + window[0].start, left + window[1].start
            boxes.append((top, left, top + shown_part.shape[0], left + shown_part.shape[1]))
            masks.append(shown_part)
            origins.append((index, cell))
            old = sources[index].cells.tags
            tags.append(dict(old[cell]) if old else {})
    classes = [sources[i].cells.classes[c] for i, c in origins]
    return (
        Instances(
            shape, np.array(boxes, np.int64).reshape(-1, 4), tuple(masks), None, classes,
            names, tuple(tags),
        ),
        origins,
    )  # fmt: skip
