"""Where pasted cells come from, so that none of a held-out image slips into training.

Each pasted cell carries the tags ``source`` (name of its image), ``source_cell`` (its index
there), ``source_set`` (name of the data set) and ``source_print``, a fingerprint of the image. The
fingerprint has two halves, one of the pixels and one of the outlines of all cells; images are
the same if either half is, so that neither a new name, nor other pixels of the same field (another
plane, another contrast), nor corrected outlines hide them. A crop or a resized copy has
neither half and is not recognised.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from cellwright.types import Image, InputError, Instances, Tag

if TYPE_CHECKING:
    from cellwright.formats.dataset import Dataset

SOURCE, CELL, SET, PRINT = "source", "source_cell", "source_set", "source_print"
#: tag of an image that holds pasted cells: how it was made
EXTENDED = "extended"
#: fewer cells than this may have the same outlines in two images by chance
TELLING = 3
DIGITS = 16
#: rows of a lazy image that are read at once
BAND = 1024


def fingerprint(image: Image, cells: Instances | None) -> str:
    """Fingerprint of an image: 16 digits of its pixels, a dash, 16 of its cells (if 3 or more)."""
    return f"{pixel_print(image)}-{'' if cells is None else outline_print(cells)}"


def pixel_print(image: Image) -> str:
    """The half of a fingerprint that tells the pixels; a lazy image is read in bands of rows."""
    data = image.data
    found = hashlib.sha256(f"{data.dtype.str} {data.shape}".encode())
    for piece in _pieces(data):
        piece = np.ascontiguousarray(piece)
        found.update(piece.data if piece.dtype.kind != "b" else piece.view(np.uint8).data)
    return found.hexdigest()[:DIGITS]


def outline_print(cells: Instances) -> str:
    """The half of a fingerprint that tells the outlines; empty for fewer than three cells."""
    if len(cells) < TELLING:
        return ""
    rows = np.column_stack([cells.boxes, cells.areas])
    rows = rows[np.lexsort(rows.T)].astype("<i8")
    return hashlib.sha256(f"{cells.shape}".encode() + rows.tobytes()).hexdigest()[:DIGITS]


def _pieces(data: Any) -> Iterator[np.ndarray]:
    """An array in pieces whose bytes follow each other; rows and columns are its last axes."""
    if isinstance(data, np.ndarray):
        yield data
        return
    for plane in np.ndindex(tuple(data.shape[:-2])):
        for row in range(0, data.shape[-2], BAND):
            yield np.asarray(data[(*plane, slice(row, row + BAND))])


def origin_tags(
    old: Mapping[str, Tag], *, name: str, cell: int, dataset: str, mark: str
) -> dict[str, Tag]:
    """Tags of a pasted cell; one that was pasted before keeps its first origin."""
    if PRINT in old:
        return dict(old)
    return {**old, SOURCE: name, CELL: cell, SET: dataset, PRINT: mark}


def origins(dataset: Dataset) -> dict[str, tuple[str, str]]:
    """Fingerprint of each image that pasted cells of a data set come from.

    Returns
    -------
    dict
        Fingerprint -> (name of the source, name of the first image with a cell of it).
    """
    found: dict[str, tuple[str, str]] = {}
    for i, name in enumerate(dataset.names):
        if EXTENDED not in dataset.tags(i):
            continue
        for tags in dataset.instances(i).tags:
            if PRINT in tags:
                found.setdefault(str(tags[PRINT]), (str(tags.get(SOURCE, "?")), name))
    return found


def refuse_shared_origins(train: Dataset, held: Iterable[tuple[str, Dataset]]) -> None:
    """Refuse to train on cells that were pasted from an image which is held out.

    Parameters
    ----------
    train
        What is trained on.
    held
        Names and images of the parts that are kept from training (fold, test part).

    Raises
    ------
    InputError
        Naming the image, its part, and what to do.
    """
    known = origins(train)
    if not known:
        return
    seen = {half: where for mark, where in known.items() for half in halves(mark)}
    for part, dataset in held:
        # All classes, as when the cells were cut out: a view of some has other outlines.
        whole = type(dataset)(dataset.file, dataset.root)
        place = {name: k for k, name in enumerate(whole.names)}
        for i, name in enumerate(dataset.names):
            mark = fingerprint(dataset.image(i), whole.instances(place[name]))
            marks = {mark: name, **{m: n for m, (_, n) in origins(dataset.subset([i])).items()}}
            for half in (h for m in marks for h in halves(m)):
                if half in seen:
                    _refuse(*seen[half], name, part)


def _refuse(source: str, image: str, name: str, part: str) -> None:
    raise InputError(
        f"image {image!r} holds cells that were cut out of {source!r}, whose cells are in {part} "
        f"too ({name!r}): a model would be judged on cells that it has learnt; split the data "
        "set first (cellwright split DATA --split val:0.2), extend its part to train on "
        "(cellwright extend DATA --where split=train --originals), or name other images with --val"
    )


def halves(mark: str) -> tuple[str, ...]:
    """The halves of a fingerprint, told apart by the dash; an empty one is left out."""
    pixels, _, drawn = mark.partition("-")
    return tuple(h for h in (f"{pixels}-", f"-{drawn}") if h != "-")
