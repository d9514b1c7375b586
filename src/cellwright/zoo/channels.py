"""Channels of an image by name or number."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from cellwright.types import Image, InputError

#: stands for every plane of an image
ALL = ("all",)


def chosen(image: Image, names: Sequence[str]) -> Image:
    """The image of some of its channels, in that order.

    Parameters
    ----------
    image
        Of axes without T.
    names
        Names, or numbers from 0; ``("all",)`` is the image as it is. One channel alone loses
        its axis.

    Raises
    ------
    InputError
        If there is no such channel, or the image is a film.
    """
    if "T" in image.axes:
        raise InputError(f"an image of axes {image.axes} came: give its time points one by one")
    if tuple(names) == ALL:
        return image
    known = image.channels or tuple(str(n) for n in range(image.size("C")))
    places = [_place(name, known) for name in names]
    kept = tuple(known[p] for p in places)
    if "C" not in image.axes:
        return Image(image.data, image.axes, image.pixel_size, kept, image.tags)
    axis = image.axes.index("C")
    wanted: int | list[int] = places if len(places) > 1 else places[0]
    data = np.take(np.asarray(image.data), wanted, axis=axis)
    axes = image.axes if len(places) > 1 else image.axes.replace("C", "")
    return Image(data, axes, image.pixel_size, kept, image.tags)


def _place(name: str, known: Sequence[str]) -> int:
    if name in known:
        return list(known).index(name)
    if name.isdigit() and int(name) < len(known):
        return int(name)
    raise InputError(
        f"there is no channel {name!r}; the image has {', '.join(known)} "
        "(names are given at import: --channel 1=phase)"
    )
