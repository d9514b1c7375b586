"""Two-dimensional views of a field: a plane, or a projection of all planes."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from cellwright.plate import stack
from cellwright.types import Image, InputError


@dataclass(frozen=True, slots=True)
class View:
    """Which part of a field is looked at.

    Parameters
    ----------
    plane
        Plane of the stack from 0, or None for a projection.
    projection
        One of `cellwright.plate.stack.PROJECTIONS`; it counts if `plane` is None and the field
        has several planes.
    channel
        Number or name of the channel; None for all.
    """

    plane: int | None = None
    projection: str = "median"
    channel: int | str | None = None

    def to_json(self) -> dict[str, Any]:
        """What the journal says of the view."""
        told: dict[str, Any] = {}
        if self.plane is not None:
            told["plane"] = self.plane
        else:
            told["projection"] = self.projection
        return told if self.channel is None else told | {"channel": self.channel}


def look(image: Image, view: View) -> Image:
    """The view of `image`, which may be lazy, as ``YX`` or ``CYX`` in memory.

    Raises
    ------
    InputError
        For a plane, projection or channel that is not there, or several time points.
    """
    if image.size("T") > 1:
        raise InputError(
            f"the image has {image.size('T')} time points; import each as a field of its own"
        )
    if view.projection not in stack.PROJECTIONS:
        raise InputError(
            f"projection {view.projection!r} is not known; there are {', '.join(stack.PROJECTIONS)}"
        )
    count = image.size("Z")
    if view.plane is not None and not 0 <= view.plane < count:
        raise InputError(f"there is no plane {view.plane}; the field has {count}, from 0")
    if image.axes.startswith("T"):
        image = replace(image, data=image.data[0], axes=image.axes[1:])
    if view.channel is not None:
        image = _channel(image, view.channel)
    if "Z" in image.axes:
        flat = stack.plane(image, view.plane) if view.plane is not None else None
        image = flat or stack.project_image(image, view.projection)
    return replace(image, data=np.asarray(image.data))


def _channel(image: Image, channel: int | str) -> Image:
    """One channel of an image, given by number or name, without the axis."""
    count, index = image.size("C"), channel
    if isinstance(channel, str):
        names = [n.lower() for n in image.channels]
        index = names.index(channel.lower()) if channel.lower() in names else -1
    if not 0 <= int(index) < count:
        known = ", ".join(image.channels) or f"{count}, numbered from 0"
        raise InputError(f"there is no channel {channel!r}; the field has {known}")
    if "C" not in image.axes:
        return image
    at = image.axes.index("C")
    data = image.data[(*(slice(None) for _ in range(at)), int(index))]
    return replace(image, data=data, axes=image.axes.replace("C", ""), channels=())
