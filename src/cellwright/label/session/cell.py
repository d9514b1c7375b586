"""A cell and its history: what a list of entries of the journal makes of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from hashlib import blake2b
from typing import Any

from cellwright.label.session.journal import Key
from cellwright.label.session.patch import Patch, joined, without
from cellwright.types import Tag

Planes = tuple[int, ...] | None
"""Planes of the stack that a cell is on; None is the whole field."""

Entry = Mapping[str, Any]
"""What one record does to one cell: ``{"id": ..., verb: ...}``."""


@dataclass(frozen=True, slots=True, eq=False)
class Cell:
    """A committed cell.

    Parameters
    ----------
    id
        The same for ever, in every session.
    parts
        The first patch, then those painted (True) and erased (False).
    class_name
        Its class.
    score
        In [0, 1]; 1 for a cell made by hand.
    planes
        Planes it is on, None for the whole field.
    tags
        What else is known: source, object, alive ...
    born
        Place in the history, which is also the order of cells.
    author, at
        Who committed it, and when (us since 1970, UTC).
    alive
        Whether it is there; a deleted cell keeps its history.
    """

    id: str
    parts: tuple[tuple[bool, Patch], ...]
    class_name: str
    score: float
    planes: Planes
    tags: Mapping[str, Tag]
    born: Key
    author: str
    at: int
    alive: bool = True
    _whole: list[Patch | None] = field(default_factory=list)

    @property
    def patch(self) -> Patch | None:
        """Its pixels; None if everything was erased."""
        if not self._whole:
            whole: Patch | None = self.parts[0][1]
            for add, part in self.parts[1:]:
                if not add:
                    whole = without(whole, part) if whole else None
                else:
                    whole = joined(whole, part) if whole else part
            self._whole.append(whole)
        return self._whole[0]

    def on(self, planes: Planes) -> bool:
        """Whether it is on one of `planes`."""
        return planes is None or self.planes is None or bool(set(planes) & set(self.planes))


def content_id(prefix: str, patch: Patch, class_name: str, planes: Planes) -> str:
    """An id by content, so that the same automatic mask has the same id in every session."""
    text = f"{patch.to_json()['rle']} {class_name} {planes}"
    return f"{prefix}-{blake2b(text.encode(), digest_size=6).hexdigest()}"


def birth(
    patch: Patch,
    *,
    class_name: str,
    score: float = 1.0,
    planes: Planes = None,
    tags: Mapping[str, Tag] | None = None,
) -> dict[str, Any]:
    """What a record says of a new cell."""
    found = patch.to_json() | {"class": class_name}
    if score != 1:
        found["score"] = round(float(score), 6)
    if planes is not None:
        found["planes"] = [int(p) for p in planes]
    if tags:
        found["tags"] = dict(tags)
    return found


def fold(history: Iterable[tuple[Key, str, Entry]], shape: tuple[int, int]) -> Cell | None:
    """What (key, author, entry) in the order of the history make of a cell.

    Painting on a cell that somebody else deleted before does not bring it back; undoing the
    deletion does, with what was painted. A cell that is there is not made again.
    """
    cell: Cell | None = None
    for key, author, entry in history:
        made = entry.get("new") or entry.get("base")
        if made and (cell is None or ("new" in entry and not cell.alive)):
            cell = _born(str(entry["id"]), made, key, author, shape)
        elif made or cell is None:
            continue
        elif "drop" in entry:
            cell = replace(cell, alive=False)
        else:
            cell = _changed(cell, entry, shape)
    return cell


def _born(id: str, made: Mapping[str, Any], key: Key, author: str, shape: tuple[int, int]) -> Cell:
    planes = made.get("planes")
    return Cell(
        id,
        ((True, Patch.from_json(made, shape)),),
        class_name=str(made["class"]),
        score=float(made.get("score", 1)),
        planes=None if planes is None else tuple(planes),
        tags=dict(made.get("tags") or {}),
        born=key,
        author=author,
        at=key[0],
    )


def _changed(cell: Cell, entry: Entry, shape: tuple[int, int]) -> Cell:
    parts = cell.parts
    if "cut" in entry:
        parts = (*parts, (False, Patch.from_json(entry["cut"], shape)))
    if "add" in entry:
        parts = (*parts, (True, Patch.from_json(entry["add"], shape)))
    whole = cell._whole if parts is cell.parts else []
    new = replace(cell, parts=parts, _whole=whole)
    values = entry.get("set") or {}
    if "class" in values:
        new = replace(new, class_name=str(values["class"]))
    if "planes" in values:
        planes = values["planes"]
        new = replace(new, planes=None if planes is None else tuple(planes))
    if "tags" in values:
        new = replace(new, tags={**new.tags, **values["tags"]})
    return new
