"""The state of a field: a function of the set of its records, in whatever order they came."""

from __future__ import annotations

from bisect import bisect_left, insort
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from itertools import count
from typing import Any

import numpy as np

from cellwright.label.session.cell import Cell, Entry, Planes, fold
from cellwright.label.session.journal import Key, Record, garbage_later
from cellwright.label.session.patch import Box, decode

_VERSIONS = count()

BASE: Key = (0, "", 0)
"""Place of the first cell that came with the data set: before everything."""


@dataclass(slots=True)
class Stacks:
    """What one author can undo and redo, oldest first."""

    done: list[Key] = field(default_factory=list)
    undone: list[Key] = field(default_factory=list)


class FieldState:
    """Cells, notes, and what can be undone, of one field.

    The history is the records sorted by their keys, without the changes that were undone. As
    every entry of a change speaks of one cell, each cell is folded by itself, and only those
    that a record touches are folded again.

    Parameters
    ----------
    shape
        Rows and columns.
    base
        Entries of the cells that came with the data set.
    """

    def __init__(self, shape: tuple[int, int], base: Iterable[Entry] = ()) -> None:
        self.shape = shape
        self.records: list[Record] = []
        self.notes: dict[str, Any] = {}
        self.undone: set[Key] = set()
        self.stacks: defaultdict[str, Stacks] = defaultdict(Stacks)
        self.version = next(_VERSIONS)
        self._bodies: dict[Key, Mapping[str, Any]] = {}
        self._history: defaultdict[str, list[tuple[Key, str, Entry]]] = defaultdict(list)
        self._cells: dict[str, Cell | None] = {}
        self._there: dict[str, Cell] = {}
        self._order: list[tuple[Key, str]] = []
        self._boxes = np.zeros((0, 4), np.int64)
        for number, entry in enumerate(base):
            self._history[str(entry["id"])].append(((*BASE[:2], number), "", entry))
        self._stale = set(self._history)

    def apply(self, records: Iterable[Record]) -> None:
        """Take up records, new ones or such of other sessions that lie in the past."""
        new = [r for r in records if r.key not in self._bodies]
        if not new:
            return
        latest = self.records[-1].key if self.records else BASE
        late = any(r.key < latest for r in new)
        touched: set[str] = set()
        before = set(self.undone)
        for record in sorted(new, key=lambda r: r.key):
            insort(self.records, record, key=lambda r: r.key)
            self._bodies[record.key] = record.body
            if record.body["op"] == "change":
                author = str(record.body["by"][0])
                for entry in record.body["cells"]:
                    id = str(entry["id"])
                    insort(self._history[id], (record.key, author, entry), key=lambda h: h[0])
                    touched.add(id)
            if not late:
                self._follow(record)
        if late:
            self.undone, self.notes, self.stacks = set(), {}, defaultdict(Stacks)
            for record in self.records:
                self._follow(record)
        for key in before ^ self.undone:
            touched |= {str(e["id"]) for e in self._bodies[key]["cells"]}
        for id in touched:
            self._cells.pop(id, None)
        self._stale |= touched
        self.version = next(_VERSIONS)

    def _follow(self, record: Record) -> None:
        """What a record does to the notes and the undo stacks of its author."""
        body, stacks = record.body, self.stacks[str(record.body["by"][0])]
        if body["op"] == "change":
            stacks.done.append(record.key)
            stacks.undone.clear()
        elif body["op"] == "note":
            self.notes.update(body["set"])
        elif body["op"] in ("undo", "redo"):
            clock, token, number = body["of"]
            key = (int(clock), str(token), int(number))
            give, take = stacks.done, stacks.undone
            if body["op"] == "redo":
                give, take = take, give
            if key in give:
                give.remove(key)
                take.append(key)
                (self.undone.discard if body["op"] == "redo" else self.undone.add)(key)

    def body(self, key: Key) -> Mapping[str, Any]:
        """The record at `key`."""
        return self._bodies[key]

    def cell(self, id: str) -> Cell | None:
        """The cell `id`, None if it is not there (any more)."""
        if id not in self._cells:
            # what a cell of the data set was stays known when its first edit is undone
            history = self._history.get(id, ())
            kept = [h for h in history if h[0] not in self.undone or "base" in h[2]]
            self._cells[id] = fold(kept, self.shape)
        found = self._cells[id]
        return found if found and found.alive else None

    def settled(self, id: str) -> bool:
        """Whether the journal decides on the automatic mask `id`: accepted, rejected, deleted."""
        return any(h[0] not in self.undone for h in self._history.get(id, ()))

    def untouched(self, id: str) -> list[Entry]:
        """The entry of a cell of the data set that the journal says nothing of yet."""
        history = self._history.get(id, [])
        return [history[0][2]] if len(history) == 1 and history[0][0][:2] == BASE[:2] else []

    @property
    def cells(self) -> tuple[Cell, ...]:
        """Cells that are there and have pixels, in the order in which they were committed."""
        self._list()
        return tuple(self._there[id] for _, id in self._order)

    def near(self, box: Box, planes: Planes) -> list[Cell]:
        """Those of `cells` on one of `planes` whose boxes meet `box`."""
        self._list()
        a, b, c, d = box
        r0, c0, r1, c1 = self._boxes.T
        hits = np.flatnonzero((r0 < c) & (r1 > a) & (c0 < d) & (c1 > b))
        found = [self._there[self._order[i][1]] for i in hits.tolist()]
        return [cell for cell in found if cell.on(planes)]

    def _list(self) -> None:
        """Bring the list of cells up to date; after one edit only one cell is looked at."""
        ids, self._stale = self._stale, set()
        if len(ids) > 100:
            with garbage_later():
                changed = [self.cell(id) for id in ids]
                decode([p for c in changed if c for _, p in c.parts])
                self._there = {i: c for i, c in self._there.items() if i not in ids}
                self._there |= {c.id: c for c in changed if c and c.patch}
                self._order = sorted((c.born, c.id) for c in self._there.values())
                boxes = [self._there[id].patch.box for _, id in self._order]  # type: ignore[union-attr]
                self._boxes = np.array(boxes, np.int64).reshape(-1, 4)
            return
        for id in ids:
            old, new = self._there.pop(id, None), self.cell(id)
            if old:
                place = bisect_left(self._order, (old.born, id))
                del self._order[place]
                self._boxes = np.delete(self._boxes, place, axis=0)
            if new and new.patch:
                self._there[id] = new
                place = bisect_left(self._order, (new.born, id))
                self._order.insert(place, (new.born, id))
                self._boxes = np.insert(self._boxes, place, new.patch.box, axis=0)

    def count(self) -> int:
        """Number of cells; those that were erased completely are not looked for."""
        return sum(self.cell(id) is not None for id in list(self._history))
