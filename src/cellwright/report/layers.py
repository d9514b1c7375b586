"""Pictures inside the page: a compressed image under thin transparent outline layers.

Image and outlines are kept apart, so that a reader can switch the layers, the outlines
stay sharp, and the image may be compressed hard: a hundred frames fit in 15 MB.
"""

from __future__ import annotations

import base64
import io
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from cellwright.report.html import Html, escape
from cellwright.report.outlines import draw_outlines, draw_overlaps
from cellwright.report.overlay import OVERLAP, PREDICTION, TRUTH, fit_scale, visible
from cellwright.types import Image, Instances

if TYPE_CHECKING:
    from PIL.Image import Image as Picture

_QUALITIES = (80, 55)
_SHARP_SIDE = 768
_LEAST_IMAGE = 12_000
_LEAST_SCALE = 0.25


def data_uri(data: bytes, kind: str) -> str:
    """`data` of the media type image/`kind` as an address that holds it."""
    return f"data:image/{kind};base64,{base64.b64encode(data).decode('ascii')}"


def compressed(picture: np.ndarray, *, limit: int) -> str:
    """A picture as a WebP data address of about `limit` characters or fewer.

    Quality is lowered first, then size, until it fits; a picture of 96 pixels or fewer
    is taken as it is.

    Parameters
    ----------
    picture
        uint8 (row, column, RGB).
    limit
        Characters wanted.
    """
    from PIL import Image as Pillow

    frame = Pillow.fromarray(picture)
    for quality in _QUALITIES:
        data = _webp(frame, quality)
        if len(data) <= limit:
            return data
    while len(data) > limit and max(frame.size) > 96:
        shrink = min(0.9, 0.95 * (limit / len(data)) ** 0.5)
        size = tuple(max(1, round(side * shrink)) for side in frame.size)
        frame = frame.resize(size, Pillow.Resampling.BOX)
        data = _webp(frame, _QUALITIES[-1])
    return data


def _webp(frame: Picture, quality: int) -> str:
    buffer = io.BytesIO()
    frame.save(buffer, "WEBP", quality=quality, method=2)
    return data_uri(buffer.getvalue(), "webp")


def layer(drawn: np.ndarray, colour: tuple[int, int, int], *, alpha: int = 255) -> str:
    """A boolean canvas as a two-colour PNG data address, clear where False."""
    from PIL import Image as Pillow

    frame = Pillow.fromarray(drawn.astype(np.uint8), mode="P")
    frame.putpalette([0, 0, 0, *colour])
    buffer = io.BytesIO()
    frame.save(buffer, "PNG", transparency=bytes([0, alpha]), bits=1, optimize=True)
    return data_uri(buffer.getvalue(), "png")


def figure(
    image: Image,
    caption: Html,
    name: str,
    *,
    prediction: Instances | None = None,
    truth: Instances | None = None,
    limit: int = 110_000,
    max_side: int = 1024,
) -> Html:
    """One image with its switchable outlines and a caption.

    Parameters
    ----------
    image
        The image.
    caption
        Markup below the picture.
    name
        Name of the image, for readers who do not see it.
    prediction, truth
        Cells, or None; both of the shape of `image`.
    limit
        Characters that its image and layers should not pass; the image is compressed and
        outlines are drawn coarser to keep to it.
    max_side
        Longest side of the picture in pixels.
    """
    scale = fit_scale(image.shape, max_side)
    sharp = max(scale, min(4.0, _SHARP_SIDE / max(image.shape)))
    first, noun = (prediction, "predicted") if prediction is not None else (truth, "true")
    layers = outline_layers(prediction, truth, scale=scale, sharp=sharp)
    while _size(layers) > limit - _LEAST_IMAGE and sharp > _LEAST_SCALE:
        sharp *= 0.75
        layers = outline_layers(prediction, truth, scale=min(scale, sharp), sharp=sharp)
    room = max(_LEAST_IMAGE, limit - _size(layers))
    base = compressed(visible(image, scale=scale), limit=room)
    cells = "" if first is None else f", {len(first)} {noun} cells outlined"
    return framed(base, layers, caption, name, alt=f"{name}{cells}", shape=image.shape)


def framed(
    base: str,
    layers: Sequence[tuple[str, str]],
    caption: Html,
    name: str,
    *,
    shape: tuple[int, int],
    alt: str = "",
    near: bool = False,
) -> Html:
    """A picture under its layers as a figure that can be enlarged.

    Parameters
    ----------
    base
        Address of the picture.
    layers
        Kind and address of each layer, lowest first.
    caption
        Markup below the picture.
    name
        Name of the image, for readers who do not see it.
    shape
        Rows and columns that the figure stands for.
    alt
        What the picture shows; `name` if not given.
    near
        Show the pixels of the picture as squares, as in a small part of an image.
    """
    rows, cols = shape
    style = ' style="image-rendering:pixelated"' if near else ""
    stack = "".join(f'<img class="layer {kind}" src="{uri}" alt="">' for kind, uri in layers)
    return Html(
        f'<figure><label class="frame" style="aspect-ratio:{cols}/{rows}">'
        f'<input type="checkbox" class="zoom" aria-label="{escape(f"Enlarge {name}")}">'
        f'<img src="{base}" alt="{escape(alt or name)}" width="{cols}" height="{rows}"{style}>'
        f"{stack}</label><figcaption>{caption}</figcaption></figure>"
    )


def outline_layers(
    prediction: Instances | None, truth: Instances | None, *, scale: float, sharp: float
) -> list[tuple[str, str]]:
    """Kind and address of each layer, lowest first."""
    found = []
    width = 2 if sharp >= 1 else 1
    first = prediction if prediction is not None else truth
    if first is not None and len(first) > 1:
        shared = draw_overlaps(first, scale=scale)
        if shared.any():
            found.append(("overlap", layer(shared, OVERLAP, alpha=120)))
    if truth is not None:
        around = prediction is not None
        lines = draw_outlines(truth, scale=sharp, outside=around, thickness=width)
        found.append(("truth", layer(lines, TRUTH)))
    if prediction is not None:
        lines = draw_outlines(prediction, scale=sharp, thickness=width)
        found.append(("prediction", layer(lines, PREDICTION)))
    return found


def _size(layers: list[tuple[str, str]]) -> int:
    return sum(len(uri) for _, uri in layers)


def ready_figure(picture: np.ndarray, caption: Html, name: str, *, limit: int = 110_000) -> Html:
    """A picture drawn earlier (uint8 (row, column, RGB)) with a caption."""
    base = compressed(picture, limit=limit)
    return framed(base, (), caption, name, shape=picture.shape[:2])
