"""Cells of a session as Instances, and Instances as entries of the journal."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from cellwright.label.session.cell import Cell, Entry, Planes, birth, content_id
from cellwright.label.session.patch import Patch
from cellwright.types import InputError, Instances, Tag

OWN_TAGS = ("id", "author", "planes")
"""Tags that the session gives; they are not taken over from other data sets."""


def as_instances(
    cells: Sequence[Cell], shape: tuple[int, int], class_names: Sequence[str]
) -> Instances:
    """Cells in their order, with the tags ``id``, ``author`` and, if on some planes, ``planes``."""
    number = {name: i for i, name in enumerate(class_names)}
    patches = [c.patch for c in cells]
    there = [(c, p) for c, p in zip(cells, patches, strict=True) if p]
    return Instances(
        shape,
        np.array([p.box for _, p in there], np.int64).reshape(-1, 4),
        tuple(p.crop for _, p in there),
        np.array([c.score for c, _ in there], np.float32),
        np.array([number[c.class_name] for c, _ in there], np.int64),
        tuple(class_names),
        tuple(_tags(c) for c, _ in there),
    )


def _tags(cell: Cell) -> dict[str, Tag]:
    tags = {**cell.tags, "id": cell.id}
    if cell.author:
        tags["author"] = cell.author
    if cell.planes is not None:
        tags["planes"] = ",".join(map(str, cell.planes))
    return tags


def entries(
    cells: Instances,
    *,
    prefix: str,
    verb: str,
    planes: Planes = None,
    count: int = 1,
    source: str | None = None,
) -> list[Entry]:
    """One entry per cell, with an id by content; of equal cells each has its own.

    Parameters
    ----------
    cells
        The cells; the tag ``planes`` of a cell counts before `planes`.
    prefix
        Of the ids.
    verb
        ``"base"`` or ``"new"``.
    planes
        Planes that the cells are on.
    count
        Planes of the field.
    source
        Tag ``source`` of the cells.
    """
    found: list[Entry] = []
    seen: dict[str, int] = {}
    for i, (box, mask) in enumerate(zip(cells.boxes.tolist(), cells.masks, strict=True)):
        patch = Patch.of_crop(cells.shape, box, mask)
        if patch is None:
            continue
        tags = dict(cells.tags[i]) if cells.tags else {}
        own = _planes(tags.get("planes"), count) if "planes" in tags else planes
        tags = {k: v for k, v in tags.items() if k not in OWN_TAGS}
        if source is not None:
            tags["source"] = source
        name = cells.class_names[int(cells.classes[i])]
        id = content_id(prefix, patch, name, own)
        seen[id] = seen.get(id, 0) + 1
        id += f"-{seen[id]}" if seen[id] > 1 else ""
        score = float(cells.scores[i])
        made = birth(patch, class_name=name, score=score, planes=own, tags=tags)
        found.append({"id": id, verb: made})
    return found


def _planes(text: Tag | None, count: int) -> Planes:
    parts = [p for p in str(text or "").split(",") if p.strip().isdigit()]
    planes = tuple(int(p) for p in parts if int(p) < count)
    return planes if planes and count > 1 else None


def checked_planes(planes: int | Sequence[int] | None, count: int) -> Planes:
    """Planes as a sorted tuple, None for the whole field.

    Raises
    ------
    InputError
        For none at all, or one that the field does not have.
    """
    if planes is None or count == 1:
        return None
    several = sorted({int(p) for p in ([planes] if isinstance(planes, int) else planes)})
    if not several or several[0] < 0 or several[-1] >= count:
        raise InputError(f"planes {several} came; the field has {count}, numbered from 0")
    return tuple(several)
