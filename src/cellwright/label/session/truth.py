"""Committed cells made ground truth: dead cells, covered cells, cells drawn on several planes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from cellwright.label.session.patch import Patch, joined, shared
from cellwright.overlap import intersections
from cellwright.types import InputError, Instances, Tag

ALIVE, DEAD = "Alive", "Dead"
COVERED = 0.5
"""Part of a cell under larger ones from which it counts as covered."""


def by_life(cells: Instances, dead: str) -> Instances:
    """Cells with their Alive/Dead state as class (P1), or without the dead ones (P2).

    A cell is dead if its class is "Dead" or its tag ``alive`` is False; the tag counts first,
    as it can be set by hand. Cells of which neither is known keep their class.

    Parameters
    ----------
    cells
        The cells.
    dead
        "label": the tag ``alive`` becomes the class "Alive" or "Dead". "exclude": dead cells
        are left out, all others keep their class.
    """
    if dead not in ("label", "exclude"):
        raise InputError(f"dead={dead!r} is not known; 'label' or 'exclude' is wanted")
    tags: Sequence = cells.tags or ({},) * len(cells)
    names = list(cells.class_names)
    state = [_alive(tag, names[int(c)]) for tag, c in zip(tags, cells.classes, strict=True)]
    if dead == "exclude":
        return cells[np.array([s is not False for s in state], bool)]
    wanted = [
        names[int(c)] if s is None else ALIVE if s else DEAD
        for s, c in zip(state, cells.classes, strict=True)
    ]
    names += [n for n in (ALIVE, DEAD) if n in wanted and n not in names]
    classes = np.array([names.index(n) for n in wanted], np.int64)
    return replace(cells, classes=classes, class_names=tuple(names))


def _alive(tags: dict[str, Tag], class_name: str) -> bool | None:
    if "alive" in tags:
        return bool(tags["alive"])
    return {ALIVE.lower(): True, DEAD.lower(): False}.get(class_name.lower())


def without_covered(cells: Instances, *, share: float = COVERED) -> Instances:
    """Cells without those of which `share` or more lies under larger cells.

    P2 (5.1) leaves out smaller cells that a larger one, on any plane, partly or completely
    obscures; the paper gives no share, ours is half. Of equal cells the first one stays.
    """
    i, j, _ = intersections(cells, cells)
    areas = cells.areas
    over = (areas[j] > areas[i]) | ((areas[j] == areas[i]) & (j < i))
    patches = [
        Patch(cells.shape, tuple(b), m)  # type: ignore[arg-type]
        for b, m in zip(cells.boxes.tolist(), cells.masks, strict=True)
    ]
    covers: dict[int, Patch] = {}
    for below, above in zip(i[over].tolist(), j[over].tolist(), strict=True):
        both = shared(patches[below], patches[above])
        if both:
            covers[below] = joined(covers[below], both) if below in covers else both
    keep = np.ones(len(cells), bool)
    for number, cover in covers.items():
        keep[number] = cover.area < share * areas[number]
    return cells[keep]


def is_on(cells: Instances, plane: int) -> np.ndarray:
    """(N,) bool: cells on a plane of the stack, by the tag ``planes``; those without are on all."""
    tags: Sequence = cells.tags or ({},) * len(cells)
    on = [t.get("planes") for t in tags]
    return np.array([o is None or str(plane) in str(o).split(",") for o in on], bool)


def on_plane(cells: Instances, plane: int) -> Instances:
    """Cells on a plane of the stack."""
    return cells[is_on(cells, plane)]


def one_per_object(cells: Instances) -> Instances:
    """Masks with the same tag ``object``, drawn on several planes, made one cell (their union).

    Class, score and tags are those of the first; it loses the tag ``planes``.
    """
    if not cells.tags:
        return cells
    first: dict[Tag, int] = {}
    union: dict[int, Patch] = {}
    keep = []
    for i, (box, mask) in enumerate(zip(cells.boxes.tolist(), cells.masks, strict=True)):
        patch = Patch(cells.shape, tuple(box), mask)
        name = cells.tags[i].get("object")
        if name is not None and name in first:
            union[first[name]] = joined(union[first[name]], patch)
            continue
        if name is not None:
            first[name] = i
        union[i] = patch
        keep.append(i)
    kept = cells[keep]
    tags = [{k: v for k, v in t.items() if k != "planes" or "object" not in t} for t in kept.tags]
    boxes = np.array([union[i].box for i in keep], np.int64).reshape(-1, 4)
    return replace(kept, boxes=boxes, masks=tuple(union[i].crop for i in keep), tags=tuple(tags))
