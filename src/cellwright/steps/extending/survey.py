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
#: by how much the typical diameters of images that are mixed differ, at most: beyond that they
#: are of other cells or of another magnification
ALIKE = 1.5
BY_CLASS = "class"


@dataclass(frozen=True, slots=True)
class Held:
    """What one image has of a kind of cells.

    Parameters
    ----------
    image
        Index of the image.
    density
        Cells per pixel.
    size
        Typical diameter of the cells in pixels.
    pasted
        Whether it has a cell that may be pasted.
    """

    image: int
    density: float
    size: float
    pasted: bool


@dataclass(frozen=True, slots=True)
class Kind:
    """Cells of one type, which an extended image holds nothing but.

    Parameters
    ----------
    name
        Value of the tag, name of the class, or "all".
    only
        Index of the class, or None for all but carried ones.
    held
        The images with a cell of this type; one of them at least has some that may be pasted.
    """

    name: str
    only: int | None
    held: tuple[Held, ...]

    @property
    def sources(self) -> tuple[Held, ...]:
        """Those with a cell that may be pasted."""
        return tuple(h for h in self.held if h.pasted)

    def like(self, size: float) -> tuple[Held, ...]:
        """Those with cells of about this typical diameter."""
        return tuple(h for h in self.held if max(h.size / size, size / h.size) <= ALIKE)


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
    found: dict[tuple[str, int | None], list[Held]] = {}
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
            held = found.setdefault(group, [])
            if size := typical_diameter(cells.areas[chosen]):
                density = float(np.count_nonzero(chosen) / np.prod(dataset.shape(i)))
                held.append(Held(i, density, size, bool((chosen & complete).any())))
        chosen = pastable(cells, only=None, carried=carried)
        areas.append(cells.areas[chosen])
        stretch.append(_elongations(cells.boxes[chosen & complete], cells, chosen & complete))
    kinds = [
        Kind(name, only, tuple(held))
        for (name, only), held in sorted(found.items(), key=lambda e: e[0][0])
        if any(h.pasted for h in held)
    ]
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
