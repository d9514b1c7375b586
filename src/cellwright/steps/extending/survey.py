"""What a data set offers for new images: kinds of cells, where they are, how dense they lie."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from cellwright.geometry.diameter import typical_diameter
from cellwright.steps.progress import track
from cellwright.synth.paste.cutouts import pastable, whole
from cellwright.types import InputError

if TYPE_CHECKING:
    from cellwright.formats.dataset import Dataset

#: tag that tells the cell types of LIVECell apart (P3)
CELL_LINE = "cell_line"
BY_CLASS = "class"


@dataclass(frozen=True, slots=True)
class Kind:
    """Cells of one type, which an extended image holds nothing but.

    Parameters
    ----------
    name
        Value of the tag, name of the class, or "all".
    only
        Index of the class, or None for all but carried ones.
    images
        Indices of the images with a cell that may be pasted.
    counts
        Cells of this type in each image that has any.
    densities
        The same per pixel.
    """

    name: str
    only: int | None
    images: tuple[int, ...]
    counts: tuple[int, ...]
    densities: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Survey:
    """Kinds of cells, and the typical diameter of all in pixels."""

    kinds: tuple[Kind, ...]
    diameter: float
    elongation: float


def usable(dataset: Dataset, where: Mapping[str, Sequence[str]]) -> Dataset:
    """The labelled images that may be extended.

    Raises
    ------
    InputError
        If one of them is tagged ``split=test``, or ``split=val`` and `where` does not ask for it.
    """
    part = dataset.where(**where) if where else dataset
    part = part.subset([i for i in range(len(part)) if part.labelled(i)])
    if not len(part):
        raise InputError(
            f"{dataset.file.path}: no image is labelled; cells are cut out of labelled images "
            "(cellwright annotate, cellwright label)"
        )
    splits = [str(part.tags(i).get("split", "")) for i in range(len(part))]
    allowed = "val" in where.get("split", ())
    for split in ("test",) if allowed else ("test", "val"):
        if count := splits.count(split):
            name = part.names[splits.index(split)]
            raise InputError(
                f"{dataset.file.path}: {count} images are of split {split} ({name!r} first), "
                "whose cells must not be trained on; choose others, with --where split=train"
            )
    return part


def survey(
    dataset: Dataset, *, by: str | None, carried: Sequence[str], quiet: bool = False
) -> Survey:
    """Look through all cells once.

    Raises
    ------
    InputError
        If no cell can be cut out, or an image lacks the tag `by`.
    """
    tags = [dataset.tags(i) for i in range(len(dataset))]
    if by is None and all(CELL_LINE in t for t in tags):
        by = CELL_LINE
    lacking = [n for n, t in zip(dataset.names, tags, strict=True) if by not in t]
    if by not in (None, BY_CLASS) and lacking:
        known = ", ".join(sorted({k for t in tags for k in t})) or "none"
        raise InputError(
            f"{lacking[0]!r} and {len(lacking) - 1} more images have no tag {by!r} to tell types "
            f"of cells by; tags there: {known}; or --by class"
        )
    found: dict[tuple[str, int | None], list[tuple[int, int, int]]] = {}
    areas: list[np.ndarray] = []
    stretch: list[np.ndarray] = []
    for i in track(range(len(dataset)), "look", quiet=quiet):
        cells = dataset.instances(i)
        complete = whole(cells)
        groups: list[tuple[str, int | None]] = [
            ("all" if by is None else str(tags[i].get(by)), None)
        ]
        if by == BY_CLASS:
            groups = [(n, k) for k, n in enumerate(cells.class_names)]
            others = [(n, k) for n, k in groups if n not in carried]
            groups = others or groups
        for group in groups:
            chosen = pastable(cells, only=group[1], carried=carried)
            entry = (i, int(np.count_nonzero(chosen)), int(np.count_nonzero(chosen & complete)))
            found.setdefault(group, []).append(entry)
        chosen = pastable(cells, only=None, carried=carried)
        areas.append(cells.areas[chosen])
        stretch.append(_elongations(cells.boxes[chosen & complete], cells, chosen & complete))
    kinds = []
    for (name, only), entries in sorted(found.items(), key=lambda e: e[0][0]):
        images = tuple(i for i, _, cut in entries if cut)
        if images:
            held = [(i, count) for i, count, _ in entries if count]
            kinds.append(
                Kind(
                    name,
                    only,
                    images,
                    tuple(count for _, count in held),
                    tuple(count / np.prod(dataset.shape(i)) for i, count in held),
                )
            )
    diameter = typical_diameter(np.concatenate(areas))
    if not kinds or diameter is None:
        raise InputError(
            f"{dataset.file.path}: no cell of its {len(dataset)} images can be cut out: cells that "
            "the border does not cut are wanted, of 4 pixels or more"
        )
    all_stretch = np.concatenate(stretch)
    return Survey(tuple(kinds), diameter, float(np.median(all_stretch)) if len(all_stretch) else 1)


def _elongations(boxes: np.ndarray, cells: Any, chosen: np.ndarray) -> np.ndarray:
    """Ratio of the axes of the ellipses with the same moments, of 200 cells at most."""
    found = []
    for i in np.flatnonzero(chosen)[:200]:
        at = np.argwhere(cells.masks[i]).astype(float)
        if len(at) > 3:
            low, high = np.linalg.eigvalsh(np.cov(at.T) + np.eye(2) / 12)
            found.append(np.sqrt(high / low))
    return np.array(found)


def one_form(dataset: Dataset) -> None:
    """Refuse images that differ in axes, planes, channels or type: their cells cannot be mixed."""
    forms: dict[tuple[Any, ...], str] = {}
    for i, name in enumerate(dataset.names):
        image = dataset.image(i, lazy=True)
        form = (image.axes, tuple(image.data.shape[:-2]), str(image.data.dtype), image.channels)
        forms.setdefault(form, name)
    if len(forms) > 1:
        told = "; ".join(
            f"{name} is {kind} {axes}"
            + (f" {'x'.join(map(str, sizes))}" if sizes else "")
            + (f" ({', '.join(channels)})" if channels else "")
            for (axes, sizes, kind, channels), name in forms.items()
        )
        raise InputError(
            f"the images differ in their planes or type: {told}; choose one kind with --where"
        )
