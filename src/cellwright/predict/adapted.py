"""A predictor behind what makes an image like those that its model learnt.

One plane of several, dark cells turned bright, cells of another size brought to the size that the
model knows: each is asked for, or judged by the image, and what was done is told with the cells.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from cellwright.geometry import resize
from cellwright.geometry.diameter import typical_diameter
from cellwright.plate.resize import resize_image
from cellwright.plate.resized import ResizedView
from cellwright.predict.predictor import Predictor
from cellwright.predict.windows import thinned
from cellwright.types import Image, InputError, Instances

#: factor between the size of the cells found and that of the training above which they are
#: brought to it
FAR = 1.4
#: magnifications beyond these come of a wrong diameter
LEAST, MOST = 0.05, 8.0


@dataclass(frozen=True, slots=True)
class Adapted:
    """A predictor for images that differ from those its model learnt.

    Parameters
    ----------
    predictor
        Who finds the cells.
    channel
        Index or name of the one channel to look at; None takes all planes, which must be as many
        as the model takes.
    invert
        Whether cells are dark where the model learnt bright ones, or bright for dark; None
        judges by the image.
    diameter
        Typical diameter in pixels of the cells in the images; "auto" looks at the images as
        they are first, and once more if the cells found are of another size than those of the
        training; None leaves images as they are.
    one_plane
        Whether one plane is looked at without `channel` too: that named as a stain, the grey
        value of a colour photograph, or the only one; several without a name are refused.
    far
        Factor between the diameter found and that of the training beyond which "auto" brings an
        image to the latter.
    """

    predictor: Predictor
    channel: int | str | None = None
    invert: bool | None = False
    diameter: float | str | None = None
    one_plane: bool = False
    far: float = FAR

    def __post_init__(self) -> None:
        size = self.diameter
        if size is None:
            return
        if isinstance(size, str) and size != "auto":
            raise InputError(f"diameter {size!r} came: a number of pixels or auto is wanted")
        if not isinstance(size, str) and not size > 0:
            raise InputError(f"diameter {size} came: more than 0 pixels are wanted")
        if self.predictor.card.diameter is None:
            raise InputError(
                "the model does not say which diameter its cells had, so images cannot be brought "
                "to it: leave out --diameter, or train the model again"
            )

    @property
    def card(self) -> Any:
        """The model's card."""
        return self.predictor.card

    @property
    def half(self) -> bool:
        """Whether the network computes in bfloat16."""
        return self.predictor.half

    def check(self, image: Image) -> None:
        """Raise InputError if the model was not made for such an image."""
        if self.channel is not None:
            return
        if not self.one_plane:
            self.predictor.check(image)
        elif image.size("C") > 1 and not _tells_its_channel(image):
            raise InputError(
                f"the image has {image.size('C')} channels, the model takes one: say which with "
                f"--channel ({', '.join(image.channels) or 'numbers from 0'})"
            )

    def segment(self, image: Image) -> Instances:
        """Cells of an image, in its own pixels."""
        return self.segment_many([image])[0][0]

    def segment_many(self, images: Sequence[Image]) -> list[tuple[Instances, dict[str, Any]]]:
        """Cells of several images in their own pixels, each with what was done to it.

        What was done is ``channel``, ``inverted`` and ``magnified`` by their names, where any
        of it was.
        """
        planes = [self._plane(image) for image in images]
        inverted = [self._inverts(image) for image in planes]
        if self.diameter is not None and self.diameter != "auto":
            zooms = [float(self.card.diameter) / float(self.diameter)] * len(planes)
        else:
            zooms = [1.0] * len(planes)
        found = self._found(planes, inverted, zooms)
        if self.diameter == "auto":
            zooms = [self._zoom(cells) for cells in found]
            again = [k for k, zoom in enumerate(zooms) if zoom != 1.0]
            some = self._found(*([part[k] for k in again] for part in (planes, inverted, zooms)))
            for k, cells in zip(again, some, strict=True):
                found[k] = cells
        done = [
            _done(self._channel(image), dark, zoom)
            for image, dark, zoom in zip(images, inverted, zooms, strict=True)
        ]
        return list(zip(found, done, strict=True))

    def _channel(self, image: Image) -> int | str | None:
        """The channel that is looked at, "grey" for the mean of colours; None for all planes."""
        if self.channel is not None or not self.one_plane or image.size("C") == 1:
            return self.channel
        from cellwright.label.plane import pick_channel

        index = pick_channel(image)
        return "grey" if index is None else image.channels[index] if image.channels else index

    def _plane(self, image: Image) -> Image:
        if self.channel is None and (not self.one_plane or image.planes == 1):
            return image
        from cellwright.label.plane import pick_plane

        plane = pick_plane(image, channel=self.channel)
        return Image(plane, "YX", pixel_size=image.pixel_size, tags=image.tags)

    def _inverts(self, image: Image) -> bool:
        if self.invert is not None:
            return self.invert
        from cellwright.classical.modality import guess_foreground

        step = max(1, round(max(image.shape) / 1024))
        return guess_foreground(thinned(image)[0][::step, ::step]) == "dark"

    def _found(
        self, images: Sequence[Image], inverted: Sequence[bool], zooms: Sequence[float]
    ) -> list[Instances]:
        """Cells of `images`, turned and magnified as said, in their own pixels."""
        found: list[Instances | None] = [None] * len(images)
        for dark in (False, True):
            chosen = [k for k, turned in enumerate(inverted) if turned == dark]
            seen = [_magnified(images[k], zooms[k]) for k in chosen]
            predictor = replace(self.predictor, inverted=dark)
            for k, cells in zip(chosen, predictor.segment_many(seen), strict=True):
                same = cells.shape == images[k].shape
                found[k] = cells if same else resize(cells, images[k].shape)
        return [cells for cells in found if cells is not None]

    def _zoom(self, cells: Instances) -> float:
        """Magnification that brings the cells found to the size of the training; 1 where near."""
        size = typical_diameter(cells.areas)
        if size is None:
            return 1.0
        zoom = float(self.card.diameter) / size
        # Specks alone in an image would ask for more than can be: it is left as it is.
        return zoom if max(zoom, 1 / zoom) > self.far and LEAST <= zoom <= MOST else 1.0


def _done(channel: int | str | None, inverted: bool, zoom: float) -> dict[str, Any]:
    done: dict[str, Any] = {} if channel is None else {"channel": channel}
    if inverted:
        done["inverted"] = True
    if zoom != 1.0:
        done["magnified"] = round(zoom, 4)
    return done


def _tells_its_channel(image: Image) -> bool:
    """Whether the names of the channels say which shows the cells."""
    from cellwright.label.plane import COLOURS, STAINS

    names = [name.lower() for name in image.channels]
    return tuple(names[:3]) == COLOURS or any(word in n for word in STAINS for n in names)


def _magnified(image: Image, zoom: float) -> Image:
    if zoom == 1.0:
        return image
    if not LEAST <= zoom <= MOST:
        raise InputError(
            f"the image would be magnified {zoom:.3g} times to bring its cells to the size the "
            f"model knows; {LEAST} to {MOST} times can be: is the diameter in pixels?"
        )
    rows, cols = (max(1, round(n * zoom)) for n in image.shape)
    if isinstance(image.data, np.ndarray):
        return resize_image(image, (rows, cols))
    # A frame that is read piece by piece is resized piece by piece, too.
    size = image.pixel_size
    if size is not None:
        size = (size[0] * image.shape[0] / rows, size[1] * image.shape[1] / cols)
    return replace(image, data=ResizedView(image.data, (rows, cols)), pixel_size=size)
