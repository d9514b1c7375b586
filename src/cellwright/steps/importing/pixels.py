"""The pixels of one field from the files of its planes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from cellwright.formats import read_image
from cellwright.plate import Field
from cellwright.plate.lazy import Stacked
from cellwright.plate.tiles import split_tiles
from cellwright.steps.importing.layout import Layout
from cellwright.types import AXES, Image, InputError, Tag


def image_of(field: Field, layout: Layout, *, lazy: bool = False) -> Image:
    """One image of a field, with axes in the order ``TZCYX`` and its channels named and chosen.

    A channel without z stands at every z of the others. `lazy` reads parts when they are asked
    for, where the format can.
    """
    zs: list[Tag | None] = [z for z in field.zs if z is not None]
    zs = zs or [None]
    path_of = dict(field.planes)
    grid = [path_of[(None if c in field.flat else z, c)] for z in zs for c in field.channels]
    parts = {path: _part(path, field.scene, layout, lazy=lazy) for path in dict.fromkeys(grid)}
    first = parts[grid[0]]
    for path, part in parts.items():
        if (part.data.shape, part.axes, part.data.dtype) != (
            first.data.shape, first.axes, first.data.dtype,
        ):  # fmt: skip
            raise InputError(
                f"{path}: shape {part.data.shape} and type {part.data.dtype} came, the first "
                f"plane has {first.data.shape} and {first.data.dtype}"
            )
    count = {"Z": len(zs), "C": len(field.channels)}
    added = "".join(a for a in "ZC" if count[a] > 1)
    if set(added) & set(first.axes):
        raise InputError(
            f"{grid[0]}: the names number {added} and the files have axes {first.axes}; "
            "leave one of them out of the pattern"
        )
    if not added:
        image = first
    elif lazy and first.axes == "YX":
        data = _nested([parts[p].data for p in grid], count)
        image = replace(first, data=data, axes=f"{added}YX")
    else:
        whole = np.stack([np.asarray(parts[p].data) for p in grid])
        whole = whole.reshape(*(count[a] for a in added), *first.data.shape)
        letters = added + first.axes
        order = sorted(range(len(letters)), key=lambda i: AXES.index(letters[i]))
        image = replace(
            first, data=np.ascontiguousarray(whole.transpose(order)),
            axes="".join(letters[i] for i in order),
        )  # fmt: skip
    names = tuple(map(str, field.channels)) if field.channels != (None,) else None
    if names is not None and "C" not in first.axes:
        told = "C" in added or layout.channel_names
        shown = layout.channels or (names if told else first.channels)
        return replace(image, channels=shown)
    return _named(image, layout)


def _part(path: Path, scene: int | None, layout: Layout, *, lazy: bool) -> Image:
    size = layout.pixel_size
    part = read_image(path, axes=layout.axes, pixel_size=size, lazy=lazy, scene=scene)
    try:
        return split_tiles(
            part, rows=layout.split_rows, columns=layout.split_columns, as_=layout.split_as
        )
    except InputError as error:
        raise InputError(f"{path}: {error}") from error


def _nested(planes: Sequence[Any], count: dict[str, int]) -> Stacked:
    """Planes that are laid out z by z, each z with its channels."""
    if count["Z"] == 1 or count["C"] == 1:
        return Stacked(planes)
    step = count["C"]
    return Stacked([Stacked(planes[i : i + step]) for i in range(0, len(planes), step)])


def _named(image: Image, layout: Layout) -> Image:
    """The image with the channels of its file named, those to keep alone."""
    count = image.size("C")
    names = layout.channels or image.channels or tuple(str(i + 1) for i in range(count))
    if len(names) != count:
        raise InputError(f"{len(names)} channel names came for {count} channels")
    given = layout.channel_names
    for key in given:
        if key not in names and not (key.isdigit() and 1 <= int(key) <= count):
            raise InputError(
                f"--channel {key}={given[key]}: the file has no channel {key}; it has "
                f"{', '.join(names)}"
            )
    named = tuple(given.get(n, given.get(str(i + 1), n)) for i, n in enumerate(names))
    if not given and not layout.keep_channels:
        return replace(image, channels=layout.channels or image.channels)
    wrong = [k for k in layout.keep_channels if k not in named]
    if wrong:
        raise InputError(
            f"--keep-channels {wrong[0]}: the image has no such channel; it has {', '.join(named)}"
        )
    kept = [named.index(k) for k in layout.keep_channels] or list(range(count))
    if "C" not in image.axes or kept == list(range(count)):
        return replace(image, channels=named)
    at = image.axes.index("C")
    parts = [image.data[(*[slice(None)] * at, i)] for i in kept]
    if len(parts) == 1:
        return replace(image, data=parts[0], axes=image.axes.replace("C", ""),
                       channels=(named[kept[0]],))  # fmt: skip
    data = np.stack([np.asarray(p) for p in parts], axis=at)
    return replace(image, data=data, channels=tuple(named[i] for i in kept))
