"""One field of a label session: views, prompts, commits, edits, automatic masks."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from cellwright.geometry import to_label_map
from cellwright.label.session.candidates import Candidates
from cellwright.label.session.cell import Cell, Entry
from cellwright.label.session.commits import (
    Found,
    New,
    Where,
    cells_of,
    divided,
    new_cells,
    planes_of,
    story,
)
from cellwright.label.session.editor import Editor
from cellwright.label.session.journal import Key, garbage_later
from cellwright.label.session.listing import as_instances, checked_planes, entries
from cellwright.label.session.policies import check_policy
from cellwright.label.session.presence import Presence
from cellwright.label.session.preview import Preview, prompt_json
from cellwright.label.session.views import View, look
from cellwright.label.zstack import ROUTES
from cellwright.types import Image, InputError, Instances, Prompts, Tag

if TYPE_CHECKING:
    from cellwright.formats.dataset import Dataset
    from cellwright.label.session.session import LabelSession

log = logging.getLogger(__name__)

QC = ("unchecked", "passed", "rework", "excluded")
"""States of the quality check of a field; one that is excluded is not exported."""


def base_entries(dataset: Dataset, index: int) -> list[Entry]:
    """Cells that came with the data set, with ids by content."""
    if not dataset.labelled(index):
        return []
    record = dataset.record(index)
    axes = str(record.get("axes") or "")
    count = dataset.image(index, lazy=True).size("Z") if "Z" in axes else 1
    return entries(dataset.instances(index), prefix="d", verb="base", count=count)


class Field:
    """A field that is open in a session.

    `edit` changes cells that are committed, `candidates` holds automatic masks.

    Cells are told apart by ids (text) that never change and are the same in every session.
    Every method that changes something returns when the journal is on disk; if that fails
    (OSError), nothing has changed. A cell is on one plane, on several, or on the whole field
    (``planes=None``).

    Parameters
    ----------
    session
        The session; use `LabelSession.field`.
    name, index
        Name and number of the field in the data set.
    """

    def __init__(self, session: LabelSession, name: str, index: int) -> None:
        self.session, self.name = session, name
        self._index = index
        self._image: Image | None = None
        self._views: dict[View, Image] = {}
        self._listed: dict[Any, Instances] = {}
        self.candidates = Candidates(self)
        self.edit = Editor(self)

    # what there is to see

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns."""
        return self.session.dataset.shape(self._index)

    @property
    def image(self) -> Image:
        """The image with all planes and channels; read lazily where the format can."""
        if self._image is None:
            self._image = self.session.dataset.image(self._index, lazy=True)
        return self._image

    @property
    def planes(self) -> int:
        """Planes of the z-stack; 1 without one."""
        return self.image.size("Z")

    @property
    def came_labelled(self) -> bool:
        """Whether the data set itself says which cells there are (or that there are none)."""
        return self.session.dataset.labelled(self._index)

    @property
    def others(self) -> list[Presence]:
        """Other sessions that have this field open now."""
        return self.session.others(self.name)

    def view(
        self,
        plane: int | None = None,
        *,
        projection: str = "median",
        channel: int | str | None = None,
    ) -> Image:
        """A plane, or a projection of all, as ``YX`` or ``CYX``."""
        return self._view(View(plane, projection, channel))

    def _view(self, view: View) -> Image:
        if view not in self._views:
            found = look(self.image, view)
            with self.session.lock:
                while len(self._views) >= 8:
                    self._views.pop(next(iter(self._views)))
                self._views[view] = found
            return found
        return self._views[view]

    # cells

    def cells(self, plane: int | None = None) -> Instances:
        """Committed cells, in the order in which they were made.

        Parameters
        ----------
        plane
            Only those on this plane of the stack; None for all of the field.

        Returns
        -------
        Instances
            With the tags ``id``, ``author`` and, where a cell is not on the whole field,
            ``planes`` ("0,2").
        """
        with self.session.lock:
            state = self.session.state(self.name)
            key = (state.version, plane, len(self.session.class_names))
            if key not in self._listed:
                if any(k[0] != state.version for k in self._listed):
                    self._listed.clear()
                wanted = checked_planes(plane, self.planes) if plane is not None else None
                with garbage_later():
                    found = [c for c in state.cells if c.on(wanted)]
                    names = self.session.class_names
                    self._listed[key] = as_instances(found, self.shape, names)
            return self._listed[key]

    def ids(self, plane: int | None = None) -> tuple[str, ...]:
        """Ids of `cells`, in their order."""
        with self.session.lock:
            wanted = checked_planes(plane, self.planes) if plane is not None else None
            return tuple(c.id for c in self.session.state(self.name).cells if c.on(wanted))

    def labels(self, plane: int | None = None) -> tuple[np.ndarray, tuple[str, ...]]:
        """Label map of `cells` to show and to paint on, and the ids: value i + 1 is ids[i].

        Where cells overlap it shows the smaller one; `Editor.painted` takes a painted map back
        without flattening anything.
        """
        with self.session.lock:
            return to_label_map(self.cells(plane)), self.ids(plane)

    def cell(self, id: str) -> Cell:
        """One committed cell with what is known of it."""
        with self.session.lock:
            found = self.session.state(self.name).cell(id)
        if found is None:
            raise InputError(f"there is no cell {id} in {self.name} (any more); see ids()")
        return found

    def at(self, row: float, column: float, *, plane: int | None = None) -> tuple[str, ...]:
        """Ids of the cells under a pixel, the smallest first."""
        wanted = checked_planes(plane, self.planes) if plane is not None else None
        r, c = int(row), int(column)
        with self.session.lock:
            near = self.session.state(self.name).near((r, c, r + 1, c + 1), wanted)
        hits = [(n.patch.area, n.id) for n in near if n.patch and n.patch.has(r, c)]
        return tuple(id for _, id in sorted(hits))

    # prompts and commits

    def preview(
        self,
        prompts: Prompts | Sequence[Prompts],
        *,
        plane: int | None = None,
        projection: str = "median",
        channel: int | str | None = None,
    ) -> Preview:
        """What the session's segmenter makes of prompts; nothing is committed.

        The embedding of a view is kept, so that only the first prompt on it takes long.
        """
        session = self.session
        if session.segmenter is None:
            raise InputError("the session has no promptable segmenter; open it with segmenter=")
        several = (prompts,) if isinstance(prompts, Prompts) else tuple(prompts)
        view = View(plane, projection, channel)
        cells = session.segmenter.masks(self.embedding(view), several)
        if len(cells) != len(several):
            raise InputError(f"{session.model} gave {len(cells)} masks for {len(several)} prompts")
        return Preview(cells, several, view, session.model, session.settings)

    def embedding(self, view: View) -> Any:
        """The segmenter's embedding of a view, made now if it is not kept."""
        session = self.session
        assert session.segmenter is not None
        key = (self.name, view)
        with session.lock:
            if key in session.embeddings:
                session.embeddings.move_to_end(key)
                return session.embeddings[key]
        found = session.segmenter.embed(self._view(view))
        return session.remember(key, found)

    def commit(
        self,
        found: Found,
        *,
        planes: Where = "view",
        class_name: str | None = None,
        tags: Mapping[str, Tag] | None = None,
        policy: str | None = None,
        prompts: Sequence[Prompts] = (),
    ) -> str:
        """Commit one cell; its id.

        Parameters
        ----------
        found
            A preview or instances with one cell, or a boolean mask of the whole field.
        planes
            Planes it is on, None for the whole field. "view" takes the plane that a preview
            was made on, and the whole field for a projection and for other masks.
        class_name
            Its class; the session's first one by default.
        tags
            What else is to be kept. The tag ``object`` says which masks on several planes are
            one cell.
        policy
            Instead of the session's.
        prompts
            What a mask was made from, if `found` does not say it.

        Raises
        ------
        InputError
            If there is not one cell with pixels, or the policy leaves none of it.
        OSError
            If the journal could not be written; nothing is committed then.
        """
        ids = self.commit_all(
            found, planes=planes, class_name=class_name, tags=tags, policy=policy,
            prompts=prompts, strict=True,
        )  # fmt: skip
        if len(ids) != 1:
            raise InputError(f"{len(ids)} cells came, one is wanted; use commit_all")
        return ids[0]

    def commit_all(
        self,
        found: Found,
        *,
        planes: Where = "view",
        class_name: str | None = None,
        tags: Mapping[str, Tag] | None = None,
        policy: str | None = None,
        prompts: Sequence[Prompts] = (),
        strict: bool = False,
    ) -> tuple[str, ...]:
        """Commit several cells in one step (one undo takes all back); their ids.

        Cells that gave nothing or that the policy leaves nothing of are left out with a line
        in the log; with `strict` they raise InputError. See `commit`.
        """
        where = planes_of(found, planes, self.planes)
        cells = cells_of(found, self.shape)
        meta = story(found)
        if prompts:
            meta["prompts"] = [prompt_json(p) for p in prompts]
        new = new_cells(
            found, cells, where, ids=[self.session.new_id() for _ in range(len(cells))],
            class_name=class_name, default_class=self.session.default_class, tags=tags or {},
        )  # fmt: skip
        if len(new) < len(cells):
            self._refuse("the prompt gave no cell; add a point or draw the box anew", strict)
        if strict and len(new) > 1:
            raise InputError(f"{len(new)} cells came, one is wanted; use commit_all")
        return self.settle("commit", new, policy=policy, strict=strict, **meta)

    def settle(
        self, kind: str, new: Sequence[New], *, policy: str | None, strict: bool, **meta: Any
    ) -> tuple[str, ...]:
        """Write new cells after the policy divided the pixels; ids of those committed."""
        policy = check_policy(policy or self.session.policy)
        with self.session.lock:
            changes, refused = divided(new, self.session.state(self.name), policy)
            for id, reason in refused.items():
                self._refuse(f"{id} was not committed: {reason}", strict)
            self.change(kind, changes, policy=policy, **meta)
            return tuple(n.id for n in new if n.id not in refused)

    def _refuse(self, reason: str, strict: bool) -> None:
        if strict:
            raise InputError(f"{self.name}: {reason}")
        log.warning("%s: %s", self.name, reason)

    def change(self, kind: str, changes: Sequence[Entry], **meta: Any) -> None:
        """Write one change of several cells to the journal and show it.

        A cell of the data set comes with its own entry the first time, so that the journal
        holds it, whatever becomes of the annotation file.
        """
        if changes:
            state = self.session.state(self.name)
            base = [b for id in dict.fromkeys(str(c["id"]) for c in changes)
                    for b in state.untouched(id)]  # fmt: skip
            body = {"op": "change", "field": self.name, "kind": kind, "cells": [*base, *changes]}
            self.session.write([body | {k: v for k, v in meta.items() if v not in (None, [], {})}])

    # undo

    def undo(self) -> str | None:
        """Take back the author's last change of this field; what it was, None if there is none.

        What other authors did stays. Changes of earlier sessions can be undone too.
        """
        return self._step("undo")

    def redo(self) -> str | None:
        """Make the change that was undone last again; what it was, None if there is none."""
        return self._step("redo")

    def _step(self, op: str) -> str | None:
        with self.session.lock:
            state = self.session.state(self.name)
            stacks = state.stacks[self.session.author]
            stack = stacks.done if op == "undo" else stacks.undone
            if not stack:
                return None
            key: Key = stack[-1]
            self.session.write([{"op": op, "field": self.name, "of": list(key)}])
            return str(state.body(key)["kind"])

    @property
    def can_undo(self) -> int:
        """Number of changes that can be undone."""
        return len(self.session.state(self.name).stacks[self.session.author].done)

    @property
    def can_redo(self) -> int:
        """Number of changes that can be made again."""
        return len(self.session.state(self.name).stacks[self.session.author].undone)

    # notes

    @property
    def done(self) -> bool:
        """Whether somebody said that all cells are committed."""
        return bool(self.session.state(self.name).notes.get("done"))

    @property
    def qc(self) -> str:
        """State of the quality check, one of `QC`."""
        return str(self.session.state(self.name).notes.get("qc", QC[0]))

    @property
    def route(self) -> str:
        """How the truth of the z-stack is made, one of `ROUTES`, or ""."""
        return str(self.session.state(self.name).notes.get("route", ""))

    def mark(
        self, *, done: bool | None = None, qc: str | None = None, route: str | None = None
    ) -> None:
        """Note that the field is done, its quality check, its route; None leaves one as it is."""
        for value, known, what in ((qc, QC, "quality check"), (route, ROUTES, "route")):
            if value is not None and value not in known:
                raise InputError(f"{what} {value!r} is not known; there are {', '.join(known)}")
        given = {"done": done, "qc": qc, "route": route}
        values = {k: v for k, v in given.items() if v is not None}
        if values:
            self.session.write([{"op": "note", "field": self.name, "set": values}])
