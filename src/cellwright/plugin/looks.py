"""What the image layer shows: a view of a field, as it is, equalised, or as an overlay."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from cellwright.label.session import Field, View
from cellwright.label.views import clahe, laid_over
from cellwright.types import Image

PROJECTED = ("median", "max", "mean", "focus")
PLAIN, EQUALISED = "as it is", "equalised (CLAHE)"


@dataclass(frozen=True, slots=True)
class Look:
    """Which part of a field is shown, and how.

    Parameters
    ----------
    plane
        Plane from 0, None for a projection.
    projection
        How planes are projected.
    channel
        Channel from 0; None for all.
    style
        One of `looks_of` the image; it changes what is seen, never what is segmented.
    """

    plane: int | None = None
    projection: str = "median"
    channel: int | None = None
    style: str = PLAIN

    @property
    def view(self) -> View:
        """The view that prompts are answered on."""
        return View(self.plane, self.projection, self.channel)


def looks_of(image: Image) -> tuple[str, ...]:
    """The looks that make sense for an image: each channel can be laid over the first."""
    names = image.channels or [f"channel {i + 1}" for i in range(image.size("C"))]
    return (PLAIN, EQUALISED, *(f"{name} over {names[0]}" for name in names[1:]))


def picture(field: Field, look: Look) -> np.ndarray:
    """A (row, column) or (row, column, 3) picture of a field.

    Of several channels without a choice the first is shown.
    """
    looks = looks_of(field.image)
    if look.style in looks[2:]:
        whole = field.view(look.plane, projection=look.projection)
        return laid_over(whole, over=looks.index(look.style) - 1, under=0)
    several = look.channel is None and field.image.size("C") > 1
    image = field.view(
        look.plane, projection=look.projection, channel=0 if several else look.channel
    )
    return np.asarray((clahe(image) if look.style == EQUALISED else image).data)
