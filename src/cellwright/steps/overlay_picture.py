"""Cells outlined on their image in the colours of their classes, or of Alive and Dead."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from cellwright.types import Image, InputError, Instances

VIEWS = ("plain", "clahe", "fluorescence")
# Both stand out from grey and from the green of a second channel.
ALIVE_COLOUR, DEAD_COLOUR, UNKNOWN = (255, 221, 0), (255, 64, 200), (190, 190, 190)
TRUTH_COLOUR = (86, 200, 255)
# Told apart with every common colour vision; after these they begin anew.
CLASS_COLOURS = (
    (255, 176, 0), (86, 200, 255), (255, 79, 163), (64, 220, 130), (255, 110, 40),
    (170, 140, 255), (240, 240, 100), (120, 220, 220),
)  # fmt: skip


def overlay_picture(
    image: Image,
    cells: Instances | None,
    *,
    truth: Instances | None = None,
    class_names: Sequence[str] = (),
    view: str = "plain",
    ids: bool = False,
    thickness: int = 1,
    max_side: int = 2048,
) -> np.ndarray:
    """A picture for the eye of the one who checks.

    Parameters
    ----------
    image
        A field or one plane of it; of a stack the middle plane is shown, with fluorescence laid
        over it the sharpest.
    cells
        Outlined in the colour of their tag ``alive`` or class "Alive" / "Dead" (yellow, pink)
        where these are known, else of their class. None: the image alone.
    truth
        Outlined around in blue.
    class_names
        All classes of the data set, so that a class has one colour in all its images.
    view
        ``"plain"``: channels mixed in colours; ``"fluorescence"``: laid in colour over the other
        channel; ``"clahe"``: the same with the contrast of the other channel levelled, of a
        single channel that one.
    ids
        Whether each cell has its number (from 1, as in tables and label images) at its middle.
    thickness
        Width of the outlines in pixels of the picture.
    max_side
        Longest side of the picture; larger images are shrunk.

    Returns
    -------
    ndarray
        uint8 (row, column, RGB).
    """
    from cellwright.report.outlines import canvas_shape, draw_outlines
    from cellwright.report.overlay import fit_scale

    for some in (cells, truth):
        if some is not None and some.shape != image.shape:
            raise InputError(f"cells on a frame of {some.shape} came for an image of {image.shape}")
    scale = fit_scale(image.shape, max_side)
    canvas = _ground(image, view, scale)
    if canvas.shape[:2] != canvas_shape(image.shape, scale):
        raise InputError(f"a picture of {canvas.shape[:2]} came of an image of {image.shape}")
    if truth is not None:
        drawn = draw_outlines(truth, scale=scale, outside=True, thickness=thickness)
        canvas[drawn] = TRUTH_COLOUR
    if cells is None or not len(cells):
        return canvas
    colours = cell_colours(cells, class_names)
    for colour in np.unique(colours, axis=0):
        part = cells[(colours == colour).all(axis=1)]
        canvas[draw_outlines(part, scale=scale, thickness=thickness)] = colour
    return _numbered(canvas, cells, colours, scale) if ids else canvas


def cell_colours(cells: Instances, class_names: Sequence[str] = ()) -> np.ndarray:
    """(N, 3) uint8 colour of each cell; see `overlay_picture`."""
    names = tuple(class_names) or cells.class_names
    tags = cells.tags or ({},) * len(cells)
    judged = any("alive" in t for t in tags)
    found = []
    for number, tag in zip(cells.classes.tolist(), tags, strict=True):
        name = cells.class_names[number]
        word = str(name).lower()
        if "alive" in tag:
            found.append(ALIVE_COLOUR if tag["alive"] else DEAD_COLOUR)
        elif word in ("alive", "dead"):
            found.append(ALIVE_COLOUR if word == "alive" else DEAD_COLOUR)
        elif judged:
            found.append(UNKNOWN)
        else:
            at = names.index(name) if name in names else len(names)
            found.append(CLASS_COLOURS[at % len(CLASS_COLOURS)])
    return np.array(found, dtype=np.uint8).reshape(-1, 3)


def _ground(image: Image, view: str, scale: float) -> np.ndarray:
    from PIL import Image as Pillow

    from cellwright.label.views import clahe, laid_over, one_plane
    from cellwright.report.outlines import canvas_shape
    from cellwright.report.overlay import visible

    if view not in VIEWS:
        raise InputError(f"view {view!r} is unknown; choose one of {', '.join(VIEWS)}")
    if view == "plain":
        return visible(image, scale=scale)
    if view == "clahe" and image.size("C") == 1:
        middle = one_plane(image, z=image.size("Z") // 2)
        return visible(clahe(Image(middle)), scale=scale)
    rows, columns = canvas_shape(image.shape, scale)
    names = [n.lower() for n in image.channels]
    over = names.index("fluorescence") if "fluorescence" in names else image.size("C") - 1
    picture = Pillow.fromarray(laid_over(image, over=over, equalise=view == "clahe"))
    return np.array(picture.resize((columns, rows), Pillow.Resampling.BOX))


def _numbered(
    canvas: np.ndarray, cells: Instances, colours: np.ndarray, scale: float
) -> np.ndarray:
    from PIL import Image as Pillow
    from PIL import ImageDraw, ImageFont

    picture = Pillow.fromarray(canvas)
    pen, font = ImageDraw.Draw(picture), ImageFont.load_default(size=11)
    middles = (cells.boxes[:, :2] + cells.boxes[:, 2:]) / 2 * scale
    for number, ((row, column), colour) in enumerate(
        zip(middles.tolist(), colours.tolist(), strict=True), start=1
    ):
        place = (column, row)
        pen.text(place, str(number), fill=(255, 255, 255), font=font, anchor="mm",
                 stroke_width=1, stroke_fill=tuple(c // 3 for c in colour))  # fmt: skip
    return np.array(picture)
