"""Edits of the committed cells of a field: each is in the journal before it shows."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from cellwright.label.session import edits
from cellwright.label.session.cell import Cell, Entry, birth
from cellwright.label.session.cutting import Points, split_by_line, split_by_markers
from cellwright.label.session.listing import checked_planes
from cellwright.label.session.patch import Patch
from cellwright.label.session.policies import check_policy
from cellwright.label.session.preview import check_shape
from cellwright.types import InputError, Tag

if TYPE_CHECKING:
    from cellwright.label.session.field import Field


class Editor:
    """Paint, erase, split, merge, delete, relabel: one step each, which one undo takes back.

    Parameters
    ----------
    field
        The field; use `Field.edit`.
    """

    def __init__(self, field: Field) -> None:
        self._field = field

    def paint(self, id: str, mask: np.ndarray, *, policy: str | None = None) -> None:
        """Add the pixels of a boolean mask of the whole field to a cell."""
        patch = self._stroke(mask)
        with self._field.session.lock:
            state, cell = self._field.session.state(self._field.name), self._field.cell(id)
            policy = check_policy(policy or self._field.session.policy)
            near = state.near(patch.box, cell.planes) if patch else []
            self._field.change("paint", edits.paint(cell, patch, near, policy) if patch else [])

    def erase(self, id: str, mask: np.ndarray) -> None:
        """Take the pixels of a boolean mask of the whole field from a cell.

        A cell of which nothing is left is deleted.
        """
        patch = self._stroke(mask)
        with self._field.session.lock:
            self._field.change("erase", edits.erase(self._field.cell(id), patch) if patch else [])

    def redraw(self, id: str, mask: np.ndarray) -> None:
        """Give a cell just the pixels of a boolean mask of the whole field."""
        patch = self._stroke(mask)
        if patch is None:
            raise InputError("the mask is empty; use delete to take the cell away")
        with self._field.session.lock:
            self._field.change("redraw", edits.redraw(self._field.cell(id), patch))

    def painted(
        self,
        after: np.ndarray,
        before: np.ndarray,
        ids: Sequence[str],
        *,
        plane: int | None = None,
        class_name: str | None = None,
        policy: str | None = None,
    ) -> tuple[str, ...]:
        """Take up what was painted on a label map, as one step; ids of the cells that came.

        Only pixels that differ count, so that what a label map cannot show (overlaps) stays.
        A pixel painted with 0 is taken from the cell that was seen there; one painted with the
        value of a cell goes to it; values beyond those of `ids`, and of cells that somebody
        deleted meanwhile, are new cells. Where another
        cell was seen, "allow" lets both have the pixel, "keep-pixels" leaves it to the one that
        was there, "keep-objects" gives it to the one that was painted. A cell of which nothing
        is left is deleted.

        Parameters
        ----------
        after, before
            (row, column) label maps, `before` and `ids` as `Field.labels` gave them.
        ids
            Cells of the values 1, 2, ...
        plane
            Plane that new cells are on; None for the whole field.
        class_name
            Class of new cells; the session's first one by default.
        policy
            Instead of the session's.
        """
        for labels in (after, before):
            check_shape(np.shape(labels), self._field.shape)
        session = self._field.session
        policy = check_policy(policy or session.policy)
        new: list[str] = []
        with session.lock:
            changes: list[Entry] = []
            for value, more, less in edits.repainted(after, before, policy):
                state = session.state(self._field.name)
                cell = state.cell(ids[value - 1]) if value <= len(ids) else None
                if cell:
                    changes += edits.changed(cell, more, less)
                elif more:
                    new.append(session.new_id())
                    where = checked_planes(plane, self._field.planes)
                    name = class_name or session.default_class
                    made = birth(more, class_name=name, planes=where)
                    changes.append({"id": new[-1], "new": made})
            self._field.change("paint", changes)
        return tuple(new)

    def split(
        self, id: str, *, line: Points | None = None, markers: Points | None = None
    ) -> tuple[str, ...]:
        """Part a cell along a line or by one marker in each part; ids, the largest part first.

        The largest part keeps the id.
        """
        if (line is None) == (markers is None):
            raise InputError("a cell is split either by a line or by markers; give one of them")
        with self._field.session.lock:
            cell = self._field.cell(id)
            assert cell.patch is not None
            parts = (
                split_by_line(cell.patch, line)
                if line is not None
                else split_by_markers(cell.patch, markers)  # type: ignore[arg-type]
            )
            ids = [self._field.session.new_id() for _ in parts[1:]]
            self._field.change("split", edits.split(cell, parts, ids))
            return (id, *ids)

    def merge(self, ids: Iterable[str]) -> str:
        """Make several cells one; the first keeps its id, class and tags."""
        with self._field.session.lock:
            cells = [self._field.cell(i) for i in dict.fromkeys(ids)]
            if len(cells) < 2:
                raise InputError("two cells or more are wanted to merge")
            self._field.change("merge", edits.merge(cells))
            return cells[0].id

    def delete(self, ids: str | Iterable[str]) -> None:
        """Delete cells."""
        with self._field.session.lock:
            self._field.change("delete", [{"id": c.id, "drop": True} for c in self._several(ids)])

    def relabel(self, ids: str | Iterable[str], class_name: str) -> None:
        """Give cells another class; one that is new is added to the session's classes."""
        if not class_name.strip():
            raise InputError("an empty class name came")
        self._set("relabel", ids, {"class": class_name.strip()})

    def tag(self, ids: str | Iterable[str], **tags: Tag) -> None:
        """Set tags of cells, such as ``alive=True``."""
        self._set("tag", ids, {"tags": tags})

    def move(self, ids: str | Iterable[str], planes: int | Sequence[int] | None) -> None:
        """Say which planes cells are on, None for the whole field."""
        where = checked_planes(planes, self._field.planes)
        self._set("move", ids, {"planes": None if where is None else list(where)})

    def _set(self, kind: str, ids: str | Iterable[str], values: Mapping[str, Any]) -> None:
        with self._field.session.lock:
            self._field.change(
                kind, [{"id": c.id, "set": dict(values)} for c in self._several(ids)]
            )

    def _several(self, ids: str | Iterable[str]) -> list[Cell]:
        return [self._field.cell(i) for i in dict.fromkeys([ids] if isinstance(ids, str) else ids)]

    def _stroke(self, mask: np.ndarray) -> Patch | None:
        check_shape(np.shape(mask), self._field.shape)
        return Patch.of_frame(mask)
