"""Automatic masks of a field, waiting to be accepted, corrected or rejected."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from typing import TYPE_CHECKING

import numpy as np

from cellwright.label.session.cell import Cell, Entry, Planes, fold
from cellwright.label.session.commits import New, Where, planes_of
from cellwright.label.session.listing import as_instances, checked_planes, entries
from cellwright.label.session.preview import check_shape
from cellwright.label.session.replay import BASE
from cellwright.overlap import iou
from cellwright.types import InputError, Instances, Segmenter

if TYPE_CHECKING:
    from cellwright.formats.dataset import Dataset
    from cellwright.label.session.field import Field

log = logging.getLogger(__name__)

DOUBLE = 0.5
"""IoU with a committed cell from which an automatic mask is taken for the same cell."""


class Candidates:
    """Automatic masks of one field; they are in memory until somebody decides on them.

    The id of a candidate is made from its pixels, so that the same mask is known again in the
    next session, and two people who accept it make one cell.

    Parameters
    ----------
    field
        The field; use `Field.candidates`.
    """

    def __init__(self, field: Field) -> None:
        self._field = field
        self._pool: dict[str, tuple[str, Planes, Entry, Cell]] = {}

    def propose(
        self,
        found: Instances | Segmenter,
        *,
        source: str = "automatic",
        plane: int | None = None,
        projection: str = "median",
        channel: int | str | None = None,
        planes: Where = "view",
    ) -> tuple[str, ...]:
        """List automatic masks, in place of earlier ones of the same source and planes; ids.

        Those that somebody accepted, rejected or deleted before are not listed again.

        Parameters
        ----------
        found
            Cells, or a segmenter that is run on the view given by `plane`, `projection` and
            `channel`.
        source
            Where they come from; it becomes the tag ``source``.
        planes
            Planes the cells are on; "view" takes `plane`.
        """
        field = self._field
        if not isinstance(found, Instances):
            found = found.segment(field.view(plane, projection=projection, channel=channel))
        check_shape(found.shape, field.shape)
        on = planes_of(found, plane if planes == "view" else planes, field.planes)
        made = entries(found, prefix="m", verb="new", planes=on, count=field.planes, source=source)
        with field.session.lock:
            gone = [i for i, c in self._pool.items() if c[0] == source and c[1] == on]
            for id in gone:
                del self._pool[id]
            for entry in made:
                cell = fold([(BASE, "", entry)], field.shape)
                if cell:
                    self._pool[cell.id] = (source, on, entry, cell)
            return tuple(c.id for c in self._open() if self._pool[c.id][0] == source)

    def take(self, source: str, predictions: Dataset, least: float) -> None:
        """List the cells of the image of the same name, if there is one."""
        name = self._field.name
        if name in predictions.names:
            cells = predictions.instances(predictions.names.index(name))
            self.propose(cells[cells.scores >= least], source=source)

    def _open(self) -> list[Cell]:
        state = self._field.session.state(self._field.name)
        return [c for id, (_, _, _, c) in self._pool.items() if not state.settled(id)]

    def cells(self, plane: int | None = None) -> Instances:
        """Masks that nobody decided on, with the tags ``id`` and ``source``, and their scores."""
        field = self._field
        with field.session.lock:
            wanted = checked_planes(plane, field.planes) if plane is not None else None
            found = [c for c in self._open() if c.on(wanted)]
            names = dict.fromkeys((*field.session.class_names, *(c.class_name for c in found)))
            return as_instances(found, field.shape, tuple(names))

    def ids(self, plane: int | None = None) -> tuple[str, ...]:
        """Ids of `cells`, in their order."""
        return tuple(str(t["id"]) for t in self.cells(plane).tags)

    def __len__(self) -> int:
        return len(self._open())

    def accept(self, ids: str | Iterable[str], *, policy: str | None = None) -> tuple[str, ...]:
        """Commit candidates, which keep their ids; ids of those that the policy let through.

        A committed cell has the score 1, as somebody looked at it; the candidate's own score
        becomes the tag ``confidence``.
        """
        field = self._field
        new = []
        with field.session.lock:
            for id in [ids] if isinstance(ids, str) else ids:
                _, _, entry, cell = self._known(id)
                made = dict(entry["new"])
                score = made.pop("score", None)
                if score is not None:
                    made["tags"] = {**made.get("tags", {}), "confidence": score}
                assert cell.patch is not None
                new.append(New(id, made, cell.patch, cell.planes))
            return field.settle("accept", new, policy=policy, strict=False)

    def accept_all(
        self,
        *,
        min_score: float = 0.0,
        plane: int | None = None,
        policy: str | None = None,
        doubles: bool = False,
    ) -> tuple[str, ...]:
        """Commit all candidates in one step; ids of those committed.

        Parameters
        ----------
        min_score
            Candidates below it stay candidates.
        plane
            Only those on this plane.
        policy
            Instead of the session's.
        doubles
            Whether candidates that are committed already (IoU of `DOUBLE` or more with a cell
            on their planes) are committed beside it; without, they stay candidates.
        """
        field = self._field
        with field.session.lock:
            cells = self.cells(plane)
            keep = cells.scores >= min_score
            if not doubles and len(cells):
                known = field.cells(plane)
                if len(known):
                    shares = iou(cells, known).max(axis=1).toarray().reshape(-1)
                    keep &= shares < DOUBLE
            ids = [str(cells.tags[i]["id"]) for i in np.flatnonzero(keep)]
            left = len(cells) - len(ids)
            if left:
                log.info("%s: %d candidates are left (low score or double)", field.name, left)
            return self.accept(ids, policy=policy) if ids else ()

    def reject(self, ids: str | Iterable[str]) -> None:
        """Take candidates off the list; this is kept in the journal and can be undone."""
        field = self._field
        with field.session.lock:
            several = [ids] if isinstance(ids, str) else list(ids)
            changes = [{"id": self._known(id)[3].id, "reject": True} for id in several]
            if changes:
                field.change("reject", changes)

    def _known(self, id: str) -> tuple[str, Planes, Entry, Cell]:
        state = self._field.session.state(self._field.name)
        if id not in self._pool or state.settled(id):
            raise InputError(f"there is no candidate {id} in {self._field.name} (any more)")
        return self._pool[id]
