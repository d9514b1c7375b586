"""Edits of cells as entries of the journal: what is added to and cut from which cell."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import numpy as np

from cellwright.label.session.cell import Cell, Entry, birth
from cellwright.label.session.patch import Patch, joined, without
from cellwright.label.session.policies import settle
from cellwright.types import InputError


def cut_entries(cuts: dict[str, Patch]) -> list[Entry]:
    """Pixels taken from earlier cells."""
    return [{"id": id, "cut": patch.to_json()} for id, patch in cuts.items()]


def paint(cell: Cell, patch: Patch, near: Iterable[Cell], policy: str) -> list[Entry]:
    """Pixels added to a cell.

    Where others of the cells `near` lie, the policy decides: "allow" shares the pixels,
    "keep-pixels" leaves them to the others, "keep-objects" takes them from the others, unless
    that would take `policies.PRESERVED` of one.
    """
    new = without(patch, cell.patch)
    if new is None:
        return []
    settled = settle(new, [(c.id, c.patch) for c in near if c.patch], policy)
    if settled.patch is None:
        raise InputError(f"nothing was painted on {cell.id}: {settled.reason}")
    return [{"id": cell.id, "add": settled.patch.to_json()}, *cut_entries(settled.cuts)]


def erase(cell: Cell, patch: Patch) -> list[Entry]:
    """Pixels taken from a cell; a cell that would be empty is deleted."""
    old = cell.patch
    left = without(old, patch) if old else None
    if left is None:
        return [{"id": cell.id, "drop": True}]
    gone = without(old, left) if old else None
    return [{"id": cell.id, "cut": gone.to_json()}] if gone else []


def redraw(cell: Cell, patch: Patch) -> list[Entry]:
    """A cell gets just the pixels of `patch`; only the difference is kept in the journal."""
    old = cell.patch
    gone = without(old, patch) if old else None
    more = without(patch, old)
    entry: dict[str, Any] = {"id": cell.id}
    if gone:
        entry["cut"] = gone.to_json()
    if more:
        entry["add"] = more.to_json()
    return [entry] if len(entry) > 1 else []


def changed(cell: Cell, more: Patch | None, less: Patch | None) -> list[Entry]:
    """A cell gets `more` and loses `less`; one of which nothing is left is deleted."""
    left = without(cell.patch, less) if cell.patch else None
    whole = joined(left, more) if left and more else left or more
    return redraw(cell, whole) if whole else [{"id": cell.id, "drop": True}]


def repainted(
    after: np.ndarray, before: np.ndarray, policy: str
) -> Iterator[tuple[int, Patch | None, Patch | None]]:
    """Each value of two label maps with the pixels it gains and loses, in ascending order."""
    differ = after != before
    if policy == "keep-pixels":
        gain = differ & (before == 0)
    else:
        gain = differ
    loss = differ if policy == "keep-objects" else differ & (after == 0)
    values = np.union1d(after[gain], before[loss])
    for value in values[values > 0].tolist():
        more = Patch.of_frame(gain & (after == value))
        less = Patch.of_frame(loss & (before == value))
        yield int(value), more, less


def split(cell: Cell, parts: Sequence[Patch], ids: Sequence[str]) -> list[Entry]:
    """The first part stays the cell, the others become cells with `ids` of its class and tags."""
    rest = parts[1:]
    gone = rest[0]
    for part in rest[1:]:
        gone = joined(gone, part)
    found: list[Entry] = [{"id": cell.id, "cut": gone.to_json()}]
    for id, part in zip(ids, rest, strict=True):
        made = birth(
            part, class_name=cell.class_name, score=cell.score, planes=cell.planes,
            tags={**cell.tags, "parent": cell.id},
        )  # fmt: skip
        found.append({"id": id, "new": made})
    return found


def merge(cells: Sequence[Cell]) -> list[Entry]:
    """All pixels to the first cell, which is then on the planes of all; the others go.

    Its class and tags stay.
    """
    first, *rest = cells
    found: list[Entry] = []
    for cell in rest:
        if cell.patch and (new := without(cell.patch, first.patch)):
            found.append({"id": first.id, "add": new.to_json()})
    planes = {c.planes for c in cells}
    if len(planes) > 1:
        every = None if None in planes else sorted({p for c in planes for p in c or ()})
        found.append({"id": first.id, "set": {"planes": every}})
    return found + [{"id": c.id, "drop": True} for c in rest]
