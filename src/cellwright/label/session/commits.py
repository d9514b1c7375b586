"""New cells of one step: what came is made entries of the journal, after the policy."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from cellwright.label.session.cell import Entry, Planes, birth
from cellwright.label.session.edits import cut_entries
from cellwright.label.session.listing import OWN_TAGS, checked_planes
from cellwright.label.session.patch import Patch, without
from cellwright.label.session.policies import settle
from cellwright.label.session.preview import Preview, check_shape, prompt_json
from cellwright.label.session.replay import FieldState
from cellwright.types import InputError, Instances, Tag

Found = Preview | Instances | np.ndarray
"""One cell or several: a preview, instances, or a boolean mask of the whole field."""

Where = int | Sequence[int] | str | None
"""Planes of a cell; "view" is the plane that was looked at, None the whole field."""


@dataclass(frozen=True, slots=True, eq=False)
class New:
    """A cell that is to be committed.

    Parameters
    ----------
    id
        Its id to be.
    made
        What the journal says of it.
    patch
        Its pixels before the policy.
    planes
        Planes it is on.
    """

    id: str
    made: Mapping[str, Any]
    patch: Patch
    planes: Planes


def planes_of(found: Found, planes: Where, count: int) -> Planes:
    """Planes that a commit speaks of, in a field of `count` planes."""
    where = planes
    if planes == "view":
        where = found.view.plane if isinstance(found, Preview) else None
    if isinstance(where, str):
        raise InputError(f"planes={where!r} came; numbers, None or 'view' are wanted")
    return checked_planes(where, count)


def cells_of(found: Found, shape: tuple[int, int]) -> Instances:
    """The cells that came, on a field of `shape`."""
    if isinstance(found, Preview):
        found = found.cells
    if isinstance(found, np.ndarray):
        check_shape(found.shape, shape)
        return Instances(shape, np.array([[0, 0, *shape]]), (found,))
    check_shape(found.shape, shape)
    return found


def story(found: Found) -> dict[str, Any]:
    """What the record of a commit says beside the cells: prompts, model, settings, view."""
    if not isinstance(found, Preview):
        return {}
    return {
        "prompts": [prompt_json(p) for p in found.prompts],
        "model": found.model,
        "settings": dict(found.settings),
        "view": found.view.to_json(),
        "scores": [round(float(s), 4) for s in found.cells.scores],
    }


def new_cells(
    found: Found,
    cells: Instances,
    planes: Planes,
    *,
    ids: Sequence[str],
    class_name: str | None,
    default_class: str,
    tags: Mapping[str, Tag],
) -> list[New]:
    """Cells with pixels among those that came; instances keep their class, others get one."""
    nothing = found.nothing if isinstance(found, Preview) else np.zeros(len(cells), bool)
    out = []
    for i, (id, box, mask) in enumerate(zip(ids, cells.boxes.tolist(), cells.masks, strict=True)):
        patch = None if nothing[i] else Patch.of_crop(cells.shape, box, mask)
        if patch is None:
            continue
        own = cells.class_names[int(cells.classes[i])]
        name = class_name or (own if isinstance(found, Instances) else default_class)
        known = cells.tags[i] if cells.tags else {}
        more = {**{k: v for k, v in known.items() if k not in OWN_TAGS}, **tags}
        made = birth(patch, class_name=name, planes=planes, tags=more)
        out.append(New(id, made, patch, planes))
    return out


def divided(
    new: Sequence[New], state: FieldState, policy: str
) -> tuple[list[Entry], dict[str, str]]:
    """Entries of the `new` cells and of what committed cells lose; reasons by refused id.

    The policy holds among the new cells too, the first counting as the earlier.
    """
    changes: list[Entry] = []
    refused: dict[str, str] = {}
    fresh: dict[str, Planes] = {}
    now: dict[str, Patch | None] = {}
    for one in new:
        earlier: dict[str, Patch | None] = {}
        if policy != "allow":
            earlier = {c.id: c.patch for c in state.near(one.patch.box, one.planes)}
            earlier = {i: now.get(i, p) for i, p in earlier.items()}
            earlier |= {i: now[i] for i, planes in fresh.items() if _common(planes, one.planes)}
        settled = settle(one.patch, [(i, p) for i, p in earlier.items() if p], policy)
        if settled.patch is None:
            refused[one.id] = settled.reason
            continue
        changes += cut_entries(settled.cuts)
        changes.append({"id": one.id, "new": {**one.made, **settled.patch.to_json()}})
        for id, cut in settled.cuts.items():
            old = earlier[id]
            now[id] = without(old, cut) if old else None
        now[one.id], fresh[one.id] = settled.patch, one.planes
    return changes, refused


def _common(a: Planes, b: Planes) -> bool:
    return a is None or b is None or bool(set(a) & set(b))
